"""The engine's end of one client's connection, whatever it is made of: frames in, frames out.

`Connection` serves any `Channel`. It knows no frames: it takes and gives bytes. Nobody is authenticated here; whoever
makes a channel has let its client in.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from engine.api.errors import BadFrame
from engine.api.frames import MAX_FRAME


class Channel(Protocol):
    """One client, seen from the engine. `receive` is called by one task, `send` by several."""

    async def receive(self) -> bytes:
        """One frame; it may have its line end. Raises EOFError or ConnectionError once the client left.

        Raises BadFrame with code `too_large` for more than `MAX_FRAME` bytes.
        """
        ...

    async def send(self, data: bytes) -> None:
        r"""Send one or more whole frames, each ended by ``\n``, in the order of the calls.

        Waits while the client does not take what was sent: that is all the back-pressure there is. It raises nothing:
        to a client that is gone nothing is sent.
        """
        ...

    @property
    def closing(self) -> bool:
        """Nothing more is sent."""
        ...

    def close(self) -> None:
        """Close once what was sent is out. Harmless twice."""
        ...

    def abort(self) -> None:
        """Close at once, whatever was not sent; a `send` that waits returns."""
        ...

    async def closed(self) -> None:
        """Return once it is closed. Raises nothing."""
        ...


class StreamChannel:
    """A connected socket; a frame is a line. The reader's limit is `MAX_FRAME`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def receive(self) -> bytes:
        """The next line."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise BadFrame(f"a frame has at most {MAX_FRAME} bytes", code="too_large") from None

    async def send(self, data: bytes) -> None:
        """Write it, and wait while the client has not taken it. Nothing if it is gone."""
        if self.closing:
            return
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError:
            self._writer.close()

    @property
    def closing(self) -> bool:
        """Nothing more is sent."""
        return self._writer.is_closing()

    def close(self) -> None:
        """Close once what was written is out."""
        self._writer.close()

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Return once it is closed."""
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass
