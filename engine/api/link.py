"""The asynchronous client's end of a connection, whatever it is made of: frames out, frames in.

`Session` speaks over any `Link`. It knows no frames and no time limits: the session finds out whether the engine hangs.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from engine.api.errors import EngineGone, NoEngine
from engine.api.lines import Lines

_CHUNK = 256 * 1024
PATIENCE = 5.0
"""Seconds in which the engine must let one in."""


class Link(Protocol):
    """One connection to an engine, seen from the client. `receive` is called by one task, `send` by several."""

    async def send(self, frame: bytes) -> None:
        """Send one frame with its line end; frames arrive in the order of the calls. Raises EngineGone.

        It may wait while the engine does not take it, and must end when the link is closed.
        """
        ...

    async def receive(self) -> bytes:
        """The next frame. Raises EngineGone once the other side has closed and all that it sent was received."""
        ...

    async def close(self) -> None:
        """Leave; nothing is left open. Harmless twice, and raises nothing."""
        ...


class StreamLink:
    """A connected socket; a frame is a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._lines = Lines()

    async def send(self, frame: bytes) -> None:
        """Write a frame, and wait while the engine does not take it in."""
        if self._writer.is_closing():
            raise EngineGone("the engine is gone")
        self._writer.write(frame)
        try:
            await self._writer.drain()
        except ConnectionError:
            raise EngineGone("the engine is gone") from None

    async def receive(self) -> bytes:
        """The next line."""
        while (line := self._lines.take()) is None:
            try:
                chunk = await self._reader.read(_CHUNK)
            except ConnectionError:
                chunk = b""
            if not chunk:
                raise EngineGone("the engine is gone: it closed the connection without a word")
            self._lines.feed(chunk)
        return line

    async def close(self) -> None:
        """Close the socket at once: whoever leaves waits for nothing."""
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass


async def unix(path: Path) -> Link:
    """Connect to the engine at this socket. Raises NoEngine, EngineGone."""
    try:
        async with asyncio.timeout(PATIENCE):
            return StreamLink(*await asyncio.open_unix_connection(path, limit=_CHUNK))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoEngine(path) from None
    except (TimeoutError, BlockingIOError):
        raise EngineGone("the engine hangs: it lets nobody in", hung=True) from None
