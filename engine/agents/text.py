"""An agent that prints text: it reads its prompt from standard input, and its output is what it says.

Nothing of it is understood but what a profile knows of single lines. What it changed is read from its clone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from engine.agents.base import Brief, Said, Update
from engine.agents.lines import Line
from engine.agents.outcome import Claim
from engine.agents.profiles import Profile
from engine.agents.talking import Interpreter, TalkingAdapter, Voice
from engine.processes.rings import Lines

MOST_TEXT: Final = 1 << 18
"""Characters of the end of its output that are kept as its last message."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line is beside its text: updates, and whether its model's message ended well there (`good`), or badly."""

    updates: tuple[Update, ...] = ()
    good: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProfile(Profile):
    """One program. `reads` gives the meaning of a line that is more than a text; `aside` tells lines of its own apart
    from what its model said, and `message` what is for people in that.
    """

    reads: Callable[[str], Meaning | None] = lambda _: None
    aside: Callable[[str], bool] = lambda _: False
    message: Callable[[str], str] = str.strip


class TextLines:
    """Output to lines of text, harmless and of a length to be read; as many at once as came at once."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes."""
        return _together(self._lines.feed(data))

    def close(self) -> Iterator[Line]:
        """The last line, if it has no newline."""
        return _together(self._lines.close())


def _together(lines: list[str]) -> Iterator[Line]:
    if lines:
        yield Line("\n".join(lines).encode("utf-8", "replace"), {"lines": lines})


class TextLanguage(Interpreter):
    """Any program with a profile."""

    def __init__(self, profile: TextProfile, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._profile = profile
        self._said: deque[str] = deque()
        self._size = 0
        self._message = ""
        self._trouble = ""

    def lines(self) -> TextLines:
        """Lines of text."""
        return TextLines()

    def begin(self, task: str) -> None:
        """The prompt, and nothing more."""
        self.voice.write(task.encode("utf-8", "replace"))
        self.voice.hush()

    def hear(self, message: Mapping[str, Any]) -> None:
        """It printed lines; those that mean nothing more are told together."""
        plain: list[str] = []
        for line in message["lines"]:
            meaning = self._profile.reads(line)
            if meaning is None:
                plain.append(line)
                self._keep(line)
                continue
            self._tell(plain)
            plain = []
            self._take(line, meaning)
        self._tell(plain)

    def claim(self) -> Claim:
        """Good, unless the last that is known is trouble; its exit status is judged besides."""
        message = self._message or "\n".join(self._said)
        return Claim(good=not self._trouble, text=self._profile.message(message), detail=self._trouble)

    def _tell(self, lines: list[str]) -> None:
        if lines:
            self.voice.tell(Said(text="\n".join(lines) + "\n"))

    def _take(self, line: str, meaning: Meaning) -> None:
        if meaning.good is not None:
            self._message, self._trouble = "\n".join(self._said), "" if meaning.good else line
            self._said.clear()
            self._size = 0
        for update in meaning.updates:
            self.voice.tell(update)

    def _keep(self, line: str) -> None:
        if self._profile.aside(line):
            return
        self._said.append(line)
        self._size += len(line) + 1
        while self._size > MOST_TEXT:
            self._size -= len(self._said.popleft()) + 1


def adapter(profile: TextProfile) -> TalkingAdapter:
    """The adapter of a program by its profile."""
    return TalkingAdapter(profile, partial(TextLanguage, profile))
