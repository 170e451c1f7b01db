"""Time that counts for a program: its work without its pauses, and how long it has done nothing. Arithmetic only."""

from __future__ import annotations

from collections.abc import Callable

RESTLESS = 0.001
"""The part of a processor's time that still is idleness: a timer that looks whether there is something to do."""

Clock = Callable[[], float]
"""Gives seconds."""


class Deadline:
    """Seconds of work that are left. They do not pass while it stands still."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._left, self._clock = seconds, clock
        self._since: float | None = clock()

    @property
    def left(self) -> float:
        """Seconds; negative once they are over."""
        return self._left - (self._clock() - self._since if self._since is not None else 0.0)

    def stand(self) -> None:
        """It is frozen."""
        self._left, self._since = self.left, None

    def go_on(self) -> None:
        """It is not frozen (any more)."""
        if self._since is None:
            self._since = self._clock()


class Idleness:
    """For how long a program has done nothing: used next to no processor and printed nothing."""

    def __init__(self, clock: Clock, ticks_per_second: int = 100) -> None:
        self._clock, self._rate = clock, ticks_per_second * RESTLESS
        self.restart()

    def restart(self) -> None:
        """From now on."""
        self._since, self._ticks = self._clock(), -1

    def seconds(self, ticks: int) -> float:
        """For how long, if it has used so many ticks by now."""
        now = self._clock()
        if self._ticks < 0 or not 0 <= ticks - self._ticks <= 1 + (now - self._since) * self._rate:
            self._since, self._ticks = now, ticks
        return now - self._since
