"""A strip has exactly its cells, whatever it is made of."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.theme.dress import Dress
from tui.theme.glyphs import PLAIN
from tui.theme.inks import DARK, INKS
from tui.viewmodel.lines import Span
from tui.widgets.paint import MARKS, Face, marked, strip

ODD = "a漢e\u0301\u200b\u200d👩\ufe0f\u0300ｱ…─ \u20e3\U0001f1e9🇪\u0e33\u1160"
spans = st.lists(st.builds(Span, st.text(st.sampled_from(ODD) | st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])), st.sampled_from(INKS)), max_size=6).map(tuple)  # fmt: skip


def shown(line, width: int, dress: Dress | None = None, **face) -> str:
    return strip(Face(line, **face), width, dress or Dress()).text


@given(spans, st.integers(0, 40), st.integers(0, 30), st.sampled_from(["", "▌ "]), st.sampled_from([None, "", "▐"]))
def test_a_strip_has_exactly_its_width(line, width, pan, mark, bar):
    made = strip(Face(line, mark=mark, bar=bar, pan=pan), width, Dress())
    assert made.cell_length == width
    assert cell_len(made.text) == width
    assert sum(cell_len(segment.text) for segment in made) == width


@given(spans, st.integers(1, 40))
def test_what_fits_is_shown_whole_and_what_does_not_says_so(line, width):
    text = "".join(span.text for span in line)
    plain = "".join(char for char in text if cell_len(char))
    made = "".join(char for char in shown(line, width) if cell_len(char))
    if cell_len(plain) <= width:
        assert made == plain + " " * (width - cell_len(plain))
    else:
        assert made.rstrip(" ").endswith("…")


@given(spans, st.text("abAB漢", min_size=1, max_size=3))
def test_a_search_changes_inks_and_no_text(line, needle):
    assert "".join(span.text for span in marked(line, needle)) == "".join(span.text for span in line)


def test_a_match_crosses_spans_and_small_letters_find_large_ones():
    line = (Span("see Foo", "dim"), Span("bar, foobar"))
    assert marked(line, "foobar") == (
        Span("see ", "dim"), Span("Foo", "match"), Span("bar", "match"), Span(", "), Span("foobar", "match"),
    )  # fmt: skip
    assert marked(line, "Foobar") == (Span("see ", "dim"), Span("Foo", "match"), Span("bar", "match"), Span(", foobar"))


def test_a_wide_glyph_is_never_halved():
    assert shown((Span("漢字"),), 4) == "漢字"
    assert shown((Span("漢字"),), 3) == "漢…"
    assert shown((Span("x漢字"),), 3) == "x …"
    assert shown((Span("漢字x"),), 6, pan=1) == " 字x  "


def test_marks_stay_with_their_letter_and_do_not_pile_up():
    assert shown((Span("e\u0301"), Span("x")), 3) == "e\u0301x "
    assert shown((Span("e" + "\u0301" * 50),), 1) == "e" + "\u0301" * MARKS
    assert shown((Span("\u0301x"),), 2) == "x "


def test_signs_that_glue_are_left_out():
    assert shown((Span("👩\u200d👩\ufe0fx\u200b"),), 6) == "👩👩x "


def test_no_control_character_gets_through():
    assert shown((Span("\x1b[2Ja\tb\x9b"), Span("漢\r\x07")), 12).split() == ["[2Jab漢"]


def test_a_line_of_a_megabyte_costs_no_more_than_one_of_a_screen():
    huge = (Span("x" * 2**20), Span("漢" * 2**20))
    began = time.process_time()
    assert shown(huge, 80) == "x" * 79 + "…"
    assert shown((Span("漢" * 2**20 + "!"),), 80).rstrip() == "漢" * 39 + " …"
    assert time.process_time() - began < 0.05


def test_a_chip_lies_over_the_end_of_the_line():
    assert shown((Span("x" * 20),), 20, bar="", chip=" 7 more ") == "x" * 11 + " 7 more  "
    assert shown((Span("x" * 5),), 5, bar="", chip=" 7 more ") == "xxx… "


def test_in_ascii_nothing_else_is_shown():
    dress = Dress(DARK, PLAIN)
    assert shown((Span("✓ done — 漢字 " * 4),), 30, dress, bar="").isascii()
    assert shown((Span("✓ 漢…x"),), 10, dress) == "+ ??~x    "


@pytest.mark.parametrize(("ink", "ground"), [("add", "added"), ("remove", "removed"), ("hunk", "plain")])
def test_a_changed_line_has_its_ground_to_the_end(ink, ground):
    made = strip(Face((Span("1 ", "dim"), Span("x", ink)), tinted=True), 10, Dress())
    assert {segment.style.bgcolor for segment in made} == {DARK.grounds[ground].bgcolor}


def test_the_same_face_is_the_same_strip():
    face = Face((Span("once"),))
    assert strip(face, 10, Dress()) is strip(face, 10, Dress())
