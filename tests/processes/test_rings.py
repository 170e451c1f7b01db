"""Rings, lines, logs and buckets keep their bounds whatever is put into them."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.text import clean, clean_lines
from engine.processes.rings import Bucket, Lines, LogFile, Ring
from engine.runtime.pages import shown

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x9b\x9c\x9d\x90[]()0;?mHJK\\P\r\n\t\u202e\u2066\u200f\ufeff\u2028"),
    ),
    max_size=60,
)
CHUNKS = st.lists(st.binary(max_size=40), max_size=30)


@settings(deadline=None)
@given(NASTY)
def test_no_control_and_no_direction_mark_is_left(text):
    for character in clean(text):
        assert character == "\t" or unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }
        assert character not in "\u200e\u200f\u061c"


@settings(deadline=None)
@given(NASTY)
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u061c"), max_size=60))
def test_plain_text_of_any_language_stays(text):
    assert clean(text) == text


@settings(deadline=None)
@given(NASTY)
def test_many_lines_are_cleaned_as_each_of_them_is(text):
    assert clean_lines(text) == "\n".join(map(clean, text.splitlines()))
    assert shown(text.encode(errors="replace")) == "\n".join(
        map(clean, text.encode(errors="replace").decode().split("\n"))
    )


def test_sequences_leave_with_all_that_belongs_to_them():
    assert clean("\x1b[1;31mred\x1b[0m \x1b[2Kdone") == "red done"
    assert clean("\x1b]0;new title\x07text") == "text"
    assert clean("\x1b]52;c;c2VjcmV0\x1b\\text") == "text"
    assert clean("\x9b31mred\x9d0;title\x9ctext") == "redtext"
    assert clean("\x1bPq#0;2;0;0;0\x1b\\after") == "after"
    assert clean("\x1b(0lqk\x1b(B") == "lqk"
    assert clean("text\x1b]0;never ended") == "text"
    assert clean("50%\r100%\r\n") == "100%"
    assert clean("a\u202egnp.exe") == "agnp.exe"


@settings(deadline=None)
@given(CHUNKS, st.integers(1, 100))
def test_a_ring_holds_exactly_the_last_bytes(chunks, size):
    ring = Ring(size)
    for chunk in chunks:
        ring.write(chunk)
    written = b"".join(chunks)
    assert ring.tail() == written[-size:]
    assert ring.total == len(written)


def test_a_ring_of_many_small_writes_stays_small():
    ring = Ring(1000)
    for number in range(10_000):
        ring.write(b"%d," % number)
    assert ring.tail().endswith(b"9998,9999,")
    assert len(ring.tail()) == 1000
    assert len(ring._chunks) <= 257


@settings(deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8), st.integers(1, 50))
def test_lines_do_not_depend_on_how_the_bytes_arrive(data, places, limit):
    whole, parted = Lines(limit), Lines(limit)
    expected = whole.feed(data) + whole.close()
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    found = [line for start, end in pairwise(ends) for line in parted.feed(data[start:end])]
    assert found + parted.close() == expected
    assert parted.cut == whole.cut


def test_a_line_of_a_megabyte_is_cut_and_counted():
    lines = Lines()
    assert lines.feed(b"x" * (1 << 20)) == []
    assert lines.feed(b"\nnext\n") == ["x" * 8192, "next"]
    assert lines.cut == (1 << 20) - 8192
    assert lines.close() == []


def test_a_character_in_two_halves_is_one_character_and_a_broken_one_is_marked():
    lines = Lines()
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    assert lines.feed(first) + lines.feed(second + b"\n") == ["ä"]
    assert lines.feed(b"a" + first + b"b\n") == ["a\ufffdb"]


def test_a_log_ends_at_its_cap_and_says_so_once(tmp_path):
    path = tmp_path / "deep" / "log.txt"
    log = LogFile(path, cap=100)
    for _ in range(50):
        log.write(b"0123456789abc")
    log.close()
    data = path.read_bytes()
    assert data[:100] == (b"0123456789abc" * 10)[:100]
    assert data[100:].count(b"log ends here") == 1
    assert log.full
    again = LogFile(path, cap=100)
    assert again.full
    again.write(b"more")
    again.close()
    assert path.read_bytes() == data


def test_a_full_disk_ends_the_log_only(tmp_path):
    log = LogFile(tmp_path / "log.txt")
    log._file.close()
    log._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115, PTH123
    log.write(b"data")
    log.write(b"more")
    log.close()
    assert not log.full  # its limit was not what ended it


def test_a_bucket_lets_four_seconds_of_its_rate_through_at_once():
    bucket = Bucket(rate=1000)
    bucket.take(3999, 0.0)
    assert bucket.delay(0.0, 500) == 0
    bucket.take(501, 0.0)
    assert bucket.delay(0.0, 500) == 1.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5_000), st.floats(0, 2)), max_size=40))
def test_a_bucket_never_lets_more_through_than_its_rate_and_burst(steps):
    bucket, now, taken, portion = Bucket(rate=1000, burst=3000), 0.0, 0, 500
    for wanted, pause in steps:
        now += pause
        delay = bucket.delay(now, portion)
        if delay == 0:
            count = min(wanted, portion)
            bucket.take(count, now)
            taken += count
        else:
            assert Bucket.delay(bucket, now + delay + 1e-6, portion) == 0
            now += delay + 1e-6
    assert taken <= 3000 + 1000 * now + portion
