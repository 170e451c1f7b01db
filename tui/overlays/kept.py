"""What was put aside, to choose from: enter brings back what is highlighted, esc leaves all as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any, ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Label, Static

from tui.overlays.frame import Overlay
from tui.viewmodel import kept
from tui.widgets.rows import Rows

MARGIN = 12
"""Lines of the screen that are not the list's."""


class Keepsakes(Overlay[str]):
    """Answers the id of what is to be brought back; None by esc. `told` is what `undo --json` prints."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["overlays.tcss", "kept.tcss"]

    def __init__(self, told: Mapping[str, Any], now: Callable[[], float]) -> None:
        super().__init__("put aside", tone="report kept")
        self._told, self._now = told, now

    def answers(self) -> Iterable[Widget]:
        """The list, what is to be known of it, and which keys end it."""
        yield Rows(id="kept", empty="Nothing is put aside.")
        yield Static(id="below")
        yield Label("enter: bring it back as a branch   esc: leave it", id="keys")

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one(Rows).focus()

    def on_resize(self) -> None:
        """Other widths have room for other words."""
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Show it as it is now."""
        rows = self.query_one(Rows)
        found = kept.rows(self._told, rows.inner, self._now())
        rows.styles.height = max(min(sum(len(row.lines) for row in found), self.size.height - MARGIN), 1)
        rows.show(found)
        self.query_one("#below", Static).update(self.words(kept.below(self._told, rows.inner - 1)))

    @on(Rows.Activated)
    def _chosen(self, event: Rows.Activated) -> None:
        self.dismiss(event.key)
