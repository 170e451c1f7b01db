"""Bodies of requests, however they arrive: what is sent on has one reading."""

import asyncio
import re
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.gateway.bodies import Incoming
from engine.gateway.errors import BadRequest
from engine.gateway.heads import CHUNKED

CANONICAL = re.compile(rb"(?s)(?:[1-9a-f][0-9a-f]*\r\n.*\r\n)*0\r\n\r\n")


def sent_on(length, *sent):
    """What is sent on of a body that arrives in these portions, the first of them with the head."""

    async def scenario():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(0)
            theirs.sendall(b"".join(sent[1:]))
            theirs.shutdown(socket.SHUT_WR)
            return b"".join([part async for part in Incoming(ours, sent[0]).portions(length)])

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sent", "on"),
    [
        (b"0\r\n\r\n", b"0\r\n\r\n"),
        (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"00A;x=y\r\n0123456789\r\n000\r\nX: y\r\n\r\nmore", b"a\r\n0123456789\r\n0\r\n\r\n"),
        (b"2 \r\n\r\n\r\n0\r\n\r\n", b"2\r\n\r\n\r\n0\r\n\r\n"),
    ],
)
def test_chunks_have_one_form(sent, on):
    for cut in range(len(sent)):
        assert sent_on(CHUNKED, sent[:cut], sent[cut:]) == on


BAD = [
    b"",
    b"3",
    b"3\r\nab",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"3\nabc\n0\n\n",
    b"\r\n",
    b"-1\r\n",
    b"+3\r\nabc\r\n0\r\n\r\n",
]
BAD += [b"0x3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n", b"0\r\nX: y\r\n", b"1" * 16 + b"\r\n", b" 3\r\nabc\r\n0\r\n\r\n"]
BAD += [
    b"3;\x00\r\nabc\r\n0\r\n\r\n",
    b"3;" + b"x" * 20_000,
    b"0\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
    b"3 x\r\nabc\r\n",
]


@pytest.mark.parametrize("sent", BAD)
def test_what_is_no_chunk_is_refused(sent):
    with pytest.raises(BadRequest):
        sent_on(CHUNKED, b"", sent)


def test_a_length_is_kept_to():
    assert sent_on(5, b"12", b"345678") == b"12345"
    assert sent_on(2, b"123", b"45") == b"12"
    assert sent_on(0, b"GET", b"") == b""
    with pytest.raises(BadRequest):
        sent_on(5, b"12", b"34")


PIECES = st.sampled_from([b"0", b"3", b"a", b"\r\n", b"\n", b"\r", b";", b" ", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n"])


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join), st.integers(0, 50))
def test_any_bytes_have_one_form_or_are_refused(sent, cut):
    try:
        on = sent_on(CHUNKED, sent[:cut], sent[cut:])
    except BadRequest:
        return
    assert CANONICAL.fullmatch(on)
    assert sent_on(CHUNKED, on, b"") == on
