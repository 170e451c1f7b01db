"""A question that stays true while it is open: it is told anew when the board says otherwise, and so is its answer.

An answer given before the new words could be read is not taken: the person agreed to something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from rich.text import Text
from textual.widgets import Static

from tui.overlays.frame import Overlay, lines_of
from tui.viewmodel.lines import Line, Span
from tui.viewmodel.questions import Question

Result = TypeVar("Result")
Tell = Callable[[], Question]
"""The question as it is now."""
MOMENT = 0.7
"""Seconds that new words are there before an answer can be meant for them."""
CHANGED = (Span("! It changed while you read. This is how it is now.", "ask"),)


class Asking(Overlay[Result]):
    """Base of the overlays that ask. An answer counts only where `agreed`."""

    def __init__(self, tell: Tell, *, tone: str) -> None:
        self._tell, self.question = tell, tell()
        self._other_since: float | None = None
        super().__init__(self.question.title, lines_of(self.question.lines), tone=tone)

    def paint(self) -> None:
        """Ask it as it is now."""
        now, before = self._tell(), self.question
        if now == before:
            return
        if now.so != before.so:
            self._other_since = time.monotonic()
        self.question = now
        self.query_one("#box").border_title = Text(now.title)
        self.query_one("#lines", Static).update(self.words(self._told()))

    def agreed(self) -> bool:
        """Is what the person answers to what they have read? If not, they see what it is now."""
        self.paint()
        return self._other_since is None or time.monotonic() - self._other_since >= MOMENT

    def _told(self) -> list[Line]:
        lines = lines_of(self.question.lines)
        return lines if self._other_since is None else [CHANGED, *lines]
