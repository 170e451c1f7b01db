"""From a line with inks to a strip of an exact number of cells. Pure, and remembered: equal faces are the same strip.

Widths are those Textual computes with, so that what stands beside a strip never moves. Marks that combine stay with
their character, signs without a width that glue or hide others are left out, and half of a wide glyph is a blank. Views
hand over clean text; should they not, no control character gets through here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.theme.dress import Dress
from tui.theme.glyphs import Glyphs, ascii_only
from tui.theme.inks import Ground
from tui.viewmodel.lines import Ink, Line, Span

REMEMBERED = 256
"""Strips that are kept: more lines than a screen has."""
MARKS = 4
"""Combining marks kept on one character: more are a prank, and terminals differ in what they do with them."""
_COMBINING = {"Mn", "Me"}
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Variation selectors: terminals do not agree on the width of what they select."""
_TINTS: dict[Ink, Ground] = {"add": "added", "remove": "removed", "file": "raised"}


class Face(NamedTuple):
    """All that decides what one line of a widget looks like, but for its size and dress.

    `mark`: what stands before the line; `bar`: what stands in the last cell, None where the line has that cell too;
    `pan`: cells left out at the left; `chip`: words over the end of the line; `tinted`: the ground tells a change.
    """

    line: Line = ()
    ground: Ground = "plain"
    mark: str = ""
    bar: str | None = None
    needle: str = ""
    pan: int = 0
    chip: str = ""
    tinted: bool = False


class Piece(NamedTuple):
    """What is left of a span."""

    text: str
    ink: Ink


class Painted(Strip):
    """A strip that may be put on the screen whole.

    Textual's would remember itself as its own only piece then: a ring, and so many of them a second that the collector
    has to stop everything for them.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The pieces between these cells."""
        cuts = list(cuts)
        return [self] if cuts == [self.cell_length] else super().divide(cuts)


@lru_cache(maxsize=REMEMBERED)
def strip(face: Face, width: int, dress: Dress) -> Strip:
    """The face in exactly `width` cells."""
    ground = _ground(face)
    style = dress.palette.style
    room = max(width - (face.bar is not None), 0)
    mark = face.mark[:room]
    shown = [(mark, style("accent", ground))] if mark else []
    room -= len(mark)
    used = 0
    for piece in clip(marked(face.line, face.needle), face.pan, room, dress.glyphs):
        shown.append((piece.text, style(piece.ink, ground)))
        used += measure(piece.text)
    if used < room:
        shown.append((" " * (room - used), style("", ground)))
    if face.bar is not None and width:
        shown.append((face.bar or " ", style("", ground) + dress.palette.rail))
    painted = Painted(together(shown), width)
    return _with_chip(painted, face, dress) if face.chip else painted


def together(shown: Iterable[tuple[str, Style]]) -> list[Segment]:
    """As few segments as look the same: each tells the terminal all of its style, some forty bytes.

    A blank shows nothing but its ground, so it goes with what stands beside it.
    """
    found: list[tuple[str, Style]] = []
    for text, style in shown:
        before, style_before = found[-1] if found else ("", style)
        if found and (style is style_before or (_alike(style_before, style) and text.isspace())):
            found[-1] = (before + text, style_before)
        elif found and before.isspace() and _alike(style_before, style):
            found[-1] = (before + text, style)
        else:
            found.append((text, style))
    return [Segment(text, style) for text, style in found]


@lru_cache(maxsize=1024)
def _alike(one: Style, other: Style) -> bool:
    """Do blanks look the same in both?"""
    lined = any(style.reverse or style.underline or style.strike or style.overline for style in (one, other))
    return one == other or (not lined and one.bgcolor == other.bgcolor)


def _with_chip(under: Strip, face: Face, dress: Dress) -> Strip:
    chip = ascii_(face.chip, dress.glyphs)
    end = under.cell_length - (face.bar is not None)
    start = end - measure(chip)
    if start < 0:
        return under
    style = dress.palette.style("key", "chosen")
    if style.bgcolor is None:  # without grounds it would not stand out from the line
        style += Style(reverse=True)
    words = Strip([Segment(chip, style)], end - start)
    return Strip.join([under.crop(0, start), words, under.crop(end)])


