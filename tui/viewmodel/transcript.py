"""What one agent printed, as far as it is remembered: a ring of lines with a total, bounded in lines and characters.

The file is the authority; what was skipped or has fallen out is said, never passed over in silence.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tui import cells
from tui.viewmodel.lines import Line, Span, clean, finder

LINES, CHARACTERS = 10_000, 1_000_000
"""What a tail holds at most."""
KEPT = 200
"""Lines that stay of a tail nobody reads."""
LONGEST = 2_000
"""Characters of one line that are shown."""


class Step(NamedTuple):
    """The step whose output it is."""

    task: str
    attempt: int
    kind: str


class Tail:
    """The last lines of an agent. Lines are numbered from the first that ever was: `dropped` .. `total` - 1."""

    def __init__(self) -> None:
        self._lines: deque[str | Span] = deque()
        self._size = 0
        self._of: Step | None = None
        self._offset = -1
        self.dropped = 0
        self.last = ""

    @property
    def total(self) -> int:
        """How many lines there ever were."""
        return self.dropped + len(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Line:
        """The line of that number. Raises IndexError for one that is not there."""
        found = self._lines[self._index(number)]
        return (found if isinstance(found, Span) else Span(found),)

    def find(self, needle: str) -> list[int]:
        """Numbers of the lines with this text; small letters find large ones too."""
        has = finder(needle)
        return [n for n, found in enumerate(self._lines, self.dropped) if isinstance(found, str) and has(found)]

    def said(self, text: str, *, of: Step, offset: int, missed: int = 0) -> None:
        """Add whole lines. What comes from an earlier place of the same transcript begins it anew."""
        again = of == self._of and offset <= self._offset
        if again:
            self._forget()
        if again or of != self._of:
            self._of = of
            self._add(Span(heading(of), "label"))
        self._offset = offset
        if missed:
            self._add(Span(f"({missed:,} bytes are not shown here; the transcript has them)", "note"))
        for row in text.splitlines():
            self._add(cells.row(row, LONGEST))

    def trim(self) -> None:
        """Forget all but the last lines."""
        self._drop(KEPT)

    def _add(self, what: str | Span) -> None:
        self._lines.append(what)
        self._size += len(what) if isinstance(what, str) else len(what.text)
        if isinstance(what, str) and what.strip():
            self.last = what
        if len(self._lines) > LINES or self._size > CHARACTERS:
            self._drop(len(self._lines) - 1 if len(self._lines) > LINES else len(self._lines) * 9 // 10)

    def _drop(self, keep: int) -> None:
        while len(self._lines) > max(keep, 1):
            gone = self._lines.popleft()
            self._size -= len(gone) if isinstance(gone, str) else len(gone.text)
            self.dropped += 1

    def _forget(self) -> None:
        self.dropped += len(self._lines)
        self._lines.clear()
        self._size = 0

    def _index(self, number: int) -> int:
        if not self.dropped <= number < self.total:
            raise IndexError(number)
        return number - self.dropped


def recalled(name: str, text: str, offset: int) -> Tail:
    """The end of an old transcript: its file's name says what it is of; so many bytes are before it."""
    task, attempt, kind, *_ = [*name.split(".", 3), "", "", ""]
    tail = Tail()
    tail.said(text, of=Step(task, int(attempt) if attempt.isdecimal() else 0, kind), offset=offset, missed=offset)
    return tail


def heading(of: Step) -> str:
    """What stands above the output of another step."""
    which = f", attempt {of.attempt}" if of.attempt else ""
    return clean(f"{of.kind or 'work'} of {of.task}{which}")
