"""A diff, line by line as it is scrolled to; jumps between its files and changes, and never loses sight of the file.

The file that what is in sight belongs to stands in the first line, whenever its own line is above.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Protocol

from textual import events

from tui.theme.inks import Ground
from tui.viewmodel.lines import Line, Span
from tui.widgets.paint import Face
from tui.widgets.reader import Lines, NoLines, Reader
from tui.widgets.window import Frame


class Diff(Lines, Protocol):
    """A model of a diff, its lines numbered from 0 on. Both lists are numbers of lines, ascending."""

    @property
    def files(self) -> Sequence[int]:
        """Where each file begins."""

    @property
    def hunks(self) -> Sequence[int]:
        """Where each hunk begins."""


class _Same(NoLines):
    files: Sequence[int] = ()
    hunks: Sequence[int] = ()


class DiffView(Reader):
    """A diff. `empty` is shown while there is no line of it."""

    def __init__(self, *, empty: str = "", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.empty = empty
        self._diff: Diff = _Same()
        self._target: int | None = None
        self._titles: dict[int, Line] = {}

    def show(self, diff: Diff, *, keep: bool = False) -> None:
        """Show this diff from its start; `keep`: it is a newer version of what is shown, and the place stays."""
        self._diff = diff
        self._titles.clear()
        if not keep:
            self._top = self._shift = 0
            self._hit = self._target = None
        self._look()
        self.repaint()

    # Jumps. Where the end of the diff keeps a target from the top, the next jump starts from the target all the same.

    def next_file(self) -> bool:
        """Go to the next file; False if there is none."""
        return self._jump(self._diff.files, 1)

    def previous_file(self) -> bool:
        """Go to the file before; False if there is none."""
        return self._jump(self._diff.files, -1)

    def next_hunk(self) -> bool:
        """Go to the next hunk; False if there is none."""
        return self._jump(self._diff.hunks, 1)

    def previous_hunk(self) -> bool:
        """Go to the hunk before; False if there is none."""
        return self._jump(self._diff.hunks, -1)

    def _jump(self, marks: Sequence[int], way: int) -> bool:
        place = self.place
        number = bisect_right(marks, place) if way > 0 else bisect_left(marks, place) - 1
        if not 0 <= number < len(marks):
            return False
        target = marks[number]
        super().scroll_lines(target - self._headed(target))
        self._target = target
        self.repaint()
        return True

    def _headed(self, target: int) -> bool:
        """Whether a target needs the line above it for the heading."""
        return bool(self._diff.files) and target not in self._diff.files

    @property
    def place(self) -> int:
        """The line that was jumped to, or the first in sight."""
        return self._top if self._target is None else self._target

    @property
    def file(self) -> tuple[int, int]:
        """Which file this is, from 1 on, and of how many; (0, n) above the first."""
        return bisect_right(self._diff.files, self.place), len(self._diff.files)

    def scroll_lines(self, top: int) -> None:
        """Show lines from `top` on; a target that was jumped to is none any more."""
        self._target = None
        super().scroll_lines(top)

    def reading(self) -> Lines:
        """The diff."""
        return self._diff

    def face(self, y: int, frame: Frame) -> Face:
        """A line of the diff; first of all, that of the file it belongs to."""
        index = self._top + y
        if index >= len(self._diff):
            words = self.empty if not index else ""
            return Face((Span(words, "dim"),) if words else (), bar="")
        if not y:
            index = self._heading(index)
        ground: Ground = "chosen" if index == self._target or self.is_hit(index) else "plain"
        return Face(self._line(index), ground, "", frame.bar(y), self.needle, self._shift, tinted=True)

    def _heading(self, index: int) -> int:
        number = bisect_right(self._diff.files, index) - 1
        return self._diff.files[number] if number >= 0 else index

    def _line(self, index: int) -> Line:
        """A line of the model; those of files are remembered, for their models count the file's changes in them."""
        if index in self._titles:
            return self._titles[index]
        line = self._diff.line(index)
        if self._heading(index) == index:
            self._titles[index] = line
        return line

    def on_click(self, event: events.Click) -> None:
        """A span with a key was clicked."""
        if pressed := self.key_at(event.x, event.y):
            self.post_message(self.Pressed(self, pressed))
