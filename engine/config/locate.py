"""Which line of a TOML or JSON text a value stands on; the parsers of the standard library do not say.

It reads text that a parser has accepted already, so it checks nothing. Inline values of both languages differ only in
`:` and `=`, so one scanner serves both.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

Path = tuple[str | int, ...]
Lines = dict[Path, int]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}\n#]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_STRINGS = (  # longest quotes first
    re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"', re.DOTALL),
    re.compile(r"'[^'\n]*'"),
)


def toml_lines(text: str) -> Lines:
    """The line, from 1, of every table, key and element of a valid TOML text."""
    return _Scanner(text).document()


def json_lines(text: str) -> Lines:
    """The same for a valid JSON text."""
    scanner = _Scanner(text)
    scanner.skip(_SPACE)
    scanner.value(())
    return scanner.lines


def line_of(lines: Lines, path: Path) -> int | None:
    """The line of a path, or of the nearest thing around it that has one; None for nothing of it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: Lines = {}
        self._counted = (0, 1)
        self._tables: dict[Path, int] = {}  # arrays of tables -> how many so far

    def document(self) -> Lines:
        table: Path = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_SPACE)
        return self.lines

    def header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the path that the keys below it belong to."""
        double = self.text.startswith("[[", self.at)
        here = self.at
        self.at += 2 if double else 1
        *outer, last = self.key()
        self.at += 2 if double else 1
        path: Path = ()
        for name in outer:
            path = (*path, name)
            self.note(path, here)
            path = self.inner(path)
        path = (*path, last)
        self.note(path, here)
        if double:
            self._tables[path] = self._tables.get(path, -1) + 1
            path = self.inner(path)
        self.note(path, here)
        return path

    def inner(self, path: Path) -> Path:
        """The last element, where the path is an array of tables."""
        return (*path, self._tables[path]) if path in self._tables else path

    def pair(self, table: Path) -> None:
        """`key = value`, or `"key": value`."""
        here = self.at
        for name in self.key():
            table = (*table, name)
            self.note(table, here)
        self.at += 1
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """A key, dotted or not; ends behind it, before `=`, `:` or `]`."""
        names: list[str] = []
        while True:
            self.skip(_BLANK)
            if self.text[self.at] in "\"'":
                names.append(_unquoted(self.string()))
            else:
                names.append(self.skip(_BARE))
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def value(self, path: Path) -> None:
        opener = self.text[self.at]
        if opener == "[":
            self.items("]", lambda index: self.element((*path, index)))
        elif opener == "{":
            self.items("}", lambda _: self.pair(path))
        elif opener in "\"'":
            self.string()
        else:
            self.skip(_PLAIN)

    def items(self, closer: str, item: Callable[[int], None]) -> None:
        """What stands between brackets, separated by commas."""
        self.at += 1
        index = 0
        self.skip(_SPACE)
        while self.text[self.at] != closer:
            item(index)
            index += 1
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_SPACE)
        self.at += 1

    def element(self, path: Path) -> None:
        self.note(path, self.at)
        self.value(path)

    def string(self) -> str:
        for pattern in _STRINGS:
            if pattern.match(self.text, self.at):
                return self.skip(pattern)
        raise ValueError(f"no string at {self.at}")

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"unexpected text at {self.at}")
        self.at = match.end()
        return match.group()

    def note(self, path: Path, at: int) -> None:
        """Remember the line of a path; counting goes on from the last one, so the whole stays linear."""
        before, line = self._counted
        line += self.text.count("\n", before, at)
        self._counted = (at, line)
        self.lines.setdefault(path, line)


def _unquoted(text: str) -> str:
    try:
        value: Any = json.loads(text)
    except ValueError:  # a literal string, or an escape that only TOML has
        value = tomllib.loads(f"x = {text}")["x"]
    return str(value)
