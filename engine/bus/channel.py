"""One MQTT client as the engine sees it: a `Channel` of `engine.api`. The topic says who it is, and nothing else.

`SessionChannel` is a program that speaks through `MqttLink`. `HandChannel` is anything that sends frames as they are:
it is greeted in its name, and may ask for everything but a stream, which the `ev` topics are for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from engine.api import frames
from engine.api.calls import PROTOCOL
from engine.api.errors import BadFrame
from engine.api.frames import MAX_FRAME
from engine.api.lines import Lines
from engine.bus.wire import LEFT, PORTION, WINDOW, from_engine, read_from_client

UNREAD = 1024
"""Frames that a client may be ahead of the engine; a person's program is never."""
Publish = Callable[[bytes], Awaitable[None]]
"""Sends a message to the client; returns when it is on its way. Raises nothing."""


class _MqttChannel:
    """What both kinds share: frames that came and were not read, and the end."""

    def __init__(self, user: str, publish: Publish) -> None:
        self._user, self._publish = user, publish
        self._came: deque[bytes] = deque()
        self._bad: BadFrame | None = None
        self._change = asyncio.Event()
        self._turn = asyncio.Lock()
        self._gone = asyncio.Event()  # nothing reaches the client any more
        self._farewell: asyncio.Task[None] | None = None

    async def receive(self) -> bytes:
        """The next frame, its `actor` being whose topic it came on."""
        while not self._came:
            if self._bad is not None:
                raise self._bad
            if self.closing:
                raise EOFError
            self._change.clear()
            await self._change.wait()
        return self._named(self._came.popleft())

    @property
    def closing(self) -> bool:
        """Nothing more is sent."""
        return self._gone.is_set() or self._farewell is not None

    def close(self) -> None:
        """Say farewell once what is being sent is out."""
        if not self.closing:
            self._farewell = asyncio.create_task(self._bid_farewell())
            self._change.set()

    def abort(self) -> None:
        """It is gone, or is to be."""
        self._gone.set()
        self._change.set()

    async def closed(self) -> None:
        """Return once it is closed."""
        if self._farewell is not None:
            await asyncio.wait({self._farewell})

    def _take_in(self, lines: Iterable[bytes]) -> None:
        self._came.extend(line for line in lines if line.strip())
        if len(self._came) > UNREAD:
            self._came.clear()
            self._refuse(BadFrame(f"more than {UNREAD} frames at once", code="too_many"))
        self._change.set()

    def _refuse(self, bad: BadFrame) -> None:
        self._bad = self._bad or bad
        self._change.set()

    def _named(self, line: bytes) -> bytes:
        frame = frames.asked(line)
        if isinstance(frame, frames.Submit | frames.Start):
            return frames.encode(replace(frame, actor=self._user))
        return line

    async def _bid_farewell(self) -> None:
        self.abort()


class SessionChannel(_MqttChannel):
    """A program, with numbered messages and never more than `WINDOW` on their way to it."""

    def __init__(self, user: str, publish: Publish) -> None:
        super().__init__(user, publish)
        self._received = self._sent = self._taken = self._unfinished = 0
        self._lines = Lines()
        self._long: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    def feed(self, payload: bytes) -> None:
        """A message of the client."""
        if payload == LEFT:
            self.abort()
            return
        try:
            number, taken, portion = read_from_client(payload)
            if number != self._received + 1 or not self._taken <= taken <= self._sent:
                raise BadFrame(f"message {number} came after {self._received}; some were lost", code="lost")
        except BadFrame as bad:
            self._refuse(bad)
            return
        self._received, self._taken = number, taken
        self._room.set()
        self._lines.feed(portion)
        self._unfinished = len(portion) + (0 if b"\n" in portion else self._unfinished)
        if self._unfinished > MAX_FRAME:
            self._refuse(BadFrame(f"a frame has at most {MAX_FRAME} bytes", code="too_large"))
        self._take_in(iter(self._lines.take, None))

    async def send(self, data: bytes) -> None:
        """Send it in portions, and wait while the client has not taken enough. Nothing if it is gone."""
        if len(data) <= PORTION:
            await self._send(data)
            return
        self._long = asyncio.create_task(self._send(data))
        await asyncio.shield(self._long)  # a frame that has begun must end, whatever becomes of who sends it

    async def _send(self, data: bytes) -> None:
        async with self._turn:
            for start in range(0, len(data), PORTION):
                await self._until_room()
                if self._gone.is_set():
                    return
                await self._post(data[start : start + PORTION])

    def abort(self) -> None:
        """It is gone; a `send` that waits returns."""
        super().abort()
        self._room.set()

    async def _until_room(self) -> None:
        while self._sent - self._taken >= WINDOW and not self._gone.is_set():
            self._room.clear()
            await self._room.wait()

    async def _post(self, portion: bytes) -> None:
        self._sent += 1
        await self._publish(from_engine(self._sent, portion))

    async def _bid_farewell(self) -> None:
        async with self._turn:
            if not self._gone.is_set():
                await self._post(b"")
        self.abort()


class HandChannel(_MqttChannel):
    """Commands by hand. A message is one frame or several, a line each; so is an answer."""

    def __init__(self, user: str, publish: Publish, version: str) -> None:
        super().__init__(user, publish)
        self._came.append(frames.encode(frames.Hello(protocol=PROTOCOL, version=version)))

    def feed(self, payload: bytes) -> None:
        """A message of the client."""
        self._take_in(payload.split(b"\n"))

    async def send(self, data: bytes) -> None:
        """Send it as it is; a client by hand gets what it asked for and no stream."""
        async with self._turn:
            if not self._gone.is_set():
                await self._publish(data.removesuffix(b"\n"))

    def _named(self, line: bytes) -> bytes:
        frame = frames.asked(line)
        if isinstance(frame, frames.Subscribe | frames.Follow):
            raise BadFrame(
                "there is no stream by hand; events are on the ev topics, output on the log topics", code="by_hand"
            )
        return super()._named(line)

    async def _bid_farewell(self) -> None:
        async with self._turn:
            self.abort()
