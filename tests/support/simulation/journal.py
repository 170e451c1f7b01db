"""A journal with group commit: what is appended is lost in a crash until it is synced, but for what happened to be on
disk already. Lines are kept encoded, so that every replay goes through the real codec.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from engine.core import events as e


class Journal:
    """The record of one simulated repository."""

    def __init__(self) -> None:
        self.durable: list[bytes] = []
        self._pending: list[list[e.Event]] = []

    @property
    def idle(self) -> bool:
        """Is everything that was decided durable?"""
        return not self._pending

    def append(self, decision: list[e.Event]) -> None:
        """Take one decision in; not durable yet."""
        if decision:
            self._pending.append(decision)

    def sync(self) -> list[e.Event]:
        """Make all that waits durable; these events may now leave."""
        synced = [event for decision in self._pending for event in decision]
        self._pending.clear()
        self.durable += map(e.encode, synced)
        return synced

    def crash(self, rng: Random) -> None:
        """Lose what was not synced, or all but the first decisions of it, which were on disk and never acknowledged."""
        for decision in self._pending[: rng.randint(0, len(self._pending)) if rng.random() < 0.5 else 0]:
            self.durable += map(e.encode, decision)
        self._pending.clear()

    def replay(self, after: int = 0) -> Iterator[e.Event]:
        """Everything durable after a seq, decoded."""
        lines: Iterable[bytes] = self.durable[after:]
        return map(e.decode, lines)
