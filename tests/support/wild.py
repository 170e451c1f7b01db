"""Both ends of the models' gateway as nobody wants them: raw connections of an agent, and a vendor that does anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.gate import TOKEN

Acting = Callable[["Wild", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\n"
HEAD = b"POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: " + TOKEN.encode() + b"\r\n"


@dataclass
class Wild:
    """A vendor. `heads` are the requests it got, `sent` the bytes it could send, `left` how often it was left."""

    act: Acting
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    sent: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def pour(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send it again and again, until nobody takes more."""
        while True:
            writer.write(data)
            self.sent += len(data)
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                self.bodies.append(await reader.readexactly(int(length[0].split(b":")[1]) if length else 0))
                await self.act(self, reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.left.set()
            writer.close()


@asynccontextmanager
async def wild(act: Acting) -> AsyncIterator[Wild]:
    """A vendor that does this with each request."""
    vendor = Wild(act)
    server = await asyncio.start_server(vendor._serve, "127.0.0.1", 0)
    vendor.port = server.sockets[0].getsockname()[1]
    try:
        yield vendor
    finally:
        server.close()
        others = [task for task in asyncio.all_tasks() if "_serve" in repr(task.get_coro())]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of an agent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass


async def status(reader: asyncio.StreamReader) -> int:
    """Of the next answer, whose head is read; 0 where the connection ended."""
    try:
        return int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
