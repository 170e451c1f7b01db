"""A window on text that is read: it scrolls, and a search marks what it finds and goes from match to match."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tui.viewmodel.lines import Line
from tui.widgets.window import Window


class Lines(Protocol):
    """A model of lines that are made when they are asked for, each known by its number."""

    def __len__(self) -> int:
        """How many lines there are."""

    def line(self, number: int) -> Line:
        """The line of that number."""

    def find(self, needle: str) -> Sequence[int]:
        """The numbers of the lines a search finds, ascending."""


class NoLines:
    """Nothing to read."""

    def __len__(self) -> int:
        return 0

    def line(self, number: int) -> Line:
        """There is none."""
        raise IndexError(number)

    def find(self, needle: str) -> Sequence[int]:  # noqa: ARG002  there is nothing to look through
        """None of none."""
        return ()


class Found(NamedTuple):
    """Where a search stands: on which match, from 1 on (0: on none yet), of how many lines that match."""

    at: int = 0
    of: int = 0


class Reader(Window):
    """Text with a search. Subclasses say which model is read and how a line looks."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._needle = ""
        self._hits: Sequence[int] = ()
        self._hit: int | None = None

    # What a subclass says.

    def reading(self) -> Lines:
        """The model that is read."""
        raise NotImplementedError

    def first(self) -> int:
        """The number of the first line there is."""
        return 0

    def count(self) -> int:
        """How many lines there are."""
        return len(self.reading())

    # The search.

    @property
    def needle(self) -> str:
        """What is searched for; empty: nothing."""
        return self._needle

    @property
    def found(self) -> Found:
        """Where the search stood when it was last moved."""
        at = 0 if self._hit is None else bisect_right(self._hits, self._hit)
        return Found(at, len(self._hits))

    def search(self, needle: str) -> Found:
        """Mark what matches and go to the first match from the top on. Empty: end the search."""
        self._needle, self._hit = needle, None
        self._look()
        return self._go(bisect_left(self._hits, self.first() + self.top))

    def next_match(self) -> Found:
        """The next line that matches; after the last one the first."""
        self._look()
        return self._go(bisect_right(self._hits, self._place()))

    def previous_match(self) -> Found:
        """The line that matches before; before the first one the last."""
        self._look()
        return self._go(bisect_left(self._hits, self._place()) - 1)

    def is_hit(self, number: int) -> bool:
        """Whether the search stands on that line."""
        return number == self._hit

    def _look(self) -> None:
        self._hits = self.reading().find(self._needle) if self._needle else ()

    def _place(self) -> int:
        return self.first() + self.top if self._hit is None else self._hit

    def _go(self, which: int) -> Found:
        if self._hits:
            self._hit = self._hits[which % len(self._hits)]
            index = self._hit - self.first()
            if not self.top <= index < self.top + self.size.height:
                self.scroll_lines(index - self.size.height // 3)
        self.repaint()
        return self.found
