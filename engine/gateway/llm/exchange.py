"""One request as it came, and what carries its answer back. Knows no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from engine.gateway.llm import heads
from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.heads import Lines
from engine.gateway.llm.lanes import Lane, Target
from engine.gateway.llm.load import Share
from engine.gateway.llm.ports import Asked
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.values import Upstream


class Out(Protocol):
    """The agent's side of one request. Whatever is awaited here is cancelled when the agent leaves."""

    async def begin(self, status: int, headers: Lines) -> None:
        """Send the head."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a portion; returns when the agent takes more."""
        ...

    def cut(self) -> None:
        """Break the connection, so that the agent sees that this was not all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request of an agent that showed its token; `path` is below the gateway's name, `body` as it came."""

    agent: str
    lane: Lane
    upstream: Upstream
    method: str
    path: str
    query: str
    headers: Lines
    body: bytes = field(repr=False)
    share: Share = field(repr=False)

    @property
    def retry(self) -> int:
        """Which repetition of its own the agent says this is."""
        said = heads.value_of(self.headers, "x-stainless-retry-count")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 0

    def asked(self, target: Target, call: Call | None, most_out: int | None = None) -> Asked:
        """What goes to this target. On a plan, and where nothing is metered, it is byte by byte what came."""
        path, body = self.path, self.body
        if call is not None and not target.upstream.plan:
            path, body = call.changed(model="" if target.model == call.model else target.model, most_out=most_out)
        query = heads.without_key(self.query)
        return Asked(
            agent=self.agent,
            provider=target.upstream.name,
            kind=target.upstream.kind,
            method=self.method,
            path=f"{path}?{query}" if query else path,
            model=target.model,
            body=body,
        )


async def send(out: Out, reply: Reply) -> None:
    """A whole answer."""
    await out.begin(reply.status, reply.headers)
    if reply.body:
        await out.write(reply.body)
