"""The agents' side over HTTP, by aiohttp: who asks, for which gateway, with which body. Importing costs what it costs.

A body that is too large, or too many of them at once, is refused before it is in memory.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from engine.gateway.llm import heads, replies
from engine.gateway.llm.exchange import Incoming, send
from engine.gateway.llm.forward import forward
from engine.gateway.llm.heads import Lines
from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.listening import Listening
from engine.gateway.llm.load import Load, Share, TooMuch
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.values import Upstream

BODY_SECONDS = 60.0
"""For a whole body to come, once its head is here."""
_AS = "/as/"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


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
    """What one agent's listeners lead to. To be made in the loop it is used in."""

    def __init__(self, agent: str, lane: Callable[[], Lane | None], parts: Parts) -> None:
        self._agent, self._lane, self._parts = agent, lane, parts
        self._load, self._listening = Load(), Listening(self._answer)
        self._asking: set[asyncio.Task[object]] = set()

    def listen(self, listener: socket.socket) -> None:
        """Answer what is asked there, from now on."""
        self._listening.take(listener)

    async def close(self) -> None:
        """End what is under way; returns when it is booked."""
        await self._listening.close()
        while self._asking:
            await asyncio.wait(self._asking)

    async def _answer(self, request: BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is not None and task not in self._asking:
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        out, share = Response(request), await self._load.turn()
        try:
            return await self._answered(request, out, share)
        except TooMuch as error:
            status = 503 if error.again else 413
            return await out.whole(replies.refusal(status, "too_much", str(error), again=error.again))
        finally:
            share.over()

    async def _answered(self, request: BaseRequest, out: Response, share: Share) -> web.StreamResponse:
        found = self._found(request)
        if isinstance(found, Reply):
            return await out.whole(found)
        lane, upstream, asked = found
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(request, share)
        except TimeoutError:
            return await out.whole(replies.refusal(408, "too_slow", "the body did not come", again=True))
        incoming = Incoming(
            agent=self._agent, lane=lane, upstream=upstream, method=request.method, path=asked.path,
            query=asked.query, headers=_lines(request), body=body, share=share,
        )  # fmt: skip
        await forward(self._parts, incoming, out)
        return out.ended

    def _found(self, request: BaseRequest) -> tuple[Lane, Upstream, Called] | Reply:
        """Who asks which gateway for what, or why that is not to be."""
        asked, lane = called(request.raw_path), self._lane()
        headers = _lines(request)
        if lane is None or not lane.admits((asked.token, *heads.shown(headers, asked.query))):
            return replies.refusal(401, "unknown_agent", "this is not the token of the agent whose port this is")
        if not (asked.path + asked.query).isascii():
            return replies.refusal(400, "bad_request", "the path is no text in ASCII")
        if heads.value_of(headers, "upgrade"):
            return replies.refusal(426, "no_websockets", "only plain HTTP is forwarded; switch websockets off")
        upstream = self._parts.upstreams.get(asked.name)
        if upstream is None:
            there = ", ".join(self._parts.upstreams)
            return replies.refusal(404, "not_found", f"there is no gateway {asked.name[:64]!r}; there are {there}")
        return lane, upstream, asked


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
        """Break the connection; what was written before still goes out."""
        if self._request.transport is not None:
            self._request.transport.close()

    async def whole(self, reply: Reply) -> web.StreamResponse:
        """A whole answer, where none was begun."""
        await send(self, reply)
        return self.ended


async def _read(request: BaseRequest, share: Share) -> bytes:
    """Its body. Raises TooMuch."""
    share.announced(request.content_length or 0)
    if request.headers.get("Expect") and request.transport is not None:
        request.transport.write(_CONTINUE)
    portions = []
    async for portion in request.content.iter_any():
        portions.append(portion)
        await share.came(len(portion))
    return b"".join(portions)


def _lines(request: BaseRequest) -> Lines:
    return [(str(name), value) for name, value in request.headers.items()]
