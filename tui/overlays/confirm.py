"""Yes or no, before what cannot be taken back. Neither enter nor haste says yes: that takes `y`, or going there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from tui.overlays.asking import Asking, Tell


class Confirm(Asking[bool]):
    """Answers True for yes; False, or None by esc, for no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
        Binding("left,right,h,l", "app.focus_next", show=False),
    ]

    def __init__(self, tell: Tell) -> None:
        super().__init__(tell, tone="danger")

    def answers(self) -> Iterable[Widget]:
        """Both words, `no` first: it has the focus."""
        yield Horizontal(
            Button("n  no", id="no", compact=True),
            Button(f"y  {self.question.yes}", id="yes", compact=True),
            id="answers",
        )

    def action_answer(self, yes: bool) -> None:
        """That is the answer."""
        if not yes or self.agreed():
            self.dismiss(yes)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")
