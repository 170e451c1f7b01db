"""The signs widgets draw around what they show, and text as an output without UTF-8 can show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tui import cells
from tui.faces import ASCII


class Glyphs(NamedTuple):
    """Signs of one cell each. `here`: the selection of what has the focus; `there`: that of what has not."""

    here: str
    there: str
    cut: str
    thumb: str
    below: str
    unicode: bool


FULL = Glyphs("▌", "▏", "…", "▐", "↓", unicode=True)
PLAIN = Glyphs(">", ":", "~", "#", "v", unicode=False)


def glyphs_of(environ: Mapping[str, str]) -> Glyphs:
    """Which signs fit the locale: the first that is set of LC_ALL, LC_CTYPE and LANG decides (POSIX); none: UTF-8."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "utf-8")
    return FULL if "utf" in locale.lower() else PLAIN


def ascii_only(text: str) -> str:
    """The text in ASCII of the same width: our own signs have theirs, anything else is a question mark a cell."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cells.width(char) for char in text.translate(ASCII))
