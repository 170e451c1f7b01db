"""Where a request goes, as an address, and what carries it there. Knows no HTTP library.

`Sender` is a port: the real one is in `client.py`; a tape plays and records through the others here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from engine.gateway.errors import GatewayError
from engine.gateway.llm.ports import Asked, Stored, Tape
from engine.gateway.llm.values import Upstream

Lines = Sequence[tuple[str, str]]


class Unsent(GatewayError):
    """No connection came about, so that nothing was sent and nothing can have been billed."""

    def __init__(self, provider: str, why: str) -> None:
        super().__init__(f"{provider} could not be reached: {why}")
        self.provider, self.why = provider, why


class Lost(GatewayError):
    """It was sent, and the answer did not come, or broke off. It may have been billed, but for a `stale` connection."""

    def __init__(self, provider: str, why: str, *, stale: bool = False) -> None:
        super().__init__(f"{provider}: {why}")
        self.provider, self.why, self.stale = provider, why, stale


class Answer(Protocol):
    """One answer, whose head is here. Close it in any case; that breaks the connection if it is not at its end."""

    @property
    def status(self) -> int:
        """HTTP's."""
        ...

    @property
    def headers(self) -> Lines:
        """As they came."""
        ...

    async def next(self) -> bytes:
        """The next portion, b"" at its proper end. Raises Lost."""
        ...

    def close(self) -> None:
        """Harmless twice."""
        ...


class Sender(Protocol):
    """Carries requests to vendors."""

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
        """Send it, and wait for the head of the answer. Raises Unsent, Lost, TapeMiss."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


def address(upstream: Upstream, path: str) -> str:
    """The URL of this path there. A version that stands in both is there once; a plan's OpenAI has none at all."""
    base = upstream.url.rstrip("/")
    if path.startswith("/v1/") and (base.endswith("/v1") or (upstream.plan and upstream.kind == "openai")):
        path = path.removeprefix("/v1")
    if path.startswith("/v1beta/") and base.endswith("/v1beta"):
        path = path.removeprefix("/v1beta")
    return base + path


class Played:
    """An answer from a tape."""

    def __init__(self, provider: str, stored: Stored) -> None:
        self._provider, self._stored = provider, stored
        self._chunks = iter(stored.chunks)

    @property
    def status(self) -> int:
        """As it was."""
        return self._stored.status

    @property
    def headers(self) -> Lines:
        """As they were, but for those that were left out of the tape."""
        return self._stored.headers

    async def next(self) -> bytes:
        """The next portion at once: a tape has no pauses. Raises Lost where it was lost."""
        chunk = next(self._chunks, b"")
        if not chunk and self._stored.cut:
            raise Lost(self._provider, "the answer broke off, as it did when it was recorded")
        return chunk

    def close(self) -> None:
        """Nothing is held."""


class Player:
    """Answers from the tape; no vendor is asked."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:  # noqa: ARG002  no vendor gets them
        """The next answer to it on the tape. Raises TapeMiss, and Lost where none came."""
        stored = self._tape.play(asked)
        if not stored.status:
            raise Lost(upstream.name, "no answer came, as none did when it was recorded")
        return Played(upstream.name, stored)

    async def close(self) -> None:
        """Nothing is held."""


async def whole(answer: Answer, most: int) -> bytes:
    """What is left of an answer, cut at `most` bytes. Raises Lost."""
    found = bytearray()
    async for chunk in portions(answer):
        found += chunk
        if len(found) >= most:
            break
    return bytes(found[:most])


async def portions(answer: Answer) -> AsyncIterator[bytes]:
    """Each portion up to the end. Raises Lost."""
    while chunk := await answer.next():
        yield chunk
