"""What view models hand to widgets: text with inks, in lines, in rows with a key.

A line is clean when it is made: one line, no controls, no marks that turn text around. Widths are cells. Nothing here
knows a colour; a theme gives each ink its style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from tui import cells
from tui.faces import GLYPHS, Face

Ink = Literal[
    "", "bold", "dim", "good", "bad", "busy", "claim", "ask", "wait", "frozen", "ended", "note", "plan", "idle",
    "accent", "add", "remove", "hunk", "file", "match", "label", "key", "off", "alarm",
]  # fmt: skip
"""What a text means. The faces are inks; `label` names a value, `key` is a key to press, `off` is not to be had now,
`alarm` is a banner, `match` what was searched for."""

ELLIPSIS = "…"
LONGEST = 4_000
"""Characters of a text that are looked at: more would not fit, and cost before they were cut."""


class Span(NamedTuple):
    """A piece of a line. `key`: what a click on it means, a row's key or `action/NAME`; empty: nothing."""

    text: str
    ink: Ink = ""
    key: str = ""


Line = tuple[Span, ...]
"""May be shorter or longer than the width it is shown in: the widget pads and crops by cells."""


class Row(NamedTuple):
    """One thing that can be selected, of one or more lines. `key` names the thing and stays its own for good."""

    key: str
    lines: tuple[Line, ...]


BLANK: Line = ()


def line(*parts: str | Span) -> Line:
    """A line of clean parts, without the empty ones."""
    spans = (part if isinstance(part, Span) else Span(part) for part in parts)
    return tuple(span for span in spans if span.text)


def said(text: str, ink: Ink = "") -> Span:
    """A span of what somebody else wrote: made harmless first."""
    return Span(clean(text), ink)


def clean(text: str) -> str:
    """What somebody else wrote as one harmless line, of a length that no view could show."""
    return cells.plain(text[:LONGEST])


def state(face: Face, word: str) -> Span:
    """A state as it is always shown: its glyph, its word, its ink."""
    return Span(f"{GLYPHS[face][0]} {word}" if word else GLYPHS[face][0], face)


def text(shown: Line) -> str:
    """The words of a line alone."""
    return "".join(span.text for span in shown)


def width(shown: Line) -> int:
    """The cells of a line."""
    return sum(cells.width(span.text) for span in shown)


def fit(shown: Line, room: int) -> Line:
    """At most that many cells of a line; where words are cut off it ends in an ellipsis."""
    if width(shown) <= room:
        return shown
    kept: list[Span] = []
    left = room
    for index, span in enumerate(shown):
        size = cells.width(span.text)
        if size <= left and (size < left or _blank(shown[index + 1 :])):
            kept.append(span)
            left -= size
            continue
        rest = _blank(shown[index:])
        text_ = span.text if size > left else span.text + ELLIPSIS
        cut = " " * left if rest else cells.cut(text_, left, ELLIPSIS)
        return tuple([*kept, span._replace(text=cut)] if cut else kept)
    return tuple(kept)


def _blank(rest: Line) -> bool:
    return not any(span.text.strip() for span in rest)


def pad(shown: Line, room: int) -> Line:
    """Exactly that many cells of a line: cut, or filled with blanks."""
    fitted = fit(shown, room)
    missing = room - width(fitted)
    return (*fitted, Span(" " * missing)) if missing > 0 else fitted


def apart(left: Line, right: Line, room: int) -> Line:
    """One line at the left, one at the right end; the left one gives way, and the right one is never cut."""
    taken = width(right)
    if taken + 1 >= room or not right:
        return fit(left, room)
    return (*pad(left, room - taken - 1), Span(" "), *right)


def columns(parts: Sequence[Line], sizes: Sequence[int], gap: int = 2) -> Line:
    """Lines beside each other, each padded to its size in cells; a size of 0 leaves its column out."""
    found: list[Span] = []
    for part, size in zip(parts, sizes, strict=True):
        if size > 0:
            found += [Span(" " * gap)] if found else []
            found += pad(part, size)
    return tuple(found)


def joined(parts: Iterable[Line], dot: str = " · ") -> Line:
    """Lines one after another on one, with a dot between those that say something."""
    found: list[Span] = []
    for part in parts:
        if part:
            found += [Span(dot, "dim"), *part] if found else list(part)
    return tuple(found)


def wrap(shown: str, room: int, ink: Ink = "", *, indent: int = 0) -> list[Line]:
    """A clean text in lines of at most that many cells, all behind an indent."""
    lead = (Span(" " * indent),) if indent else ()
    return [(*lead, Span(row, ink)) for row in cells.wrap(shown, max(room - indent, 1))]


def finder(needle: str) -> Callable[[str], bool]:
    """Does a text have the needle in it? Small letters find large ones too; an empty needle finds nothing."""
    if not needle:
        return lambda _: False
    if needle != needle.lower():
        return lambda text_: needle in text_
    return lambda text_: needle in text_.lower()
