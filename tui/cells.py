"""Text as a terminal shows it: without controls, measured in cells, cut or wrapped to fit.

Whatever an agent, a test or a repository had a say in goes through `plain` before it is shown. What is left has a width
that terminals agree on: no joiners, no selectors, no heaps of marks, no characters that nobody has assigned yet.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from engine.core.text import clean

TAB = 4
MARKS = 3
"""How many marks one character may carry."""
_DROPPED = frozenset("\u115f\u1160\u3164\uffa0") | {
    chr(c) for c in (*range(0x1161, 0x1200), *range(0xD7B0, 0xD7FC), *range(0x1F3FB, 0x1F400))
}
"""Fillers, parts of Hangul that found no syllable, and skin tones: they have a width here and none there."""
_WIDE = frozenset(map(chr, (*range(0x2630, 0x2638), *range(0x268A, 0x2690), *range(0x4DC0, 0x4E00)))) | frozenset(
    map(chr, range(0x1D300, 0x1D377))
)
"""Symbols that newer terminals show in two cells (Unicode 16), older ones in one: two are set aside."""
_UNKNOWN = "\ufffd"


def plain(text: str) -> str:
    """One line: no escape sequences, no controls, no direction marks; line ends and tabs become spaces."""
    parts = (_tame(clean(line).replace("\t", " ")) for line in text.split("\n"))
    return " ".join(part for part in parts if part.strip())


def row(text: str, most: int) -> str:
    """One line of output as it stands, tabs in columns, at most so many characters; what is cut is counted."""
    shown = _tame(clean(text[:most]).expandtabs(TAB)).rstrip()
    return shown if len(text) <= most else f"{shown}… ({len(text) - most:,} characters more)"


def plain_lines(text: str) -> list[str]:
    """The lines of a text, each made harmless, without blank ones at both ends."""
    lines = [_tame(clean(line).expandtabs(TAB)).rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _tame(text: str) -> str:
    """The text without what terminals measure differently."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        kind = _kind(char)
        marks = marks + 1 if kind == "mark" else 0
        if kind != "drop" and marks <= MARKS:
            kept.append(_UNKNOWN if kind == "unknown" else char)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" or char in _DROPPED or unicodedata.name(char, "").startswith("VARIATION SELECTOR"):
        return "drop"
    return {"Cn": "unknown", "Cs": "unknown", "Mn": "mark", "Me": "mark"}.get(category, "")


def width(text: str) -> int:
    """How many cells a text takes: wide characters take two, marks that combine none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} or char in _WIDE else 1


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
