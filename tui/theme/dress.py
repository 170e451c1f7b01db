"""What the dashboard wears on one terminal: the app class that knows its palette and glyphs, and how they are chosen.

Widgets ask the app they are in; in an app that is not dressed they are dark. The frames of Textual's own widgets take
their colours from the same tables, so nothing on the screen has colours of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

from tui.theme.glyphs import FULL, Glyphs, glyphs_of
from tui.theme.inks import ANSI, BARE, DARK, DAY, LIGHT, NIGHT, Colours, Palette

R = TypeVar("R")
Wanted = Literal["auto", "dark", "light", "ansi", "bare"]

BASE = Path(__file__).with_name("base.tcss")
NARROW, WIDE = 100, 160
BREAKPOINTS: list[tuple[int, str]] = [(0, "-narrow"), (NARROW, "-normal"), (WIDE, "-wide")]


def _theme(palette: Palette, colours: Colours, *, dark: bool) -> Theme:
    c = colours
    return Theme(
        name=palette.name, primary=c.accent, secondary=c.blue, accent=c.accent, warning=c.accent, error=c.red,
        success=c.green, foreground=c.text, background=c.ground, surface=c.ground, panel=c.raised, dark=dark,
        variables={"frame": c.line, "muted": c.dim, "chosen": c.chosen, "raised": c.raised},
    )  # fmt: skip


def _bare_theme(palette: Palette, accent: str, muted: str) -> Theme:
    default = "ansi_default"
    return Theme(
        name=palette.name, primary=accent, secondary=accent, accent=accent, warning=accent, error=accent,
        success=accent, foreground=default, background=default, surface=default, panel=default, boost=default,
        variables={
            **BUILTIN_THEMES["ansi-dark"].variables,  # Textual's own widgets ask for names that only these have
            "frame": muted, "muted": default, "chosen": default, "raised": default,
        },
        ansi=True,
    )  # fmt: skip


PALETTES = {palette.name: palette for palette in (DARK, LIGHT, ANSI, BARE)}
THEMES = (
    _theme(DARK, NIGHT, dark=True),
    _theme(LIGHT, DAY, dark=False),
    _bare_theme(ANSI, "ansi_yellow", "ansi_bright_black"),
    _bare_theme(BARE, "ansi_default", "ansi_default"),
)


class Dress(NamedTuple):
    """A choice of palette and glyphs."""

    palette: Palette = DARK
    glyphs: Glyphs = FULL


def choose(environ: Mapping[str, str], wanted: Wanted = "auto") -> Dress:
    """What to wear on this terminal. NO_COLOR (https://no-color.org) and TERM=dumb win over what is wanted."""
    glyphs = glyphs_of(environ)
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return Dress(BARE, glyphs)
    return Dress(PALETTES[wanted if wanted != "auto" else _fitting(environ)], glyphs)


def _fitting(environ: Mapping[str, str]) -> str:
    """Our colours need 256 of them; a light terminal says so in COLORFGBG (rxvt, konsole), if at all."""
    many = "256" in environ.get("TERM", "") or environ.get("COLORTERM") or environ.get("TERM_PROGRAM")
    if not many:
        return ANSI.name
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in {"7", "15"} else DARK.name


class Dressed(App[R]):
    """An app that wears a dress. `CSS_PATH` of a subclass begins with `BASE`."""

    CSS_PATH: ClassVar[Any] = [BASE]
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS

    def __init__(self, dress: Dress | None = None) -> None:
        self._dress = dress or Dress()
        # Textual decides here, once, how it obeys NO_COLOR: with colours of the terminal it drops them all, else it
        # turns them into greys.
        super().__init__(ansi_color=True if self._dress.palette is BARE else None)
        for name in tuple(self.available_themes):
            self.unregister_theme(name)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._dress.palette.name
        self.set_class(not self._dress.glyphs.unicode, "-ascii")

    @property
    def palette(self) -> Palette:
        """The palette worn now: that of the theme."""
        return PALETTES.get(self.theme, DARK)

    @property
    def glyphs(self) -> Glyphs:
        """The glyphs worn."""
        return self._dress.glyphs


def worn(app: App[Any]) -> Dress:
    """What an app wears."""
    return Dress(app.palette, app.glyphs) if isinstance(app, Dressed) else Dress()
