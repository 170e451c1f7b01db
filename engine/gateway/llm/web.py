"""The agents' side over HTTP, by aiohttp: who asks, for which gateway, with which body. Importing costs what it costs.

A body that is too large, or too many of them at once, is refused before it is in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from engine.gateway.llm import heads, replies
from engine.gateway.llm.dialects.packed import MOST
from engine.gateway.llm.exchange import Incoming, send
from engine.gateway.llm.forward import forward
from engine.gateway.llm.heads import Lines
from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.values import Upstream

MOST_AT_ONCE = 4 * MOST
"""Bytes of bodies of one agent that are in memory."""
HEAD_LINE = 64 << 10
_AS = "/as/"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooMuch(Exception):
    """A body is larger than one may be, or than there is room for now. `again`: a later try may fit."""

    def __init__(self, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.again = again


@dataclass(frozen=True, slots=True)
class Called:
    """A path taken apart: the token in it, the gateway's name, and what is below that."""

    token: str
    name: str
    path: str
    query: str


def called(raw: str) -> Called:
    """Of `/NAME/...` or `/as/TOKEN/NAME/...`, as it came."""
    path, _, query = raw.partition("?")
    token = ""
    if path.startswith(_AS):
        token, _, rest = path.removeprefix(_AS).partition("/")
        path = f"/{rest}"
    name, slash, below = path.removeprefix("/").partition("/")
    return Called(token, name, slash + below, query)


class Door:
    """What one agent's listeners lead to."""

    def __init__(self, agent: str, lane: Callable[[], Lane | None], parts: Parts) -> None:
        self._agent, self._lane, self._parts = agent, lane, parts
        self._bytes = 0

    def server(self) -> web.Server:
        """Makes the protocol of each connection. A request is cancelled at once when its agent leaves."""
        return web.Server(
            self._handle,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            max_line_size=HEAD_LINE,
            max_field_size=HEAD_LINE,
        )

    async def _handle(self, request: BaseRequest) -> web.StreamResponse:
        out, taken = Response(request), bytearray()
        try:
            found = self._found(request)
            if isinstance(found, Reply):
                return await out.whole(found)
            lane, upstream, asked = found
            await self._read(request, taken)
            headers = [(str(name), value) for name, value in request.headers.items()]
            incoming = Incoming(
                agent=self._agent, lane=lane, upstream=upstream, method=request.method, path=asked.path,
                query=asked.query, headers=headers, body=bytes(taken),
            )  # fmt: skip
            await forward(self._parts, incoming, out)
        except TooMuch as error:
            return await out.whole(replies.refusal(413, "too_large", str(error), again=error.again))
        finally:
            self._bytes -= len(taken)
        return out.ended

    def _found(self, request: BaseRequest) -> tuple[Lane, Upstream, Called] | Reply:
        """Who asks which gateway for what, or why that is not to be."""
        asked, lane = called(request.raw_path), self._lane()
        headers: Lines = [(str(name), value) for name, value in request.headers.items()]
        if lane is None or not lane.admits((asked.token, *heads.shown(headers, asked.query))):
            return replies.refusal(401, "unknown_agent", "this is not the token of the agent whose port this is")
        if heads.value_of(headers, "upgrade"):
            return replies.refusal(426, "no_websockets", "only plain HTTP is forwarded; switch websockets off")
        upstream = self._parts.upstreams.get(asked.name)
        if upstream is None:
            there = ", ".join(self._parts.upstreams)
            return replies.refusal(404, "not_found", f"there is no gateway {asked.name[:64]!r}; there are {there}")
        return lane, upstream, asked

    async def _read(self, request: BaseRequest, taken: bytearray) -> None:
        """Its body, into `taken`, which counts as soon as it is in memory. Raises TooMuch."""
        if heads.value_of([("expect", request.headers.get("Expect", ""))], "expect") and request.transport is not None:
            request.transport.write(_CONTINUE)
        async for portion in request.content.iter_any():
            if len(taken) + len(portion) > MOST:
                raise TooMuch(f"a request has at most {MOST >> 20} MiB", again=False)
            if self._bytes + len(portion) > MOST_AT_ONCE:
                raise TooMuch("too much is asked at once", again=True)
            taken += portion
            self._bytes += len(portion)


class Response:
    """The agent's side of a request: `exchange.Out` over HTTP, in portions as they come."""

    def __init__(self, request: BaseRequest) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    @property
    def ended(self) -> web.StreamResponse:
        """What was sent, for the server to end."""
        if self._response is None:
            raise RuntimeError("a request was not answered")
        return self._response

    async def begin(self, status: int, headers: Lines) -> None:
        """Send the head."""
        response = web.StreamResponse(status=status, headers=CIMultiDict(headers))
        await response.prepare(self._request)
        self._response = response

    async def write(self, data: bytes) -> None:
        """Send a portion; returns when the agent takes more."""
        await self.ended.write(data)

    def cut(self) -> None:
        """Break the connection."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def whole(self, reply: Reply) -> web.StreamResponse:
        """A whole answer, where none was begun."""
        await send(self, reply)
        return self.ended
