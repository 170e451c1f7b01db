"""A TOML or JSON text that a parser accepted, with the line of everything in it.

Whatever makes the text unreadable (encoding, syntax, depth, size) becomes one `ConfigError` here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

from engine.config import locate
from engine.config.errors import ConfigError

Format = Literal["toml", "json"]

MOST_BYTES = 16 * 1024 * 1024
_TOML_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """What a text says. `name` is the file as the user knows it; `find` tells the lines, of nothing without a text."""

    name: str
    data: dict[str, Any]
    find: Callable[[], locate.Lines] = field(default=dict, repr=False)

    def value(self, *path: str) -> object:
        """What the text says at this path of keys; None where it says nothing."""
        found: object = self.data
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def line(self, path: locate.Path) -> int | None:
        """The line of a value, or of what is around it; None when it is not in the text."""
        return locate.line_of(self.lines, path)

    def depth(self, path: locate.Path) -> int:
        """How many steps of a path the text gives: all of them, where the value is its own."""
        return next((length for length in range(len(path), 0, -1) if path[:length] in self.lines), 0)

    @cached_property
    def lines(self) -> locate.Lines:
        """Read only when something is wrong: most texts never need it."""
        try:
            return self.find()
        except (ValueError, IndexError, RecursionError):
            return {}


def read_text(path: Path, name: str) -> str:
    """A file's text.

    Raises `ConfigError` for one that is not there, not readable, not UTF-8 or longer than `MOST_BYTES`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", file=name) from error
    if len(raw) > MOST_BYTES:
        raise ConfigError(f"is longer than {MOST_BYTES // (1024 * 1024)} MB", file=name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8 text", file=name, line=line) from error


def parse(text: str, *, name: str, fmt: Format) -> Document:
    """Read a text; its top must be a table.

    Raises `ConfigError`.
    """
    try:
        data = tomllib.loads(text) if fmt == "toml" else json.loads(text, object_pairs_hook=_unique)
    except tomllib.TOMLDecodeError as error:
        _refuse_toml(error, text, name)
    except json.JSONDecodeError as error:
        raise ConfigError(f"is not JSON: {error.msg}", file=name, line=error.lineno) from error
    except RecursionError:
        raise ConfigError("is nested too deeply", file=name) from None
    except ValueError as error:
        raise ConfigError(str(error), file=name) from error
    if not isinstance(data, dict):
        raise ConfigError("must be an object at its top", file=name, line=1)
    find = locate.toml_lines if fmt == "toml" else locate.json_lines
    return Document(name=name, data=data, find=lambda: find(text))


def _refuse_toml(error: tomllib.TOMLDecodeError, text: str, name: str) -> NoReturn:
    said = str(error)
    place = _TOML_LINE.search(said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    reason = said[: place.start()] if place else said
    raise ConfigError(f"is not TOML: {reason}", file=name, line=line) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different; JSON itself would let the last one win."""
    data = dict(pairs)
    if len(data) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f'"{twice}" is given twice in one object')
    return data
