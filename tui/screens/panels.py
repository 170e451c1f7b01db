"""The panels of the dashboard: their names in the order of tab, the framed lists among them, and the line of hints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from tui.cells import plain
from tui.viewmodel.lines import wrap
from tui.widgets.oneline import Strip1
from tui.widgets.rows import Rows

PANELS = ("needs", "crew", "focus", "plan", "events")
EMPTY = {
    "crew": "Nobody yet: a crew comes with a run.\nIn another terminal: quarterdeck run GOAL",
    "plan": "No plan yet.",
}


def panel(name: str, title: str) -> ComposeResult:
    """A framed list of that name."""
    frame = Vertical(id=name, classes="panel")
    frame.border_title = title
    with frame:
        yield Rows(empty=EMPTY.get(name, ""), classes="rows")


def panel_of(widget: Widget) -> str:
    """The name of the panel that a widget is in; empty for one in none."""
    return next((node.id or "" for node in widget.ancestors_with_self if node.id in PANELS), "")


def chip(needle: str) -> str:
    """What a panel's frame says while it is narrowed."""
    return f"/{escape(needle)}" if needle else ""


class Hints(Strip1):
    """Things to try, one after another; takes no room once there is none left."""

    def __init__(self, hints: Sequence[str], *, id: str) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id)
        self._hints = list(hints)
        self.display = bool(hints)

    def fit(self, cells: int) -> None:
        """Show the first of them in a screen that is so wide."""
        lines = wrap(plain(self._hints[0]), max(cells - 2, 1), "accent") if self._hints else []
        self.display = bool(lines)
        self.styles.height = len(lines)
        self.show(*lines)

    def pass_on(self, cells: int, *, all_of_them: bool = False) -> None:
        """What was hinted at is done, or cannot be done any more."""
        del self._hints[: None if all_of_them else 1]
        self.fit(cells)
