"""An agent that prints text: it reads its prompt from standard input, and its output is what it says.

Nothing of it is understood but what a profile knows of single lines. What it changed is read from its clone.
"""

from __future__ import annotations

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
    """Output to lines of text, harmless and of a length to be read."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes."""
        return (_line(text) for text in self._lines.feed(data))

    def close(self) -> Iterator[Line]:
        """The last line, if it has no newline."""
        return (_line(text) for text in self._lines.close())


def _line(text: str) -> Line:
    return Line(text.encode("utf-8", "replace"), {"text": text})


class TextLanguage(Interpreter):
    """Any program with a profile."""

    def __init__(self, profile: TextProfile, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._profile = profile
        self._said: list[str] = []
        self._message = ""
        self._size = 0
        self._trouble = ""

    def lines(self) -> TextLines:
        """Lines of text."""
        return TextLines()

    def begin(self, task: str) -> None:
        """The prompt, and nothing more."""
        self.voice.write(task.encode("utf-8", "replace"))
        self.voice.hush()

    def hear(self, message: Mapping[str, Any]) -> None:
        """It printed a line."""
        text = str(message["text"])
        meaning = self._profile.reads(text)
        if meaning is None:
            self.voice.tell(Said(text=f"{text}\n"))
            if not self._profile.aside(text):
                self._keep(text)
            return
        if meaning.good is not None:
            self._end_message("" if meaning.good else text)
        for update in meaning.updates or (Said(text=f"{text}\n"),):
            self.voice.tell(update)

    def claim(self) -> Claim:
        """Good, unless the last that is known is trouble; its exit status is judged besides."""
        message = self._message or "\n".join(self._said)
        return Claim(good=not self._trouble, text=self._profile.message(message), detail=self._trouble)

    def _end_message(self, trouble: str) -> None:
        self._message, self._trouble = "\n".join(self._said), trouble
        self._said, self._size = [], 0

    def _keep(self, text: str) -> None:
        self._said.append(text)
        self._size += len(text) + 1
        while self._size > MOST_TEXT and self._said:
            self._size -= len(self._said.pop(0)) + 1


def adapter(profile: TextProfile) -> TalkingAdapter:
    """The adapter of a program by its profile."""
    return TalkingAdapter(profile, partial(TextLanguage, profile))
