"""Text in cells: what is measured is what a terminal shows, and nothing gets through that is not text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.cells import cut, pad, plain, plain_lines, width, wrap
from tui.headless.look import Look
from tui.headless.moments import clock, count, span
from tui.headless.table import Cell, table
from tui.headless.telling import telling

WIDE = st.text(alphabet="ab c二つé\u0301🙂-", max_size=60)


@pytest.mark.parametrize(
    ("text", "cells"), [("abc", 3), ("二つ", 4), ("e\u0301", 1), ("🙂", 2), ("a\u200bb", 2), ("", 0)]
)
def test_wide_characters_take_two_cells_and_marks_none(text, cells):
    assert width(text) == cells


@given(WIDE, st.integers(1, 40))
def test_a_cut_never_takes_more_cells_than_there_are(text, cells):
    found = cut(text, cells)
    assert width(found) <= cells
    assert found == text or found.endswith("…")
    assert width(pad(found, 50)) == 50


@given(WIDE, st.integers(2, 40))
def test_wrapping_loses_no_word_and_keeps_the_width(text, cells):
    rows = wrap(text, cells)
    assert all(width(row) <= cells for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())


@given(st.text())
def test_plain_text_is_one_line_without_controls(text):
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain(text))
    assert all(not re.search("[\x00-\x1f\x7f-\x9f]", line) for line in plain_lines(text))


def test_a_progress_bar_leaves_its_last_state():
    assert plain_lines("10%\r50%\r100%\ndone\n\n") == ["100%", "done"]


@pytest.mark.parametrize(
    ("seconds", "shown", "long"),
    [(0, "0:00", "0.0 s"), (7.6, "0:07", "7.6 s"), (75, "1:15", "1 min 15 s"), (3723, "1:02:03", "1 h 2 min")],
)
def test_times_are_short(seconds, shown, long):
    assert (clock(seconds), span(seconds)) == (shown, long)


def test_things_are_counted():
    assert [count(n, "task") for n in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]
    assert count(2, "process") == "2 processes"


def test_columns_are_aligned_and_empty_ones_left_out():
    rows = [
        [Cell("a", "good"), Cell(""), Cell("二つ"), Cell("x", loose=True)],
        [Cell("long", "bad"), Cell(""), Cell("b")],
    ]
    assert table([*rows[:1], [*rows[1], Cell("y" * 50, loose=True)]], Look(width=40)) == [
        "  ✓ a     二つ  x",
        "  ✗ long  b     yyyyyyyyyyyyyyyyyyyyyyy…",
    ]


def test_of_pytest_the_errors_and_the_names_are_told():
    output = "....F\n____ test_x ____\n    def test_x():\n>       assert f() == 2\nE       assert 1 == 2\n\nt.py:3: AssertionError\n"
    assert telling(output + "FAILED t.py::test_x - assert 1 == 2\n1 failed in 0.1s\n") == [
        "E       assert 1 == 2",
        "t.py:3: AssertionError",
        "FAILED t.py::test_x",
    ]


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("building\nTraceback (most recent call last):\n  File x\nKeyError: 'a'\n", "KeyError: 'a'"),
        ("cc x.c\nx.c:3:1: error: expected ';'\nmake: *** [x] Error 1", "x.c:3:1: error: expected ';'"),
        ("ok 1\nnot ok 2 - adds\n", "not ok 2 - adds"),
        ("--- FAIL: TestX (0.00s)\nFAIL\n", "--- FAIL: TestX (0.00s)"),
        ("error[E0308]: mismatched types\n", "error[E0308]: mismatched types"),
    ],
)
def test_of_others_what_looks_like_an_error_is_told(output, line):
    assert telling(output)[0] == line


def test_of_anything_else_the_end_is_told():
    assert telling("\n".join(map(str, range(20))), 3) == ["17", "18", "19"]
    assert telling("") == []


def test_many_errors_are_counted():
    found = telling("\n".join(f"E   {n}" for n in range(20)))
    assert len(found) == 8
    assert found[-1] == "(and 13 more such lines)"
