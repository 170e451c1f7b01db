"""How things look on one particular output: its width, its colours, its glyphs.

Colour is never the only signal: each state is a glyph, a word and then a colour. Without a terminal nothing is cut and
nothing is coloured; without UTF-8 there are ASCII glyphs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple, TextIO

from tui import cells
from tui.faces import GLYPHS, Face

Ink = Literal["bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"]

_FACES: dict[Face, Ink] = {
    "good": "green", "bad": "red", "busy": "blue", "claim": "cyan", "ask": "yellow", "wait": "yellow",
    "frozen": "cyan", "ended": "red", "note": "yellow", "plan": "magenta", "idle": "dim",
}  # fmt: skip
_INKS: dict[Ink, str] = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
}  # fmt: skip
NARROWEST = 40


class Look(NamedTuple):
    """One output. `width` is in cells, None where nothing is to be cut."""

    width: int | None = None
    colour: bool = False
    unicode: bool = True

    def ink(self, text: str, *inks: Ink) -> str:
        """The text in these colours, if there are any here."""
        if not self.colour or not inks or not text:
            return text
        return f"\x1b[{';'.join(_INKS[ink] for ink in inks)}m{text}\x1b[0m"

    def state(self, face: Face, word: str, cells_: int = 0) -> str:
        """Glyph and word, filled to that many cells, in the colour of the state."""
        glyph, ascii_ = GLYPHS[face]
        return self.ink(cells.pad(f"{glyph if self.unicode else ascii_} {word}", cells_), _FACES[face])

    def fit(self, text: str, used: int = 0) -> str:
        """What of the text fits behind `used` cells."""
        return cells.cut(text, self.left(used), self.ellipsis)

    def left(self, used: int) -> int | None:
        """How many cells are left behind `used`; None where nothing is cut."""
        return None if self.width is None else max(self.width - used, 8)

    @property
    def ellipsis(self) -> str:
        """What stands for what was cut."""
        return "…" if self.unicode else "..."

    @property
    def dot(self) -> str:
        """What stands between things on one line."""
        return " · " if self.unicode else ", "

    @property
    def bar(self) -> str:
        """What stands left of lines that belong to the one above."""
        return "│" if self.unicode else "|"


def look_of(stream: TextIO, environ: Mapping[str, str] | None = None) -> Look:
    """The look of an output stream. NO_COLOR and TERM=dumb are honoured (https://no-color.org)."""
    environ = os.environ if environ is None else environ
    unicode = "utf" in (stream.encoding or "").lower()
    if not stream.isatty():
        return Look(unicode=unicode)
    colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Look(width=_columns(stream, environ), colour=colour, unicode=unicode)


def _columns(stream: TextIO, environ: Mapping[str, str]) -> int:
    given = environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return max(int(given), NARROWEST)
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    return max(found or 80, NARROWEST)
