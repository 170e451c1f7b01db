"""Every key on one page, what is in focus first; derived from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen

from tui.actions import Focus, help_lines
from tui.overlays.report import Sheet
from tui.viewmodel.board import Board
from tui.widgets.difflines import DiffView
from tui.widgets.window import Window


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
        """One page."""
        panel = Vertical(id="help", classes="panel")
        panel.border_title = "keys (esc goes back)"
        with panel:
            yield DiffView(id="page")

    def on_mount(self) -> None:
        """The page can be scrolled at once."""
        self.query_one(DiffView).focus()

    def on_resize(self) -> None:
        """As much of each line as there is room for."""
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        page = self.query_one(DiffView)
        page.show(Sheet(help_lines(self._board, self._focus, page.inner)), keep=True)

    @on(Window.Pressed)
    def _pressed(self) -> None:
        """A key of the page was clicked: it is done on the screen below."""
        self.dismiss()
