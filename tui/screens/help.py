"""Every key on one page, what is in focus first; derived from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.actions import Focus, help_lines
from tui.viewmodel.board import Board
from tui.viewmodel.lines import Row
from tui.widgets.rows import Rows


class Help(Screen[None]):
    """The keys as they are now, with the reason where one is not to be had."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark", "dismiss", show=False),
        Binding("q", "app.leave", show=False),
    ]

    def __init__(self, board: Board, focus: Focus) -> None:
        super().__init__()
        self._board, self._focus = board, focus

    def compose(self) -> ComposeResult:
        """One list."""
        rows = Rows(id="help", classes="panel")
        rows.border_title = "keys"
        rows.border_subtitle = "esc goes back"
        yield rows

    def on_resize(self) -> None:
        """As much of each line as there is room for."""
        rows = self.query_one(Rows)
        lines = help_lines(self._board, self._focus, rows.inner)
        rows.show([Row(f"line/{number}", (line,)) for number, line in enumerate(lines)])
