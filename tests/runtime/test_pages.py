"""Pieces of files: whole lines, whole characters, every byte once, and no file but a plain one."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runtime.pages import paper, plain, shown

TEXT = st.lists(st.text(st.sampled_from("aé€😀 \n"), max_size=30), max_size=20).map("".join)


def pieces(file, limit, *, growing=False):
    """Piece after piece to the end."""
    found, offset = [], 0
    while True:
        with paper(file) as open_file:
            piece = open_file.piece(offset, limit, plain, growing=growing)
        assert piece.next - piece.offset <= limit
        if piece.next == offset:
            return found
        found.append(piece)
        offset = piece.next


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("pages") / "file"


@settings(max_examples=200, deadline=None)
@given(text=TEXT, limit=st.integers(4, 50))
def test_pieces_put_together_are_the_text(file, text, limit):
    file.write_bytes(text.encode())
    found = pieces(file, limit)
    assert "".join(piece.text for piece in found) == text
    for piece in found:
        longest = max(map(len, piece.text.encode().split(b"\n")))
        assert piece.text.endswith("\n") or piece.next == piece.size or longest > limit - 4


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), limit=st.integers(1, 20))
def test_any_bytes_are_gone_through_to_the_end(file, data, limit):
    file.write_bytes(data)
    assert sum(piece.next - piece.offset for piece in pieces(file, limit)) == len(data)


def test_a_line_that_has_not_ended_waits_while_the_file_grows(file):
    file.write_bytes(b"one\ntw")
    assert [piece.text for piece in pieces(file, 100, growing=True)] == ["one\n"]
    assert [piece.text for piece in pieces(file, 100)] == ["one\ntw"]


def test_a_negative_offset_counts_from_the_end_and_begins_with_a_line(file):
    file.write_bytes(b"one\ntwo\nthree\n")
    with paper(file) as found:
        assert [found.piece(-n, 100, plain).text for n in (1, 6, 7, 100)] == [
            "",
            "three\n",
            "three\n",
            "one\ntwo\nthree\n",
        ]
        assert found.piece(1000, 100, plain).next == found.size


@pytest.mark.parametrize(
    ("content", "line", "offset"),
    [
        (b"", "", 0),
        (b"\n\n", "", 2),
        (b"one\ntwo\n", "two", 4),
        (b"one\n\n  \n", "one", 0),
        (b"one\n\x1b[2J\n", "one", 0),
        (b"one\ntwo", "one", 0),
    ],
)
def test_the_last_line_is_one_that_says_something(file, content, line, offset):
    file.write_bytes(content)
    with paper(file) as found:
        last = found.last_line(100, shown, growing=True)
    assert (last.text, last.offset) == (line, offset)


def test_what_is_shown_is_harmless_and_keeps_its_lines():
    assert shown(b"a\x1b[31m\nb\rc\n\xff\x0b\x85\n") == "a\nc\n\ufffd\ufffd\n"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/passwd"), lambda _: None])
def test_only_a_plain_file_is_opened(tmp_path, make):
    make(tmp_path / "it")
    with pytest.raises(FileNotFoundError), paper(tmp_path / "it"):
        pass
