"""The body of a request, as it comes from the agent: exactly as long as its head said, or chunk by chunk.

Chunks are written anew: sizes in one form, no extensions, no trailer. What follows a body is left where it is.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator

from engine.gateway.errors import BadRequest
from engine.gateway.heads import CHUNKED, MAX_HEAD

PORTION = 64 << 10
"""Bytes that are read at once."""
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Incoming:
    """What an agent sends; `rest` came with the head."""

    def __init__(self, agent: socket.socket, rest: bytes) -> None:
        self._agent, self._held = agent, bytearray(rest)

    async def portions(self, body: int) -> AsyncIterator[bytes]:
        """What is to be sent on, for a body of that length. Raises BadRequest where it is cut short or no chunks."""
        if body != CHUNKED:
            async for part in self._exactly(body):
                yield part
            return
        while size := await self._size():
            yield b"%x\r\n" % size
            async for part in self._exactly(size):
                yield part
            if await self._line() != b"\r\n":
                raise BadRequest("a chunk is longer than it says")
            yield b"\r\n"
        await self._skip_trailer()
        yield b"0\r\n\r\n"

    async def next(self) -> None:
        """Wait for what comes after the body: the end, or another request, which is not served."""
        if not self._held:
            await self._more()

    async def _exactly(self, length: int) -> AsyncIterator[bytes]:
        while length:
            if not self._held and not await self._more():
                raise BadRequest("its body ended early")
            part = bytes(self._held[:length])
            del self._held[:length]
            length -= len(part)
            yield part

    async def _size(self) -> int:
        size = _CHUNK.fullmatch(await self._line())
        if size is None:
            raise BadRequest("a chunk has no size")
        return int(size[1], 16)

    async def _skip_trailer(self) -> None:
        left = MAX_HEAD
        while (line := await self._line()) != b"\r\n":
            left -= len(line)
            if left < 0:
                raise BadRequest(f"its trailer has more than {MAX_HEAD} bytes")

    async def _line(self) -> bytes:
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > MAX_HEAD or not await self._more():
                raise BadRequest("a line of its body does not end")
        line = bytes(self._held[: end + 1])
        del self._held[: end + 1]
        return line

    async def _more(self) -> bool:
        data = await asyncio.get_running_loop().sock_recv(self._agent, PORTION)
        self._held += data
        return bool(data)