def _ground(face: Face) -> Ground:
    if not face.tinted or face.ground != "plain":
        return face.ground
    return next((_TINTS[span.ink] for span in face.line if span.ink in _TINTS), "plain")


def ascii_(text: str, glyphs: Glyphs) -> str:
    """The text as these glyphs can show it."""
    return text if glyphs.unicode else ascii_only(text)


def measure(text: str) -> int:
    """How many cells Textual takes a clipped text to be."""
    return len(text) if text.isascii() else sum(map(get_character_cell_size, text))


def clip(line: Line, pan: int, room: int, glyphs: Glyphs) -> list[Piece]:
    """The cells from `pan` on, at most `room` of them; a sign at the end tells that there is more."""
    cutter = _Cutter(pan, room)
    pieces = [Piece(text, span.ink) for span in line if (text := cutter.take(ascii_(cutter.enough(span.text), glyphs)))]
    if cutter.full and room > 0:
        pieces = [*_shortened(pieces, room - 1), Piece(glyphs.cut, "dim")]
    return pieces


def _shortened(pieces: list[Piece], room: int) -> list[Piece]:
    cutter = _Cutter(0, room)
    kept = [Piece(text, piece.ink) for piece in pieces if (text := cutter.take(piece.text))]
    missing = room - cutter.used
    return [*kept, Piece(" " * missing, "")] if missing else kept


class _Cutter:
    """Cuts spans one after another, in cells. `full` once something had no room."""

    def __init__(self, pan: int, room: int) -> None:
        self._skip, self._room = pan, room
        self._marks = MARKS
        self.used = 0
        self.full = False

    def enough(self, text: str) -> str:
        """As much of a text as can matter here: a line of a megabyte costs no more than one of a screen."""
        return text[: (self._skip + self._room + 1) * (MARKS + 1)]

    def take(self, text: str) -> str:
        """What of the next text is shown."""
        if self.full:
            return ""
        if text.isascii() and text.isprintable():
            return self._take_plain(text)
        return "".join(self._chars(text))

    def _take_plain(self, text: str) -> str:
        skipped = min(self._skip, len(text))
        self._skip -= skipped
        shown = text[skipped : skipped + self._room - self.used]
        self.used += len(shown)
        self.full = skipped + len(shown) < len(text)
        self._marks = 0 if shown else MARKS
        return shown

    def _chars(self, text: str) -> Iterator[str]:
        for char in text:
            size = get_character_cell_size(char)
            if size == 0:
                yield self._mark(char)
                continue
            hidden = min(self._skip, size)
            self._skip -= hidden
            left = size - hidden
            if self.used + left > self._room:
                self.full = True
                return
            self.used += left
            self._marks = MARKS if hidden else 0
            yield " " * left if hidden else char

    def _mark(self, char: str) -> str:
        """A sign without a width, if it belongs to what is shown before it."""
        if self._marks >= MARKS or not self.used or char in _SELECTORS or unicodedata.category(char) not in _COMBINING:
            return ""
        self._marks += 1
        return char


@lru_cache(maxsize=64)
def pattern(needle: str) -> re.Pattern[str]:
    """What finds a needle; small letters find large ones too."""
    return re.compile(re.escape(needle), re.IGNORECASE if needle == needle.lower() else 0)


def marked(line: Line, needle: str) -> Line:
    """The line with what matches the needle in the ink of a match; a match may begin in one span and end in another."""
    if not needle:
        return line
    found = [match.span() for match in pattern(needle).finditer("".join(span.text for span in line))]
    return tuple(_cut_up(line, found)) if found else line


def _cut_up(line: Line, found: list[tuple[int, int]]) -> Iterator[Span]:
    edges = sorted({edge for span in found for edge in span})
    starts = {start for start, _ in found}
    inside, position = False, 0
    for span in line:
        end, text = position + len(span.text), span.text
        for edge in [edge for edge in edges if position <= edge < end] + [end]:
            head, text = text[: edge - position], text[edge - position :]
            if head:
                yield Span(head, "match" if inside else span.ink)
            if edge < end:
                inside = edge in starts
            position = edge
