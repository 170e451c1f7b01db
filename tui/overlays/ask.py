"""A line of text from the person: a message, a reason, or one exact word before what stops everything."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.validation import Function
from textual.widget import Widget
from textual.widgets import Input, Label

from tui.overlays.asking import Asking, Tell


class Ask(Asking[str]):
    """Answers what was typed, stripped; None by esc. `needed`: an empty line is no answer."""

    def __init__(self, tell: Tell, *, needed: bool) -> None:
        super().__init__(tell, tone="ask")
        self._needed = needed

    def answers(self) -> Iterable[Widget]:
        """The line, and which keys end it."""
        yield Input(placeholder="" if self._needed else "why, if you like", id="typed", compact=True)
        yield Label(f"enter: {self.question.yes}   esc: leave it", id="keys")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if (text or not self._needed) and self.agreed():
            self.dismiss(text)


class TypeWord(Asking[bool]):
    """Answers True once exactly `word` was typed and sent; anything else stays, esc leaves."""

    def __init__(self, tell: Tell, *, word: str) -> None:
        super().__init__(tell, tone="danger")
        self._word = word

    def answers(self) -> Iterable[Widget]:
        """The line, which turns when the word is there."""
        same = Function(lambda typed: typed.strip() == self._word)
        yield Input(placeholder=self._word, id="typed", compact=True, validators=[same])
        yield Label(f'type "{self._word}" and press enter: {self.question.yes}   esc: leave it', id="keys")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._word and self.agreed():
            self.dismiss(True)  # noqa: FBT003  the answer
