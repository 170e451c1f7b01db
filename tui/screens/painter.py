"""When to paint: at once after a quiet time, else once a frame however much happens, and never when nothing changed.

There is no tick. Two timers of the loop at most: the frame that is due, and the next moment at which a shown age
changes by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SHARE = 30
"""Painting takes at most that part of the time, as long as frames need not become rarer than by `RARER` for it: what
else a frame costs, until it is on the wire, is about as much again."""
RARER = 4


class Painter:
    """Calls `paint` at most every `frame` seconds, after `wake`; and once at the moment that `paint` returns.

    Frames that cost much come less often: who watches a crowd reads no more of it at twenty a second than at ten.
    `paint` returns in how many seconds something changes by itself, None for never.
    """

    def __init__(self, paint: Callable[[], float | None], frame: float) -> None:
        self._paint, self._frame = paint, frame
        self._next = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Something changed."""
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_at(max(loop.time(), self._next), self._fire)

    def close(self) -> None:
        """Paint no more."""
        for timer in (self._due, self._tick):
            if timer is not None:
                timer.cancel()

    def _fire(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._due = self._tick = None
        loop = asyncio.get_running_loop()
        began, used = loop.time(), time.thread_time()
        rest = self._paint()
        self._next = began + min(max(self._frame, SHARE * (time.thread_time() - used)), RARER * self._frame)
        if rest is not None:
            self._tick = loop.call_later(max(rest, self._frame), self.wake)
