"""Lines: cut, padded and put beside each other by cells, whatever is written in them."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui import cells
from tui.faces import ASCII, FACES, GLYPHS
from tui.viewmodel.lines import ELLIPSIS, Span, apart, columns, finder, fit, joined, line, pad, state, text, width, wrap

clean = st.text(max_size=30).map(cells.plain)
lines = st.lists(clean.map(Span), max_size=5).map(tuple)
rooms = st.integers(0, 60)


@given(lines, rooms)
def test_a_line_that_is_cut_fits_and_says_so(shown, room):
    cut = fit(shown, room)
    assert width(cut) <= room
    if width(shown) <= room:
        assert cut == shown
    elif room and text(shown).strip():
        kept = text(cut).removesuffix(ELLIPSIS)
        assert text(shown).startswith(kept)
        assert text(cut) != kept or not text(shown)[len(kept) :].strip()


@given(lines, rooms)
def test_a_padded_line_is_exactly_as_wide_as_asked(shown, room):
    assert width(pad(shown, room)) == room or room <= 0


@given(lines, lines, rooms)
def test_what_stands_at_the_right_end_is_never_cut(left, right, room):
    shown = apart(left, right, room)
    assert width(shown) <= room
    if right and width(right) + 1 < room:
        assert text(shown).endswith(text(right))


@given(st.lists(st.tuples(lines, st.integers(0, 20)), max_size=4))
def test_columns_are_as_wide_as_their_sizes(parts):
    sizes = [size for _, size in parts]
    shown = columns([part for part, _ in parts], sizes)
    kept = [size for size in sizes if size]
    assert width(shown) == sum(kept) + 2 * max(len(kept) - 1, 0)


def test_blanks_are_cut_without_an_ellipsis():
    assert text(fit(pad(line("abc"), 20), 10)) == "abc       "


def test_a_word_that_just_fits_stays_whole_before_nothing():
    assert text(fit((Span("abc"), Span("   ")), 3)) == "abc"
    assert text(fit((Span("abc"), Span(" d")), 3)) == "ab…"


def test_what_says_nothing_has_no_dot():
    assert text(joined([line("a"), (), line(""), line("b")])) == "a · b"


def test_a_state_is_its_glyph_its_word_and_its_ink():
    assert state("bad", "failed") == Span("✗ failed", "bad")


def test_every_sign_has_an_ascii_one_of_its_width():
    signs = "".join(chr(code) for code in ASCII) + "".join(unicode for unicode, _ in GLYPHS.values())
    assert signs.translate(ASCII).isascii()
    assert set(GLYPHS) == set(FACES)
    assert all(cells.width(unicode) == cells.width(ascii_) == 1 for unicode, ascii_ in GLYPHS.values())


def test_small_letters_find_large_ones_and_large_ones_only_themselves():
    assert finder("err")("An Error")
    assert not finder("Err")("an error")
    assert not finder("")("anything")


@given(clean, st.integers(1, 40))
def test_wrapped_text_fits_and_loses_nothing(said, room):
    rows = wrap(said, room)
    assert "".join("".join(map(text, rows)).split()) == "".join(said.split())
    assert all(width(row) <= max(room, 2) for row in rows)


# -- hostile text --------------------------------------------------------------------------------------------------

nasty = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b[]\x07\x9b\x9d\r\n\t\u202e\u2066\u200b\u200d\ufe0f\u0301\u1160\ufeff\U0001f3fb二👩"),
    ),
    max_size=60,
)


@given(nasty)
def test_harmless_text_has_no_controls_no_marks_that_turn_and_one_line(said):
    shown = cells.plain(said)
    assert "\n" not in shown
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    assert not set(shown) & set("\x1b\x9b\u202e\u2066\u200b\u200d\ufe0f")


@given(st.text(st.characters(exclude_categories=["Mc", "So"]), max_size=40))
def test_the_width_of_harmless_text_is_the_one_the_screen_counts(said):
    shown = cells.plain(said)
    assert cells.width(shown) == cell_len(shown)


def test_a_heap_of_marks_is_levelled():
    assert len(cells.plain("z" + "\u0335" * 500)) <= 1 + cells.MARKS


def test_a_line_of_a_megabyte_is_cut_and_what_is_missing_is_counted():
    shown = cells.row("x" * 1_000_000, 2_000)
    assert len(shown) < 2_100
    assert shown.endswith("… (998,000 characters more)")
