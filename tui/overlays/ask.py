"""A line of text from the person: a message, a reason, or one exact word before what stops everything."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.validation import Function
from textual.widget import Widget
from textual.widgets import Input, Label

from tui.overlays.frame import Overlay, lines_of
from tui.viewmodel.questions import Question


class Ask(Overlay[str]):
    """Answers what was typed, stripped; None by esc. `needed`: an empty line is no answer."""

    def __init__(self, question: Question, *, needed: bool) -> None:
        super().__init__(question.title, lines_of(question.lines), tone="ask")
        self._yes, self._needed = question.yes, needed

    def answers(self) -> Iterable[Widget]:
        """The line, and which keys end it."""
        yield Input(placeholder="" if self._needed else "why, if you like", id="typed", compact=True)
        yield Label(f"enter: {self._yes}   esc: leave it", id="keys")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text or not self._needed:
            self.dismiss(text)


class TypeWord(Overlay[bool]):
    """Answers True once exactly `word` was typed and sent; anything else stays, esc leaves."""

    def __init__(self, question: Question, *, word: str) -> None:
        super().__init__(question.title, lines_of(question.lines), tone="danger")
        self._yes, self._word = question.yes, word

    def answers(self) -> Iterable[Widget]:
        """The line, which turns when the word is there."""
        same = Function(lambda typed: typed.strip() == self._word)
        yield Input(placeholder=self._word, id="typed", compact=True, validators=[same])
        yield Label(f'type "{self._word}" and press enter: {self._yes}   esc: leave it', id="keys")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._word:
            self.dismiss(True)  # noqa: FBT003  the answer
