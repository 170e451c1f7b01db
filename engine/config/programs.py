"""Which programs the settings name that are not there, before a run finds out in the middle.

It looks and starts nothing. What it cannot read for sure (a path made by `setup`, a shell construct) it leaves alone.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config.settings import Agent, Settings
from engine.config.tools import BY_RUNTIME

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SHELL = frozenset(  # what a POSIX shell answers itself
    {"alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else", "esac", "eval"}
    | {"exec", "exit", "export", "fi", "for", "hash", "if", "in", "read", "readonly", "return", "set", "shift"}
    | {"source", "test", "then", "time", "times", "trap", "type", "ulimit", "umask", "unset", "until", "wait"}
    | {"while"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A program that `place` needs and that is not there."""

    place: str
    program: str
    reason: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}; {self.way_out}"


def missing_programs(settings: Settings, path: str, root: Path) -> list[Missing]:
    """What agents, `setup` and `check` need and is neither on `path` (a PATH) nor in the repository at `root`."""
    found = [
        problem
        for name, agent in settings.agents.items()
        if (problem := _agent(f"[agents.{name}]", agent, path, root)) is not None
    ]
    found += missing_in_lines(settings.project.setup, path, place="[project] setup")
    found += missing_in_lines(settings.project.check, path, place="[project] check")
    return found


def missing_in_lines(lines: Sequence[str], path: str, *, place: str) -> list[Missing]:
    """The first words of shell lines that are plain names of programs and not on `path`, each once."""
    words = dict.fromkeys(word for line in lines if (word := first_word(line)))
    return [_not_on_path(place, word, path) for word in words if shutil.which(word, path=path) is None]


def first_word(line: str) -> str:
    """The program a shell line starts first, or nothing where that takes more than reading its first words."""
    for word in _words(line):
        if not _ASSIGNMENT.fullmatch(word):
            return word if _PLAIN.fullmatch(word) and word not in _SHELL else ""
    return ""


def _words(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        yield from lexer
    except ValueError:  # a quote that is never closed: the shell will say it better
        return


def _agent(place: str, agent: Agent, path: str, root: Path) -> Missing | None:
    if not agent.command:
        return _tool(place, agent.runtime, path)
    program = agent.command[0]
    if agent.runtime == "scripted":
        return None if (root / program).is_file() else _no_file(place, program, "script")
    if "/" not in program:
        return None if shutil.which(program, path=path) else _not_on_path(place, program, path)
    full = root / program
    if not full.is_file():
        return _no_file(place, program, "program")
    if not os.access(full, os.X_OK):
        reason = f'"{program}" is not executable'
        return Missing(place=place, program=program, reason=reason, way_out=f"chmod +x {shlex.quote(program)}")
    return None


def _tool(place: str, runtime: str, path: str) -> Missing | None:
    tool = BY_RUNTIME[runtime]
    if shutil.which(tool.program, path=path):
        return None
    reason = f'{tool.title} is not installed: "{tool.program}" is not on PATH'
    way_out = f"`{tool.install}`, or write where it is under `command`"
    return Missing(place=place, program=tool.program, reason=reason, way_out=way_out)


def _no_file(place: str, program: str, what: str) -> Missing:
    where = "" if program.startswith("/") else " in the repository"
    reason = f'there is no {what} "{program}"{where}'
    return Missing(place=place, program=program, reason=reason, way_out="mend the path under `command`")


def _not_on_path(place: str, program: str, path: str) -> Missing:
    way_out = "install it or mend the line"
    if program == "python" and shutil.which("python3", path=path):
        way_out = 'there is "python3" here: write that'
    return Missing(place=place, program=program, reason=f'"{program}" is not on PATH', way_out=way_out)
