"""What is special about one program, apart from the language it speaks: what is started, with which files and names.

One a program, all of it data and pure functions of a brief; nothing here asks which program it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.agents.base import Brief
from engine.agents.environment import usual

Kind = Literal["anthropic", "openai", "gemini"]
"""An API family, as the gateway names it."""


def _usual(brief: Brief) -> Mapping[str, str]:
    return usual(brief.bases, brief.token)


def _no_files(_: Brief) -> Mapping[str, bytes]:
    return {}


def _no_arguments(_: Brief) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One program. `name` is the runtime's, `title` its makers', `program` what is started unless the crew says else.

    `kind` is the API it asks models by, "" where that is up to its command. `arguments` come after the program;
    `home` are files by their path in its HOME; `environment` is what it is told besides.
    """

    name: str
    title: str
    program: tuple[str, ...]
    kind: Kind | Literal[""] = ""
    arguments: Callable[[Brief], Sequence[str]] = _no_arguments
    environment: Callable[[Brief], Mapping[str, str]] = _usual
    home: Callable[[Brief], Mapping[str, bytes]] = _no_files

    def argv(self, brief: Brief) -> tuple[str, ...]:
        """What is started; the crew's `command`, where there is one, stands for the program."""
        return (*(brief.command or self.program), *self.arguments(brief))
