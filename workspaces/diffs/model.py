"""A diff as values: files, hunks, lines. Text that is no UTF-8 is shown with escapes; a diff is for reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Status = Literal["added", "deleted", "modified", "renamed", "copied"]
Kind = Literal[" ", "+", "-"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk, without its end. `ended` is False for a last line without a newline."""

    kind: Kind
    text: str
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that changed, with some around them. Starts count from 1; `section` is the heading git found above."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[Line, ...]

    def numbered(self) -> Iterator[tuple[int, Line]]:
        """Lines with their number in the new file; a removed one has the number of the line that follows it."""
        number = self.new_start
        for line in self.lines:
            yield number, line
            number += line.kind != "-"


@dataclass(frozen=True, slots=True)
class File:
    """One changed file. `old` is None when it was added, `new` when it was deleted; modes are git's octal text.

    A diff alone does not tell the modes of a file that was only renamed.
    """

    old: str | None
    new: str | None
    status: Status
    old_mode: str | None = None
    new_mode: str | None = None
    binary: bool = False
    hunks: tuple[Hunk, ...] = ()

    @property
    def path(self) -> str:
        """The name it has now, or had last."""
        return self.new or self.old or ""

    @property
    def text(self) -> str | None:
        """All of what it is now, as for a link; None where the diff does not show all of it, or it is binary."""
        shown = [line for hunk in self.hunks for line in hunk.lines]
        if self.binary or not shown or any(line.kind == " " for line in shown):
            return None
        return "\n".join(line.text for line in shown if line.kind == "+")

    @property
    def added(self) -> int:
        """Lines added."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines removed."""
        return self._count("-")

    def _count(self, kind: Kind) -> int:
        return sum(line.kind == kind for hunk in self.hunks for line in hunk.lines)


def numstat(files: tuple[File, ...]) -> tuple[int, int]:
    """Lines added and removed over all files; a binary file counts none, as in git."""
    return sum(file.added for file in files), sum(file.removed for file in files)
