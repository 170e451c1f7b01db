"""The language of a program that reads its prompt from standard input and prints events; a table says what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.agents.base import Brief, Tool, Update
from engine.agents.last import LastMessage
from engine.agents.outcome import Claim
from engine.agents.profiles import Profile
from engine.agents.talking import Interpreter, TalkingAdapter, Voice

Event = Mapping[str, Any]


@dataclass(slots=True)
class Course:
    """How far an assignment has come. `good` and `detail` are what its last word was so far (see `Claim`).

    `resumed` is the session that was taken up. `through` is set with the event after which nothing more comes.
    """

    clone: Path
    model: str
    resumed: str
    known: Callable[[str], Tool | None]
    last: LastMessage = field(default_factory=LastMessage)
    good: bool | None = None
    detail: str = ""
    through: bool = False
    messages: int = 0

    def ends(self, *, good: bool, detail: str = "", through: bool = True) -> None:
        """That was its last word, as far as is known."""
        self.good, self.detail, self.through = good, "" if good else detail, through


Table = Mapping[str, Callable[[Course, Event], Iterable[Update]]]
"""What an event comes to, by its `type`; what is not in it is passed over."""


class JsonlLanguage(Interpreter):
    """Any program with a table."""

    def __init__(self, table: Table, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._table = table
        self._course = Course(brief.clone, brief.model, brief.session, voice.known)

    def begin(self, task: str) -> None:
        """The prompt, and nothing more: an argument could not hold a long one."""
        self.voice.write(task.encode("utf-8", "replace"))
        self.voice.hush()

    def hear(self, message: dict[str, Any]) -> None:
        """By the table."""
        meaning = self._table.get(str(message.get("type")))
        for update in meaning(self._course, message) if meaning else ():
            self._course.last.hear(update)
            self.voice.tell(update)
        if self._course.through:
            self.voice.over()

    def claim(self) -> Claim:
        """Its last word."""
        return Claim(good=self._course.good, text=self._course.last.text, detail=self._course.detail)


def adapter(profile: Profile, table: Table) -> TalkingAdapter:
    """The adapter of a program by its profile and its table."""
    return TalkingAdapter(profile, partial(JsonlLanguage, table))
