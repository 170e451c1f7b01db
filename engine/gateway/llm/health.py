"""Which model of which provider can be asked now. Pure: times are given, in Unix seconds.

Two things shut the way to one: it said until when it is limited, or it failed too often in a row. After the second one
request goes first, as a probe, and its outcome decides for all.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

FAILURES = 5
"""In a row; then it is left alone for a while."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
"""Seconds; each probe that fails doubles it."""

Why = Literal["limited", "opened", "probing"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now. `until` is when to ask again; 0: when the probe that is under way is over."""

    why: Why
    until: float


@dataclass(frozen=True, slots=True)
class Go:
    """Now; as a `probe`, if so, which must end in `answered`, `failed` or `given_up`."""

    probe: bool = False


@dataclass(slots=True)
class _Line:
    failures: int = 0
    pause: float = FIRST_PAUSE
    opened: bool = False
    probing: bool = False
    opens_again: float = 0.0
    limited: float = 0.0


class Health:
    """Of every target that was ever asked."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def leave(self, target: Hashable, now: float) -> Go | Wait:
        """May it be asked now? An answer `Go(probe=True)` makes others wait."""
        line = self._lines.get(target)
        if line is None:
            return Go()
        if line.limited > now:
            return Wait("limited", line.limited)
        if not line.opened:
            return Go()
        if line.probing:
            return Wait("probing", 0.0)
        if line.opens_again > now:
            return Wait("opened", line.opens_again)
        line.probing = True
        return Go(probe=True)

    def answered(self, target: Hashable) -> bool:
        """It began to answer, and not with an error. True: that closes what was open."""
        line = self._lines.get(target)
        if line is None or not line.opened:
            return False
        del self._lines[target]
        return True

    def succeeded(self, target: Hashable) -> None:
        """An answer came to its proper end: the row of failures ends."""
        if target in self._lines:
            self._lines[target].failures = 0

    def failed(self, target: Hashable, now: float, *, probe: bool = False) -> float:
        """One more failure; until when it is left alone because of it, or 0."""
        line = self._of(target)
        line.failures += 1
        if line.opened and not probe:
            return 0.0  # it was asked before that
        if not line.opened and line.failures < FAILURES:
            return 0.0
        if line.opened:
            line.pause = min(line.pause * 2, LONGEST_PAUSE)
        line.opened, line.probing, line.opens_again = True, False, now + line.pause
        return line.opens_again

    def limited(self, target: Hashable, until: float) -> None:
        """It said that it takes nothing before then. That is no failure, nor is it a success."""
        line = self._of(target)
        line.limited = max(line.limited, until)

    def lift(self, target: Hashable) -> None:
        """A person does not want to wait: the next one goes at once, as a probe where it failed before."""
        line = self._of(target)
        line.limited = line.opens_again = 0.0

    def given_up(self, target: Hashable) -> None:
        """The probe ended without an outcome, as when its agent left: another may be one."""
        if target in self._lines:
            self._lines[target].probing = False

    def _of(self, target: Hashable) -> _Line:
        return self._lines.setdefault(target, _Line())
