"""Which model of which provider can be asked now. Pure: times are given, in Unix seconds.

Two things shut the way to one: it said until when it is limited, or it failed too often in a row. After a limit those
who waited go one after another, so that the first of them learns whether it is over. After failures one request goes
first, as a probe, and its outcome decides for all.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count
from typing import Literal

FAILURES = 5
"""In a row; then it is left alone for a while."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
"""Seconds; each probe that fails doubles it."""
PACE = 0.25
"""Seconds between two requests after a limit, until one of them is answered."""

Why = Literal["limited", "opened", "probing"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now. `until` is when to ask again; 0: when the probe that is under way is over."""

    why: Why
    until: float


@dataclass(frozen=True, slots=True)
class Go:
    """Now; as a `probe`, if so (its number), which must end in `answered`, `failed` or `given_up`."""

    probe: int = 0


@dataclass(slots=True)
class _Line:
    failures: int = 0
    pause: float = FIRST_PAUSE
    opened: bool = False
    probing: int = 0
    opens_again: float = 0.0
    limited: float = 0.0
    next: float = 0.0


class Health:
    """Of every target that was ever in trouble."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}
        self._probes = count(1)

    def leave(self, target: Hashable, now: float) -> Go | Wait:
        """May it be asked now? An answer `Go` with a probe makes others wait."""
        line = self._lines.get(target)
        if line is None:
            return Go()
        if line.limited > now:
            return Wait("limited", line.limited)
        if line.opened:
            return self._probe(line, now)
        if line.limited and line.next > now:
            return Wait("limited", line.next)
        line.next = now + PACE
        return Go()

    def answered(self, target: Hashable, now: float) -> bool:
        """It began to answer, and not with an error. True: that closes what was open."""
        line = self._lines.get(target)
        if line is None:
            return False
        was, line.opened, line.probing, line.pause = line.opened, False, 0, FIRST_PAUSE
        if was:
            line.failures = 0
        if line.limited <= now:  # else it was asked before that
            line.limited = 0.0
        return was

    def succeeded(self, target: Hashable) -> None:
        """An answer came to its proper end: the row of failures ends."""
        line = self._lines.get(target)
        if line is None:
            return
        line.failures = 0
        if not line.limited and not line.opened:
            del self._lines[target]

    def failed(self, target: Hashable, now: float, *, probe: int = 0) -> float:
        """One more failure; until when it is left alone because of it, or 0."""
        line = self._of(target)
        line.failures += 1
        if line.opened and (not probe or line.probing != probe):
            return 0.0  # it was asked before that
        if not line.opened and line.failures < FAILURES:
            return 0.0
        if line.opened:
            line.pause = min(line.pause * 2, LONGEST_PAUSE)
        line.opened, line.probing, line.opens_again = True, 0, now + line.pause
        return line.opens_again

    def limited(self, target: Hashable, until: float) -> None:
        """It said that it takes nothing before then. That is no failure, nor is it a success."""
        line = self._of(target)
        line.limited = max(line.limited, until)

    def lift(self, target: Hashable) -> None:
        """A person does not want to wait: the next one goes at once, as a probe where it failed before."""
        line = self._of(target)
        line.limited = line.opens_again = 0.0

    def given_up(self, target: Hashable, probe: int) -> None:
        """The probe of that number ended without an outcome, as when its agent left: another may be one."""
        line = self._lines.get(target)
        if line is not None and line.probing == probe:
            line.probing = 0

    def _probe(self, line: _Line, now: float) -> Go | Wait:
        if line.probing:
            return Wait("probing", 0.0)
        if line.opens_again > now:
            return Wait("opened", line.opens_again)
        line.probing = next(self._probes)
        return Go(probe=line.probing)

    def _of(self, target: Hashable) -> _Line:
        return self._lines.setdefault(target, _Line())
