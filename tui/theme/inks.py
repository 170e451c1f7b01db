"""What each ink looks like on each ground: dark, light, in the terminal's own sixteen colours, and without colour.

Text on its ground has a contrast of at least 4.5 (WCAG 2.2, 1.4.3) wherever the colours are ours. One accent, brass;
the other hues say a state, and never alone: the views put a glyph and a word beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from rich.style import Style

from tui.viewmodel.lines import Ink

Ground = Literal["plain", "raised", "chosen", "held", "added", "removed"]
"""What a line lies on. `chosen`: the selection of what has the focus; `held`: that of what has not; `raised`: bars."""

INKS: tuple[Ink, ...] = get_args(Ink)
GROUNDS: tuple[Ground, ...] = get_args(Ground)


class Colours(NamedTuple):
    """The colours of a theme as `#rrggbb`."""

    ground: str
    raised: str
    chosen: str
    held: str
    added: str
    removed: str
    line: str
    text: str
    dim: str
    accent: str
    green: str
    red: str
    blue: str
    teal: str
    sky: str
    violet: str


@dataclass(frozen=True, eq=False)
class Palette:
    """Inks and grounds as styles. A palette is itself and no other: it can be part of a key."""

    name: str
    inks: Mapping[Ink, Style]
    grounds: Mapping[Ground, Style]
    rail: Style
    """What is no text: scroll bars."""
    known: dict[tuple[Ink, Ground], Style] = field(default_factory=dict, repr=False)

    def style(self, ink: Ink, ground: Ground = "plain") -> Style:
        """The style of an ink on a ground; an ink of its own ground, as a match has, keeps that."""
        found = self.known.get((ink, ground))
        if found is None:
            found = self.known[ink, ground] = self.grounds[ground] + self.inks[ink]
        return found


NIGHT = Colours(
    ground="#14171c", raised="#1c2027", chosen="#2a303b", held="#1f242c", added="#16251d", removed="#2b1a1d",
    line="#3a414d", text="#d6dae1", dim="#98a0ae", accent="#dcaa5c", green="#86c28b", red="#ee8b82", blue="#82b1e6",
    teal="#76c2bd", sky="#9ac0e8", violet="#bba6e3",
)  # fmt: skip
DAY = Colours(
    ground="#fbfaf7", raised="#f1efe9", chosen="#e4dfd3", held="#efece4", added="#e6f3e6", removed="#fae8e6",
    line="#c9c4b8", text="#262a31", dim="#585f6a", accent="#7d5000", green="#22622d", red="#a51f18", blue="#1a5597",
    teal="#0a5f5f", sky="#275a89", violet="#61439b",
)  # fmt: skip


def painted(name: str, colours: Colours) -> Palette:
    """A palette in colours of our own."""
    c = colours

    def ink(colour: str, *, bold: bool = False) -> Style:
        return Style(color=colour, bold=bold)

    return Palette(
        name,
        {
            "": ink(c.text), "bold": ink(c.text, bold=True), "dim": ink(c.dim), "good": ink(c.green),
            "bad": ink(c.red, bold=True), "busy": ink(c.blue), "claim": ink(c.teal), "ask": ink(c.accent, bold=True),
            "wait": ink(c.accent), "frozen": ink(c.sky, bold=True), "ended": ink(c.red), "note": ink(c.accent),
            "plan": ink(c.violet), "idle": ink(c.dim), "accent": ink(c.accent), "add": ink(c.green),
            "remove": ink(c.red), "hunk": ink(c.sky), "file": ink(c.text, bold=True), "label": ink(c.dim),
            "key": ink(c.accent, bold=True), "off": ink(c.dim),
            "match": Style(color=c.ground, bgcolor=c.accent, bold=True),
            "alarm": Style(color=c.ground, bgcolor=c.red, bold=True),
        },
        {
            "plain": Style(color=c.text, bgcolor=c.ground), "raised": Style(color=c.text, bgcolor=c.raised),
            "chosen": Style(color=c.text, bgcolor=c.chosen), "held": Style(color=c.text, bgcolor=c.held),
            "added": Style(color=c.text, bgcolor=c.added), "removed": Style(color=c.text, bgcolor=c.removed),
        },
        ink(c.line),
    )  # fmt: skip


_BARE: dict[Ground, Style] = {
    "plain": Style(), "raised": Style(), "chosen": Style(bold=True), "held": Style(), "added": Style(),
    "removed": Style(),
}  # fmt: skip
_REVERSED = Style(reverse=True, bold=True)


def _of_the_terminal() -> Palette:
    def ink(colour: str = "", *, bold: bool = False, dim: bool = False) -> Style:
        return Style(color=colour or None, bold=bold or None, dim=dim or None)

    return Palette(
        "ansi",
        {
            "": Style(), "bold": ink(bold=True), "dim": ink(dim=True), "good": ink("green"),
            "bad": ink("red", bold=True), "busy": ink("blue"), "claim": ink("cyan"), "ask": ink("yellow", bold=True),
            "wait": ink("yellow"), "frozen": ink("cyan", bold=True), "ended": ink("red"), "note": ink("yellow"),
            "plan": ink("magenta"), "idle": ink(dim=True), "accent": ink("yellow"), "add": ink("green"),
            "remove": ink("red"), "hunk": ink("cyan"), "file": ink(bold=True), "label": ink(dim=True),
            "key": ink("yellow", bold=True), "off": ink(dim=True), "match": _REVERSED,
            "alarm": Style(color="red", reverse=True, bold=True),
        },
        _BARE,
        ink(dim=True),
    )  # fmt: skip


def _without_colour() -> Palette:
    strong: set[Ink] = {"bold", "bad", "ask", "frozen", "add", "file", "key"}
    lined: set[Ink] = {"hunk", "accent"}
    inks: dict[Ink, Style] = dict.fromkeys(INKS, Style())
    inks |= dict.fromkeys(strong, Style(bold=True))
    inks |= dict.fromkeys(lined, Style(underline=True))
    inks |= {"match": _REVERSED, "alarm": _REVERSED}
    return Palette("bare", inks, _BARE, Style())


DARK = painted("dark", NIGHT)
LIGHT = painted("light", DAY)
ANSI = _of_the_terminal()
BARE = _without_colour()
