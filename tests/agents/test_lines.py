"""A program's output as lines of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agents.lines import JsonLines, decode, encode

VALUES = st.dictionaries(st.text(max_size=4), st.integers(-9, 9) | st.text(max_size=9) | st.none(), max_size=3)


def read(data, limit=1 << 20, piece=1 << 20):
    lines = JsonLines(limit)
    found = [line for at in range(0, len(data), piece) for line in lines.feed(data[at : at + piece])]
    return found + list(lines.close())


@given(st.lists(VALUES, max_size=6), st.integers(1, 40), st.sampled_from([b"\n", b"\r\n", b"\n\n  \n"]))
def test_the_same_objects_come_however_the_bytes_arrive(values, piece, end):
    data = b"".join(json.dumps(value, ensure_ascii=False).encode() + end for value in values)
    assert [line.message for line in read(data, piece=piece)] == values


def test_a_last_line_without_an_end_is_one_too():
    assert [line.message for line in read(b'{"a":1}\n{"b":2}')] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"npm warn deprecated", "a line that is not JSON"),
        (b'{"a":', "a line that is not JSON"),
        (b"[1]", "a line of JSON that is no object: [1]"),
        (b"7", "a line of JSON that is no object: 7"),
        (b"[" * 100_000, "a line that is not JSON"),
        (b'{"a":"' + b"\xff" * 9 + b"}", "a line that is not JSON"),
    ],
)
def test_what_is_no_object_is_told_of_and_passed_over(text, reason):
    bad, good = read(text + b'\n{"a": 1}\n')
    assert bad.message is None
    assert bad.refusal.startswith(reason)
    assert len(bad.refusal) < 400
    assert good.message == {"a": 1}


@pytest.mark.parametrize("piece", [1, 50, 1000])
def test_a_line_that_is_too_long_is_counted_and_not_kept(piece):
    long = b'{"a": "' + b"x" * 300 + b'"}'
    bad, good = read(long + b'\n{"b": 1}\n', limit=100, piece=piece)
    assert bad.refusal == f"a line of {len(long)} bytes, more than the 100 that are read"
    assert len(bad.raw) <= 120
    assert good.message == {"b": 1}


def test_a_line_of_just_the_limit_is_read():
    assert [line.message for line in read(b'{"a":1}\n', limit=7)] == [{"a": 1}]


def test_half_a_surrogate_pair_and_bytes_that_are_no_text_do_not_lose_the_line():
    assert decode(rb'{"a":"x\ud83dy"}') == {"a": "x?y"}
    assert decode(b'{"a":"x\xffy"}') == {"a": "x\ufffdy"}
    assert decode(rb'{"a":"\ud83d\ude00"}') == {"a": "\U0001f600"}


@given(VALUES)
def test_what_is_said_is_one_line(value):
    line = encode(value)
    assert line.count(b"\n") == 1
    assert json.loads(line) == value
