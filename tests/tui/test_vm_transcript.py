"""What an agent printed: a bounded ring whose lines keep their numbers, and which says what it does not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.boards import board_of

from tui.viewmodel.lines import text
from tui.viewmodel.transcript import CHARACTERS, KEPT, LINES, Step, Tail

ONE, TWO = Step("parse", 1, "work"), Step("parse", 2, "work")


def said(tail, *texts, of=ONE, offset=0, missed=0):
    tail.said("".join(f"{one}\n" for one in texts), of=of, offset=offset, missed=missed)
    return tail


def shown(tail):
    return [text(tail.line(number)) for number in range(tail.dropped, tail.total)]


def test_the_step_stands_above_its_lines():
    tail = said(Tail(), "a", "b")
    said(tail, "c", offset=4)
    said(tail, "d", of=TWO)
    assert shown(tail) == ["work of parse, attempt 1", "a", "b", "c", "work of parse, attempt 2", "d"]
    assert tail.line(0)[0].ink == "label"


def test_what_was_missed_is_said_in_its_place():
    tail = said(said(Tail(), "a"), "b", offset=9_000, missed=8_998)
    assert shown(tail)[2] == "(8,998 bytes are not shown here; the transcript has them)"
    assert shown(tail)[3] == "b"


def test_the_same_place_told_again_begins_it_anew_instead_of_doubling_it():
    tail = said(said(Tail(), "a", "b"), "c", offset=4)
    said(tail, "a", "b", "c", "d", offset=0)
    assert shown(tail) == ["work of parse, attempt 1", "a", "b", "c", "d"]
    assert tail.dropped == 4


def test_a_line_keeps_its_number_until_it_falls_out():
    tail = Tail()
    for number in range(LINES + 500):
        said(tail, f"line {number}", offset=number + 1)
    assert len(tail) == LINES - 1 or len(tail) == LINES
    assert tail.total == LINES + 501
    assert text(tail.line(LINES)) == f"line {LINES - 1}"
    with pytest.raises(IndexError):
        tail.line(0)
    with pytest.raises(IndexError):
        tail.line(tail.total)


def test_characters_are_bounded_too():
    tail = Tail()
    for number in range(2_000):
        said(tail, "x" * 1_900, offset=number + 1)
    assert sum(map(len, shown(tail))) <= CHARACTERS


def test_a_tail_nobody_reads_keeps_its_last_lines():
    board = board_of([])
    board.watch(["a"])
    board.said("a", task="t", attempt=1, kind="work", offset=0, text="x\n" * 1_000)
    board.watch(["b"])
    assert len(board.tail("a")) == KEPT
    assert board.tail("a").dropped == 1_001 - KEPT


def test_the_last_line_that_says_something_is_known():
    assert said(Tail(), "done", "", "   ").last == "done"


def test_a_search_finds_lines_by_their_numbers_and_not_the_heads():
    tail = said(Tail(), "An error", "fine", "error")
    assert tail.find("error") == [1, 3]
    assert tail.find("Error") == []
    assert tail.find("attempt") == []
    assert tail.find("") == []


@given(st.lists(st.tuples(st.text(max_size=50), st.integers(0, 5)), max_size=20))
def test_whatever_is_printed_lines_are_single_and_counted(chunks):
    tail = Tail()
    for number, (chunk, missed) in enumerate(chunks):
        tail.said(chunk, of=ONE, offset=number + 1, missed=missed)
    assert len(shown(tail)) == len(tail) == tail.total - tail.dropped
    assert not any(set(line) & set("\n\r\x1b\x0b\x0c") for line in shown(tail))
