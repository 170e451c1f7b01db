"""Something to read that stays until it is put away: the proof of a kill, how a run ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Label

from tui.overlays.frame import Overlay
from tui.viewmodel.lines import Line, finder, text
from tui.widgets.difflines import DiffView

Make = Callable[[int], Sequence[Line]]
"""The lines as they are now, for that many cells."""


class Sheet:
    """Lines for a reader."""

    files: Sequence[int] = ()
    hunks: Sequence[int] = ()

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Line:
        """The line of that number."""
        return self._lines[number]

    def find(self, needle: str) -> Sequence[int]:
        """The numbers of the lines with this text."""
        found = finder(needle)
        return [number for number, shown in enumerate(self._lines) if found(text(shown))]


class Report(Overlay[None]):
    """Lines that can be scrolled; only esc puts them away, so that no hasty key does."""

    def __init__(self, title: str, make: Make, *, tone: str) -> None:
        super().__init__(title, tone=f"{tone} report")
        self._make = make

    def answers(self) -> Iterable[Widget]:
        """What is to be read, and how to leave."""
        yield DiffView(id="sheet")
        yield Label("esc puts this away", id="keys")

    def on_resize(self) -> None:
        """Other widths break lines elsewhere."""
        self.paint()

    def paint(self) -> None:
        """Show it as it is now."""
        sheet = self.query_one(DiffView)
        room = sheet.inner or self.size.width * 3 // 4
        lines = self._make(room)
        sheet.styles.height = min(len(lines), max(self.size.height - 8, 3))
        sheet.show(Sheet(lines), keep=True)
