"""A list of rows of one or more lines, one of them selected by its key.

The selection belongs to a thing, not to a place: rows may come, go and change their order under it. When the thing is
gone, what took its place is selected. The list never jumps away from under the eye: what is selected stays on the line
of the screen it was on, unless the list is at its start.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui import cells
from tui.viewmodel.lines import Row, Span
from tui.viewmodel.listing import Listing
from tui.widgets.paint import Face
from tui.widgets.window import Frame, Window

GUTTER = 2
"""Cells before each line: the sign of the selection and a blank."""


class Rows(Window):
    """A list. `empty` is shown when there are no rows; it may have line breaks and is wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "activate", show=False)]

    class Highlighted(Message):
        """Another row is selected; None: there is none."""

        def __init__(self, rows: Rows, key: str | None) -> None:
            super().__init__()
            self.rows, self.key = rows, key

        @property
        def control(self) -> Rows:
            """For `@on(..., selector)`."""
            return self.rows

    class Activated(Message):
        """A row was entered: the enter key, a double click, or a click on what is selected."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows, self.key = rows, key

        @property
        def control(self) -> Rows:
            """For `@on(..., selector)`."""
            return self.rows

    def __init__(self, *, empty: str = "", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._rows: Sequence[Row] = ()
        self._starts: Sequence[int] = ()  # the first line of each row
        self._count = 0
        self._keys: Sequence[str] = ()
        self._selected: str | None = None
        self._fresh = ""
        self._brings_focus = False

    # What is shown.

    def show(self, rows: Sequence[Row], *, last: bool = False) -> None:
        """Show these rows, and select the last one if `last`; keys are unique. Costs what changed of those in sight.

        Of a `Listing` no rows are asked for but those in sight.
        """
        anchor = self._anchor()
        gone = self._number()
        self._rows = rows
        keys = self._keys = rows.keys if isinstance(rows, Listing) else [row.key for row in rows]
        self._starts, self._count = _starts(rows)
        self._keep_place(anchor)
        if last and keys:
            self._choose(keys[-1])
            self._reveal(len(keys) - 1)
        elif self._selected not in keys:
            self._choose(keys[min(gone, len(keys) - 1)] if keys else None)
        self.repaint()

    def _anchor(self) -> tuple[str, int] | None:
        """What must stay on its line of the screen: the selection if it is in sight, else the first row that is."""
        if not self._top or not self._rows:
            return None
        number = self._number()
        if self._selected not in self._keys or not self._top <= self._starts[number] < self._top + self.size.height:
            number = self._row_at(min(self._top, self._count - 1))
        return self._rows[number].key, self._starts[number] - self._top

    def _keep_place(self, anchor: tuple[str, int] | None) -> None:
        if anchor and anchor[0] in self._keys:
            self._top = self._starts[self._keys.index(anchor[0])] - anchor[1]
        self.settle()

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown."""
        return self._rows

    @property
    def empty(self) -> str:
        """What is shown when there are no rows."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        self._empty = text
        self.repaint()

    @property
    def inner(self) -> int:
        """Cells a line has: all but the gutter and the scroll bar."""
        return max(self.size.width - GUTTER - 1, 0)

    def count(self) -> int:
        """How many lines there are."""
        return self._count

    def _row_at(self, line: int) -> int:
        """The number of the row that has this line."""
        return bisect_right(self._starts, line) - 1

    def face(self, y: int, frame: Frame) -> Face:
        """A line of a row, or of the empty text."""
        if not self._count:
            return self._empty_face(y, frame.width - GUTTER - 1)
        if (at := self._top + y) >= self._count:
            return Face(bar="")
        number = self._row_at(at)
        row = self._rows[number]
        line, bar = row.lines[at - self._starts[number]], frame.bar(y)
        if row.key != self._selected:
            return Face(line, mark=" " * GUTTER, bar=bar)
        if frame.focused:
            return Face(line, "chosen", frame.dress.glyphs.here + " ", bar)
        return Face(line, "held", frame.dress.glyphs.there + " ", bar)

    def _empty_face(self, y: int, room: int) -> Face:
        wrapped = [row for part in self._empty.split("\n") for row in cells.wrap(part, max(room, 1))]
        return Face((Span(wrapped[y], "dim"),) if y < len(wrapped) else (), mark=" " * GUTTER, bar="")

    # The selection.

    @property
    def selected(self) -> str | None:
        """The key of the selected row."""
        return self._selected

    def select(self, key: str) -> bool:
        """Select the row with this key and bring it into sight; False if there is none."""
        if key not in self._keys:
            return False
        self._choose(key)
        self._reveal(self._keys.index(key))
        self.repaint()
        return True

    def _choose(self, key: str | None) -> None:
        if key != self._selected:
            self._selected = key
            self.post_message(self.Highlighted(self, key))

    def _reveal(self, number: int) -> None:
        start, end = self._starts[number], self._starts[number] + max(len(self._rows[number].lines), 1)
        top = max(self._top, end - self.size.height) if self.size.height else self._top
        self._top = min(top, start)

    def _select_near(self, number: int) -> None:
        if self._rows:
            self.select(self._rows[min(max(number, 0), len(self._rows) - 1)].key)

    def _number(self) -> int:
        """The place of what is selected; the first one where nothing is. Searched: few ask, and lists are many."""
        return self._keys.index(self._selected) if self._selected in self._keys else 0

    def on_resize(self) -> None:
        """What is selected stays in sight; Textual calls the handler of the base as well, which paints."""
        if self._selected is not None:
            self._reveal(self._number())

    # Keys and mouse.

    def action_step(self, way: int) -> None:
        """The next row or the one before."""
        self._select_near(self._number() + way)

    def action_page(self, way: int) -> None:
        """A page of rows on or back, as the lines lie."""
        if self._rows:
            line = self._starts[self._number()] + way * max(self.size.height - 1, 1)
            self._select_near(self._row_at(min(max(line, 0), self._count - 1)))

    def action_edge(self, way: int) -> None:
        """The first or the last row."""
        self._select_near(len(self._rows) if way > 0 else 0)

    def action_activate(self) -> None:
        """Enter the selected row."""
        if self._selected is not None:
            self.post_message(self.Activated(self, self._selected))

    def focus_on_click(self) -> bool:
        """Asked by Textual before a click brings the focus: such a click only selects."""
        self._brings_focus = not self.has_focus
        return True

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer; enter it if it was selected before, or clicked twice."""
        at = self._top + event.y
        if at >= self._count or (event.x == self.size.width - 1 and self.limit):
            return
        event.stop()
        key = self._rows[self._row_at(at)].key
        if pressed := self.key_at(event.x, event.y):
            self.select(key)
            self.post_message(self.Pressed(self, pressed))
        else:
            self._click_row(key, event.chain)

    def _click_row(self, key: str, chain: int) -> None:
        # A double click enters a row once: on its second half if the first one selected it, else on its first.
        fresh, self._fresh = self._fresh, ""
        if key != self._selected:
            self.select(key)
            self._fresh = key
        elif chain == 1 and self._brings_focus:
            self._fresh = key
        elif chain == 1 or fresh == key:
            self.action_activate()


def _starts(rows: Sequence[Row]) -> tuple[Sequence[int], int]:
    """The first line of each row, and how many lines there are."""
    if isinstance(rows, Listing):
        count = len(rows) * rows.height
        return range(0, count, rows.height), count
    *starts, count = accumulate((len(row.lines) for row in rows), initial=0)
    return starts, count
