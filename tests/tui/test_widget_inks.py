"""Every ink has a style in every palette, and ours can be read on every ground."""

from __future__ import annotations

from itertools import product

import pytest
from rich.color import Color
from rich.style import Style

from tui.faces import GLYPHS
from tui.theme.dress import PALETTES, choose
from tui.theme.glyphs import FULL, PLAIN, ascii_only, glyphs_of
from tui.theme.inks import BARE, DARK, GROUNDS, INKS, LIGHT, Palette

READABLE = 4.5


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [part / 255 for part in color.get_truecolor()]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(style: Style) -> float:
    assert style.color
    assert style.bgcolor
    low, high = sorted((luminance(style.color), luminance(style.bgcolor)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
@pytest.mark.parametrize(("ink", "ground"), [*product(INKS, GROUNDS)])
def test_text_can_be_read_on_its_ground(palette: Palette, ink, ground):
    assert contrast(palette.style(ink, ground)) >= READABLE


@pytest.mark.parametrize("palette", [*PALETTES.values()], ids=lambda palette: palette.name)
def test_every_ink_and_ground_is_there(palette: Palette):
    assert set(palette.inks) == set(INKS)
    assert set(palette.grounds) == set(GROUNDS)


@pytest.mark.parametrize(("ink", "ground"), [*product(INKS, GROUNDS)])
def test_without_colour_there_is_none(ink, ground):
    style = BARE.style(ink, ground)
    assert style.color is None
    assert style.bgcolor is None
    assert not style.dim


def test_a_match_and_an_alarm_are_seen_without_colour():
    assert BARE.style("match").reverse
    assert BARE.style("alarm").reverse
    assert BARE.style("bold", "chosen").bold


@pytest.mark.parametrize(
    ("environ", "wanted", "name"),
    [
        ({"TERM": "xterm-256color"}, "auto", "dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "auto", "light"),
        ({"TERM": "xterm-256color", "COLORFGBG": "15;default;0"}, "auto", "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "auto", "dark"),
        ({"TERM": "linux"}, "auto", "ansi"),
        ({}, "auto", "ansi"),
        ({"TERM": "linux"}, "light", "light"),
        ({"TERM": "dumb"}, "dark", "bare"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "dark", "bare"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "auto", "dark"),
    ],
)
def test_the_terminal_decides_what_is_worn(environ, wanted, name):
    assert choose(environ, wanted).palette.name == name


@pytest.mark.parametrize(
    ("environ", "glyphs"),
    [
        ({"LANG": "de_DE.UTF-8"}, FULL),
        ({"LANG": "C.utf8"}, FULL),
        ({"LANG": "C"}, PLAIN),
        ({"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, PLAIN),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, FULL),
        ({}, FULL),
    ],
)
def test_the_locale_decides_the_glyphs(environ, glyphs):
    assert glyphs_of(environ) is glyphs


def test_in_ascii_every_sign_keeps_its_width():
    own = "".join(sign for sign, _ in GLYPHS.values()) + "─│╭╮"
    assert ascii_only(own).isascii()
    assert len(ascii_only(own)) == len(own)
    assert "?" not in ascii_only(own.replace("?", ""))
    assert ascii_only("a漢é") == "a???"
