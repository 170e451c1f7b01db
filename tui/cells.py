"""Text as a terminal shows it: without controls, measured in cells, cut or wrapped to fit.

Whatever an agent, a test or a repository had a say in goes through `plain` before it is shown.
"""

from __future__ import annotations

import unicodedata

from engine.core.text import clean

TAB = 4


def plain(text: str) -> str:
    """One line: no escape sequences, no controls, no direction marks; line ends and tabs become spaces."""
    return " ".join(part for part in (clean(line).replace("\t", " ") for line in text.split("\n")) if part.strip())


def plain_lines(text: str) -> list[str]:
    """The lines of a text, each made harmless, without blank ones at both ends."""
    lines = [clean(line).expandtabs(TAB).rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def width(text: str) -> int:
    """How many cells a text takes: wide characters take two, marks that combine none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cut(text: str, cells: int | None, ellipsis: str = "…") -> str:
    """At most that many cells of the text, with an ellipsis where something is missing; None: all of it."""
    if cells is None or width(text) <= cells:
        return text
    room, kept = cells - width(ellipsis), ""
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        kept += char
    return (kept.rstrip() + ellipsis) if cells >= width(ellipsis) else ""


def pad(text: str, cells: int) -> str:
    """The text, filled with blanks to that many cells."""
    return text + " " * (cells - width(text))


def wrap(text: str, cells: int | None) -> list[str]:
    """Break at blanks into lines of at most that many cells; a longer word is broken where it has to be."""
    if cells is None or width(text) <= cells:
        return [text]
    lines, line = list[str](), ""
    for word in text.split():
        if line and width(line) + 1 + width(word) > cells:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
        while width(line) > cells:
            head = _head(line, cells)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line else lines


def _head(word: str, cells: int) -> str:
    end, used = 0, 0
    for char in word:
        used += _cells(char)
        if used > cells:
            break
        end += 1
    return word[: max(end, 1)]
