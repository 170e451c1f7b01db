"""What an agent said last: the text in which a verdict, a plan or a summary is looked for."""

from __future__ import annotations

from typing import Final

from engine.agents.base import Said, Tool, Update

MOST_TEXT: Final = 1 << 20
"""Characters of it that are kept."""


class LastMessage:
    """Since its last use of a tool, or since it began another message."""

    def __init__(self) -> None:
        self._message = ""
        self._parts: list[str] = []
        self._size = 0
        self._over = False

    @property
    def text(self) -> str:
        """The message so far."""
        return "".join(self._parts)

    def hear(self, update: Update) -> None:
        """It told this."""
        if isinstance(update, Tool):
            self._over = True
        elif isinstance(update, Said):
            self._add(update)

    def _add(self, said: Said) -> None:
        if self._over or (said.message and self._message and said.message != self._message):
            self._parts, self._size, self._over = [], 0, False
        self._message = said.message or self._message
        if self._size < MOST_TEXT:
            self._parts.append(said.text)
            self._size += len(said.text)
