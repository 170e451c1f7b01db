from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import event, events

from engine.core.events import decode, encode
from engine.journal import chain
from engine.journal.chain import GENESIS, ORIGIN, BrokenLine, Head


def sealed(count: int) -> list[bytes]:
    lines, prev = [], GENESIS
    for item in events(1, count):
        line, prev = chain.seal(encode(item), prev)
        lines.append(line)
    return lines


def test_a_line_is_the_event_with_two_more_fields():
    line, digest = chain.seal(encode(event(1)), GENESIS)
    fields = json.loads(line)
    assert fields.pop("prev") == GENESIS
    assert fields.pop("hash") == digest
    assert fields == json.loads(encode(event(1)))
    assert decode(line) == event(1)


def test_the_hash_is_that_of_the_line_without_its_hash_field():
    line, digest = chain.seal(encode(event(1)), GENESIS)
    without = line.replace(b',"hash":"' + digest.encode() + b'"', b"").removesuffix(b"\n")
    assert sha256(without).hexdigest() == digest


def test_lines_follow_each_other():
    head = ORIGIN
    for line in sealed(5):
        head = chain.check(line, head)
    assert head.seq == 5


def test_every_flipped_bit_of_a_line_is_noticed():
    first, line = sealed(2)
    before = chain.check(first, ORIGIN)
    for bit in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BrokenLine):
            chain.check(bytes(flipped), before)


def test_every_flipped_bit_but_in_prev_is_noticed_from_the_line_alone():
    line = sealed(1)[0]
    for bit in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BrokenLine):
            chain.check(bytes(flipped), None)


@pytest.mark.parametrize(("good", "wrong"), [([], 1), ([0], 2), ([0], 0), ([0, 1], 0)])
def test_a_line_out_of_its_place_is_noticed(good, wrong):
    lines, head = sealed(3), ORIGIN
    for index in good:
        head = chain.check(lines[index], head)
    with pytest.raises(BrokenLine):
        chain.check(lines[wrong], head)


def test_a_wrong_seq_is_noticed_though_the_hash_fits():
    line, _ = chain.seal(encode(event(7)), GENESIS)
    with pytest.raises(BrokenLine, match="seq 7 follows seq 0"):
        chain.check(line, ORIGIN)


@pytest.mark.parametrize("text", [b"", b"\n", b"{}\n", b"x" * 400 + b"\n", bytes(400)])
def test_what_is_no_line_is_refused(text):
    with pytest.raises(BrokenLine):
        chain.check(text, None)


@given(st.integers(2, 10**12), st.integers(1, 10**12))
def test_the_batch_can_be_read_back(seq, first):
    line, _ = chain.seal(chain.mark(encode(event(seq)), first), GENESIS)
    assert chain.batch_of(line) == first
    assert chain.seq_of(line) == seq
    assert decode(line) == event(seq)


def test_a_line_without_a_batch_began_its_own():
    line, _ = chain.seal(encode(event(9)), GENESIS)
    assert chain.batch_of(line) == 9


def test_a_batch_in_somebodys_text_counts_for_nothing():
    line, _ = chain.seal(encode(event(9, text='","batch":1,"prev":"')), GENESIS)
    assert chain.batch_of(line) == 9


def test_check_gives_the_head():
    line, digest = chain.seal(encode(event(1)), GENESIS)
    assert chain.check(line, ORIGIN) == Head(1, digest)
