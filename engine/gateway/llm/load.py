"""How much an agent may ask of the engine itself: memory for bodies, and its time. Money is not counted here."""

from __future__ import annotations

import asyncio

from engine.gateway.llm.dialects.packed import MOST
from engine.processes.rings import Bucket

MOST_AT_ONCE = 48 << 20
"""Bytes of one agent's bodies that are in memory, as they came and unpacked."""
RATE, BURST = 50, 500
"""Requests of one agent a second on average, and at once; more are answered later."""
BYTES, BYTES_AT_ONCE = 8 << 20, 64 << 20
"""Bytes of bodies a second on average, and at once; more are read later."""


class TooMuch(Exception):
    """A body is larger than one may be, or than there is room for now. `again`: a later try may fit."""

    def __init__(self, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.again = again


class Load:
    """Of one agent. Under `heavy` its large requests are read one by one: that takes several times their size."""

    def __init__(self) -> None:
        self._held = 0
        self.heavy = asyncio.Lock()
        self._requests, self._bytes = Bucket(RATE, BURST), Bucket(BYTES, BYTES_AT_ONCE)

    async def turn(self) -> Share:
        """One more request: returns when it is its turn."""
        await _wait(self._requests, 1)
        return Share(self)

    async def read(self, size: int) -> None:
        """So much was read: returns when more may be."""
        await _wait(self._bytes, size)

    def hold(self, size: int) -> None:
        """So much more is in memory. Raises TooMuch."""
        if self._held + size > MOST_AT_ONCE:
            raise TooMuch("too much is asked at once", again=True)
        self._held += size

    def free(self, size: int) -> None:
        """So much is not any more."""
        self._held -= size


class Share:
    """What one request has of it, until it is `over`."""

    def __init__(self, load: Load) -> None:
        self._load, self._held, self._body = load, 0, 0

    def announced(self, size: int) -> None:
        """The body is to have so many bytes. Raises TooMuch."""
        if size > MOST:
            raise TooMuch(f"a request has at most {MOST >> 20} MiB", again=False)

    @property
    def heavy(self) -> asyncio.Lock:
        """To be had while a large one is read."""
        return self._load.heavy

    async def came(self, size: int) -> None:
        """A portion of the body. Returns when the next may come. Raises TooMuch."""
        self._body += size
        self.announced(self._body)
        self.holds(size)
        await self._load.read(size)

    def holds(self, size: int) -> None:
        """So much more is in memory because of it. Raises TooMuch."""
        self._load.hold(size)
        self._held += size

    def over(self) -> None:
        """Nothing of it is in memory. Harmless twice."""
        self._load.free(self._held)
        self._held = 0


async def _wait(bucket: Bucket, count: int) -> None:
    now = asyncio.get_running_loop().time()
    bucket.take(count, now)
    delay = bucket.delay(now, 0)
    if delay:
        await asyncio.sleep(delay)
