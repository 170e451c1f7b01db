"""Streams are taken apart into events and objects, with a limit to what is kept of one of them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm.dialects.objects import Objects
from engine.gateway.llm.sse import Events

SMALL = b"data: 12345678\n\n"


def portions(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@given(
    st.binary(max_size=200).map(lambda body: body.replace(b"x", b"\r\n").replace(b"y", b"data: ")), st.integers(1, 20)
)
def test_the_events_of_a_stream_are_all_its_bytes(body: bytes, size: int) -> None:
    events = Events(longest=64)
    found = [event.raw for part in portions(body, size) for event in events.feed(part)]
    last = events.end()
    assert b"".join([*found, *([last.raw] if last else [])]) == body
    assert events.end() is None


def test_what_was_read_before_does_not_count_against_one_event() -> None:
    events = Events(longest=40)
    assert [event.data for part in [SMALL] * 50 for event in events.feed(part)] == [b" 12345678\n"] * 50


def test_an_event_that_is_too_long_is_handed_out_unread_and_what_follows_is_read() -> None:
    events = Events(longest=40)
    long = b"data: " + b"[" * 500 + b"\n\n"
    found = [event for part in portions(long + SMALL, 30) for event in events.feed(part)]
    assert b"".join(event.raw for event in found) == long + SMALL
    assert found[-1].data == b" 12345678\n"
    assert max(len(event.raw) for event in found) <= 80


texts = st.text('{}[]"\\,: a\u00e9', max_size=12)
objects = st.dictionaries(texts, texts | st.dictionaries(texts, texts, max_size=2), max_size=3)


@given(st.lists(objects, max_size=4), st.integers(1, 30), st.sampled_from([None, 1]), st.booleans())
def test_each_object_of_a_list_is_found(
    values: list[dict[str, object]], size: int, indent: int | None, plain: bool
) -> None:
    splitter = Objects()
    body = json.dumps(values, indent=indent, ensure_ascii=plain).encode()
    found = [json.loads(event.data) for part in portions(body, size) for event in splitter.feed(part)]
    assert found == values


@given(st.binary(max_size=200), st.integers(1, 20))
def test_nonsense_is_split_without_harm(body: bytes, size: int) -> None:
    splitter = Objects(longest=20)
    for part in portions(body.replace(b"x", b"{").replace(b"y", b"}"), size):
        list(splitter.feed(part))
    assert splitter.end() is None


def test_an_object_that_is_too_long_is_not_read_and_the_next_one_is() -> None:
    splitter = Objects(longest=40)
    body = b'[{"a": "' + b"x" * 100 + b'"}, {"b": 1}]'
    assert [event.data for part in portions(body, 10) for event in splitter.feed(part)] == [b"", b'{"b": 1}']
