"""Holds an agent's program to its limits while it runs: looks once a second, and not at all while it stands still.

What the kernel enforces is only noticed here. Everything else is polled, so a limit may be passed for a second; what a
program did in that second is bounded by its cell. Nothing here decides what becomes of the work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.core.quantities import about, show_size, show_span
from engine.core.values import Limited, Limits
from engine.processes.errors import ProcessError
from engine.runtime.clocks import Clock, Deadline, Idleness
from engine.runtime.disk import Disk

PERIOD = 1.0
NEARLY = 0.98
"""The part of the processes it may have at which the kernel begins to refuse more."""
APART = 3
"""By how many processes the kernel's count may differ from ours: where it counts by user, first processes count too."""
AGAIN = 10.0
"""Seconds after which memory that is shared among many is weighed again."""


class Measured(Protocol):
    """What a keeper says of what runs in it: bytes of memory, processor time in clock ticks."""

    @property
    def processes(self) -> int: ...  # noqa: D102  said above
    @property
    def rss(self) -> int: ...  # noqa: D102
    @property
    def ticks(self) -> int: ...  # noqa: D102


class Watched(Protocol):
    """Where the program runs."""

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        ...

    @property
    def starved(self) -> int:
        """How many processes the kernel has ended for want of memory, where it keeps to the limit itself."""
        ...

    async def measure(self) -> Measured | None:
        """What it uses now; None where nothing runs or nobody can say. Raises ProcessError."""
        ...

    async def weigh(self) -> int:
        """The memory it uses, with what it shares counted once: dearer than `measure`. Raises ProcessError."""
        ...


class Watch:
    """One program that runs. `over` is the limit it was ended for, `starved` that of memory if the kernel holds it."""

    def __init__(
        self,
        limits: Limits,
        place: Watched,
        disk: Disk,
        *,
        tell: Callable[[Limited], object],
        end: Callable[[Limited], Awaitable[object]],
        freeze: Callable[[], object],
        clock: Clock = time.monotonic,
    ) -> None:
        self.over: Limited | None = None
        self.starved: Limited | None = None
        self._starved = place.starved
        self._limits, self._place, self._disk, self._clock = limits, place, disk, clock
        self._tell, self._end, self._freeze = tell, end, freeze
        self._deadline = Deadline(limits.time, clock)
        self._idle = Idleness(clock)
        self._crowded = False
        self._weighed = (0.0, 0)  # when memory was found to be shared, and how much it seemed to be

    def heard(self) -> None:
        """It printed something."""
        self._idle.restart()

    async def run(self) -> None:
        """Look once a second until it has to be ended, and end it."""
        try:
            while self.over is None:
                await asyncio.sleep(PERIOD)
                await self.look()
        finally:
            self._disk.close()

    def see_starved(self) -> None:
        """Look whether the kernel has ended a process of it; once more at its end."""
        before, self._starved = self._starved, self._place.starved
        if self._starved > before and self.starved is None:
            self.starved = Limited(limit="memory", value=show_size(self._limits.memory), done="refused")
            self._tell(self.starved)

    async def look(self) -> None:
        """Look once."""
        self.see_starved()
        if self._place.frozen:
            self._deadline.stand()
            self._idle.restart()
            return
        self._deadline.go_on()
        try:
            self.over = self._late() or self._large() or await self._hungry()
        except ProcessError:  # a keeper that is busy, or being ended: whoever does that says so
            return
        if self.over is not None:
            self._tell(self.over)
            await self._end(self.over)

    def _late(self) -> Limited | None:
        if not self._limits.time or self._deadline.left > 0:
            return None
        return Limited(limit="time", value=show_span(self._limits.time), done="ended")

    def _large(self) -> Limited | None:
        held = self._disk.over()
        return (
            Limited(limit="disk", value=show_size(self._limits.disk), used=about(held), done="ended") if held else None
        )

    async def _hungry(self) -> Limited | None:
        found = await self._place.measure()
        if found is None:
            return None
        self._rest_if_idle(found.ticks)
        return self._many(found.processes) or await self._heavy(found.rss)

    def _many(self, processes: int) -> Limited | None:
        most = self._limits.processes
        if not most or processes < most * NEARLY:
            return None
        if processes > most + APART:  # nobody refused them
            return Limited(limit="processes", value=str(most), used=str(processes), done="ended")
        if not self._crowded:
            self._crowded = True
            self._tell(Limited(limit="processes", value=str(most), used=str(processes), done="refused"))
        return None

    async def _heavy(self, rss: int) -> Limited | None:
        """Pages that are shared count for each in `rss`, so what seems too much is weighed before it is called so."""
        most, (at, seemed) = self._limits.memory, self._weighed
        if not most or rss <= most or (self._clock() - at < AGAIN and rss <= seemed * 1.1):
            return None
        used = await self._place.weigh()
        if used > most:
            return Limited(limit="memory", value=show_size(most), used=about(used), done="ended")
        self._weighed = self._clock(), rss
        return None

    def _rest_if_idle(self, ticks: int) -> None:
        most = self._limits.freeze_idle
        if most and self._idle.seconds(ticks) >= most:
            self._idle.restart()
            self._tell(Limited(limit="freeze_idle", value=show_span(most), done="frozen"))
            self._freeze()
