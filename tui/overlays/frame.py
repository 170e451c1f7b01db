"""What every overlay is: a box with a title over a dimmed screen, left by esc, and by ctrl+c and q together with all.

An overlay answers with a value and does nothing itself; whoever opened it acts. None means: stepped out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.theme.dress import worn
from tui.viewmodel.lines import Line, Span

Result = TypeVar("Result")


class Overlay(ModalScreen[Result]):
    """Base of the overlays. `tone` is a style class of the box: `danger`, `ask`, `good`, or nothing."""

    CSS_PATH: ClassVar[str | list[str | PurePath]] = "overlays.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "step_out", show=False),
        Binding("q", "app.leave", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Line] = (), *, tone: str = "") -> None:
        super().__init__()
        self._heading, self._lines, self._tone = title, lines, tone

    def compose(self) -> ComposeResult:
        """The box: what it is about, then what can be answered."""
        box = Vertical(id="box", classes=f"overlay {self._tone}")
        box.border_title = Text(self._heading)
        with box:
            if self._lines:
                with VerticalScroll(id="about", can_focus=False):
                    yield Static(self.words(self._lines), id="lines")
            yield from self.answers()

    def words(self, lines: Iterable[Line]) -> Text:
        """Lines as Textual takes them."""
        palette = worn(self.app).palette
        shown = (Text.assemble(*((span.text, palette.inks[span.ink]) for span in line)) for line in lines)
        return Text("\n").join(shown)

    def answers(self) -> Iterable[Widget]:
        """What is below the lines."""
        return ()

    def paint(self) -> None:
        """Show it as it is now."""

    def action_step_out(self) -> None:
        """One level out, without an answer."""
        self.dismiss(None)


def lines_of(texts: Iterable[str]) -> list[Line]:
    """Plain sentences as lines."""
    return [(Span(text),) for text in texts]
