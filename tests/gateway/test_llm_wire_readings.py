"""Answers are passed on byte by byte, in whatever portions they come, and what they cost is read from them."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wire import (
    CHAT_ASK,
    CHAT_SPEND,
    EVENTS,
    SAMPLES,
    TEXT,
    WHOLE,
    Sample,
    chat_parts,
    event,
    gemini_parts,
    parsed,
    response_parts,
)

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.reading import Reading
from engine.gateway.llm.values import Spend

ENDINGS = [b"\n", b"\r\n", b"\r"]
STREAMS = [name for name, sample in SAMPLES.items() if sample.headers is EVENTS]
each_sample = pytest.mark.parametrize("name", SAMPLES)


def cut(body: bytes, sizes: list[int]) -> list[bytes]:
    """In portions of these sizes, over and over."""
    parts, at, turn = [], 0, 0
    while at < len(body):
        parts.append(body[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return parts


def read(reading: Reading, parts: list[bytes]) -> bytes:
    return b"".join([*(reading.feed(part) for part in parts), reading.end()])


def told(sample: Sample, reading: Reading) -> None:
    assert (reading.spend, reading.seen, reading.final, reading.error) == (sample.spend, sample.seen, True, "")


@each_sample
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_in_whatever_portions_an_answer_comes_it_passes_unchanged_and_is_counted(name: str, sizes: list[int]) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    assert read(reading, cut(sample.body, sizes)) == sample.body
    told(sample, reading)


@each_sample
def test_an_answer_that_comes_byte_by_byte_is_counted(name: str) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    assert read(reading, cut(sample.body, [1])) == sample.body
    told(sample, reading)


@pytest.mark.parametrize("name", STREAMS)
@given(
    ending=st.sampled_from(ENDINGS),
    size=st.integers(1, 300),
    bom=st.booleans(),
    comment=st.sampled_from([b"", b": keep-alive", b":", b"id: 7", b"retry: 5"]),
    tight=st.booleans(),
    drops=st.booleans(),
)
def test_every_way_to_write_events_is_read(
    name: str, ending: bytes, size: int, bom: bool, comment: bytes, tight: bool, drops: bool
) -> None:
    sample = SAMPLES[name]
    lines = sample.body.replace(b"\r\n", b"\n").split(b"\n")
    lines = [line.replace(b"data: ", b"data:", 1) if tight else line for line in lines]
    body = ending.join(one for line in lines for one in ([comment, line] if comment and line else [line]))
    body = (b"\xef\xbb\xbf" if bom else b"") + body
    call = sample.call(stream_options={"include_usage": not drops}) if name == "chat" else sample.call()
    reading = call.dialect.reading(call, sample.headers)
    out = read(reading, cut(body, [size]))
    told(sample, reading)
    assert out == body or (drops and name == "chat")


@pytest.mark.parametrize("name", STREAMS)
def test_data_of_several_lines_and_a_last_event_without_its_blank_line_are_read(name: str) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    body = sample.body.replace(b"\r\n", b"\n").replace(b', "', b',\ndata: "').removesuffix(b"\n\n")
    assert read(reading, cut(body, [50])) == body
    told(sample, reading)


@each_sample
@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_an_answer_that_comes_packed_passes_packed_and_is_counted(name: str, packing: str) -> None:
    sample = SAMPLES[name]
    packed = gzip.compress(sample.body) if packing == "gzip" else zlib.compress(sample.body)
    reading = sample.reading(**{"Content-Encoding": packing})
    assert read(reading, cut(packed, [7])) == packed
    told(sample, reading)


@each_sample
def test_a_packing_that_is_not_known_passes_and_counts_as_nothing_told(name: str) -> None:
    sample = SAMPLES[name]
    reading = sample.reading(**{"content-encoding": "br"})
    assert read(reading, cut(sample.body, [7])) == sample.body
    assert (reading.spend, reading.final) == (None, False)


@each_sample
def test_packed_nonsense_passes_and_counts_as_nothing_told(name: str) -> None:
    reading = SAMPLES[name].reading(**{"content-encoding": "gzip"})
    assert read(reading, [b"nonsense", b"more"]) == b"nonsensemore"
    assert (reading.spend, reading.final) == (None, False)


@each_sample
@given(at=st.floats(0, 0.97))
def test_an_answer_that_breaks_off_is_never_final(name: str, at: float) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    part = sample.body[: int(len(sample.body) * at)]
    ending = {"messages": b'"output_tokens": 57', "chat": b'"usage": {', "responses": b'"response.completed"'}
    if name in ending and part.find(ending[name]) >= 0:
        part = part[: part.find(ending[name])]
    if name.startswith("gemini"):
        part = part[: part.find(b'"finishReason"')] if b'"finishReason"' in part else part
    assert read(reading, [part]) == part
    assert not reading.final
    held = Spend(input=10_000, output=100, model="m")
    booked = usage.estimated(reading.spend, reading.seen, held)
    assert booked.output >= min(100, reading.seen / 1.5)
    assert booked.output <= max(100, sample.spend.output)


@given(st.binary(max_size=300), st.sampled_from(sorted(SAMPLES)))
def test_whatever_a_vendor_sends_it_passes_unchanged(body: bytes, name: str) -> None:
    for prefix in (b"", b"data: ", b'data: {"choices": [], "usage": ', b"[", b'{"usage": '):
        reading = SAMPLES[name].reading()
        assert read(reading, cut(prefix + body, [9])) == prefix + body


NAMES = [
    "type", "usage", "message", "delta", "choices", "response", "item", "candidates", "usageMetadata", "error", "model",
    "output", "content", "output_tokens", "prompt_tokens", "completion_tokens", "promptTokenCount", "service_tier",
]  # fmt: skip
shapes = st.recursive(
    st.sampled_from([None, True, -1, 0, 7, 1.5, 1e300, 10**30, "", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(NAMES), shapes, max_size=4),
    st.sampled_from(sorted(SAMPLES)),
    st.sampled_from(["", "message_start", "message_delta", "response.completed", "response.created", "message"]),
)
def test_no_shape_of_an_answer_breaks_the_meter(answer: dict[str, object], name: str, kind: str) -> None:
    reading = SAMPLES[name].reading()
    body = event({**answer, **({"type": kind} if kind else {})}) if name in STREAMS else json.dumps(answer).encode()
    assert read(reading, [body]) == body
    spend = reading.spend or Spend()
    assert min(spend.input, spend.output, spend.cache_read, spend.cache_write, spend.searches) >= 0


@each_sample
@pytest.mark.parametrize("lie", [b'"many"', b"-5", b"null", b"1.5", b"true", b"[]", b"1e300"])
def test_a_count_that_is_none_is_not_believed(name: str, lie: bytes) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    body = sample.body
    counts = [b'"input_tokens": 25', b'"output_tokens": 57', b'"output_tokens": 20', b'"prompt_tokens": 900', b'"input_tokens": 900',
              b'"completion_tokens": 70', b'"output_tokens": 70', b'"promptTokenCount": 900', b'"candidatesTokenCount": 50',
              b'"candidatesTokenCount": 30', b'"candidatesTokenCount": 3', b'"thoughtsTokenCount": 20',
              b'"thoughtsTokenCount": 10', b'"output_tokens": 1', b'"toolUsePromptTokenCount": 40',
              b'"cachedContentTokenCount": 500', b'"cache_read_input_tokens": 7000', b'"cached_tokens": 500',
              b'"cache_creation_input_tokens": 400', b'_input_tokens": 300', b'_input_tokens": 100']  # fmt: skip
    for one in counts:
        body = body.replace(one, one[: one.rindex(b" ") + 1] + lie)
    assert read(reading, cut(body, [33])) == body
    assert not reading.final


def test_an_answer_with_text_and_no_output_tokens_is_not_believed() -> None:
    sample = SAMPLES["responses"]
    body = sample.body.replace(b'"output_tokens": 70', b'"output_tokens": 0')
    reading = sample.reading()
    read(reading, [body])
    assert not reading.final


def test_an_answer_that_tells_less_than_its_text_can_have_counts_as_the_least_it_can() -> None:
    for told, booked, doubtful in ((10, 1000, True), (999, 1000, True), (1000, 1000, False), (3000, 3000, False)):
        reading = SAMPLES["responses"].reading()
        said = {"type": "response.output_text.delta", "delta": "x" * 16_000}
        last = {"type": "response.completed", "response": {"usage": {"input_tokens": 5, "output_tokens": told}}}
        read(reading, [event(said), event(last)])
        assert (reading.final, reading.doubtful) == (True, doubtful)
        assert reading.spend is not None
        assert reading.spend.output == booked


def test_signatures_and_images_are_no_text() -> None:
    parts = [
        {"text": "hello", "thoughtSignature": "A" * 9000},
        {"inlineData": {"mimeType": "image/png", "data": "A" * 9000}},
    ]
    reading = SAMPLES["gemini whole"].reading()
    read(reading, [json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode()])
    assert reading.seen == 5


def test_the_usage_chunk_that_was_asked_for_behind_its_back_does_not_reach_the_agent() -> None:
    call = parsed("openai", "/v1/chat/completions", {**CHAT_ASK, "stream_options": None})
    body, without = b"".join(chat_parts()), chat_parts()
    without.pop(-2)
    for sizes in ([1], [10], [100], [10_000]):
        reading = call.dialect.reading(call, EVENTS)
        assert read(reading, cut(body, sizes)) == b"".join(without)
        assert (reading.spend, reading.final) == (CHAT_SPEND, True)


def test_an_agent_that_asked_for_usage_gets_it() -> None:
    call = parsed("openai", "/v1/chat/completions", CHAT_ASK)
    body = b"".join(chat_parts())
    assert read(call.dialect.reading(call, EVENTS), cut(body, [10])) == body


def test_events_are_passed_on_as_soon_as_they_are_whole_where_one_may_be_dropped() -> None:
    call = parsed("openai", "/v1/chat/completions", {**CHAT_ASK, "stream_options": None})
    reading = call.dialect.reading(call, EVENTS)
    parts = chat_parts()
    assert [reading.feed(part) for part in parts[:-2]] == parts[:-2]


def test_usage_in_a_chunk_with_text_is_not_dropped() -> None:
    call = parsed("openai", "/v1/chat/completions", {**CHAT_ASK, "stream_options": None})
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
    body = event({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 1}})
    reading = call.dialect.reading(call, EVENTS)
    assert read(reading, [body]) == body
    assert reading.final


def test_usage_that_comes_with_every_chunk_is_final_only_with_the_last() -> None:
    call = parsed("openai", "/v1/chat/completions", CHAT_ASK)
    reading = call.dialect.reading(call, EVENTS)
    for tokens in (1, 2):
        choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
        reading.feed(event({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": tokens}}))
        assert not reading.final
    choice = {"index": 0, "delta": {}, "finish_reason": "length"}
    reading.feed(event({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}))
    assert reading.final
    assert reading.spend is not None
    assert reading.spend.output == 3


def test_one_event_larger_than_what_is_kept_passes_and_later_ones_are_read() -> None:
    sample, reading = SAMPLES["messages"], SAMPLES["messages"].reading()
    huge = b"data: " + b"x" * (17 << 20) + b"\n\n"
    parts = cut(huge, [1 << 16])
    assert sum(len(reading.feed(part)) for part in parts) == len(huge)
    assert read(reading, [sample.body]) == sample.body
    told(sample, reading)


@pytest.mark.parametrize("last", ["response.completed", "response.incomplete", "response.failed"])
def test_the_use_of_a_response_is_told_however_it_ended(last: str) -> None:
    sample, reading = SAMPLES["responses"], SAMPLES["responses"].reading()
    parts = response_parts(last)
    if last == "response.failed":
        parts[-1]["response"]["error"] = {"code": "server_error", "message": "it broke"}
    read(reading, [event(part, part["type"]) for part in parts])
    assert (reading.spend, reading.final) == (sample.spend, True)
    assert reading.error == ("it broke" if last == "response.failed" else "")


@pytest.mark.parametrize(
    ("name", "broken", "why"),
    [
        ("messages", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "Overloaded"),
        ("chat", {"error": {"message": "The server had an error", "type": "server_error"}}, "The server had an error"),
        ("responses", {"type": "error", "code": "server_error", "message": "it broke"}, "it broke"),
        ("gemini events", {"error": {"code": 503, "message": "", "status": "UNAVAILABLE"}}, "503"),
    ],
)
def test_an_error_in_the_middle_of_a_good_stream_is_seen_with_the_use_so_far(
    name: str, broken: dict[str, object], why: str
) -> None:
    sample, reading = SAMPLES[name], SAMPLES[name].reading()
    begun = sample.body.split(b"message_delta")[0].split(b'data: {"id": "c1", "object": "chat.completion.chunk"')[0]
    begun = begun[: begun.rfind(b"\n\n") + 2] if name == "messages" else b""
    read(reading, [begun, event(broken)])
    assert (reading.error, reading.final) == (why, False)
    assert (reading.spend is not None) == (name == "messages")


def test_a_whole_error_is_seen() -> None:
    for name, sample in SAMPLES.items():
        reading = sample.call().dialect.reading(sample.call(), WHOLE)
        body = json.dumps({"type": "error", "error": {"type": "t", "message": "no"}}).encode()
        assert read(reading, [body]) == body
        assert (name, reading.error, reading.spend) == (name, "no", None)


def test_what_an_agent_left_has_cost_is_what_was_told_and_the_bytes_that_were_seen() -> None:
    reading = SAMPLES["messages"].reading()
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 300}}
    reading.feed(SAMPLES["messages"].body.split(b"event: ping")[0] + event(text))
    held = Spend(input=9000, output=1000, model="claude-opus-5")
    booked = usage.estimated(reading.spend, reading.seen, held)
    assert (booked.input, booked.cache_read, booked.cache_write, booked.output) == (25, 7000, 400, 200)
    assert usage.estimated(None, 0, held) == held
    assert usage.estimated(reading.spend, 10**6, held).output == 1000


def test_passes_beside_the_message_itself_are_billed_beside_it() -> None:
    passes = [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 10},
        {"type": "message", "input_tokens": 20, "output_tokens": 5},
    ]
    told = usage.anthropic({"input_tokens": 20, "output_tokens": 5, "iterations": passes}, "m")
    assert (told.input, told.output, told.cache_read) == (1020, 55, 10)


def test_speed_place_and_searches_are_read() -> None:
    told = {
        "input_tokens": 1,
        "output_tokens": 1,
        "service_tier": "standard",
        "server_tool_use": {"web_search_requests": 3},
    }
    assert usage.anthropic(told, "m").searches == 3
    assert usage.anthropic({**told, "speed": "fast"}, "m").tier == "fast"
    assert usage.anthropic({**told, "speed": "fast", "inference_geo": "us"}, "m").tier == "fast+us"
    assert usage.anthropic({**told, "inference_geo": "global"}, "m").tier == "standard"


@pytest.mark.parametrize(
    ("asked", "told", "tier"),
    [
        ("", {}, ""),
        ("flex", {}, "flex"),
        ("priority", {"trafficType": "ON_DEMAND"}, "priority"),
        ("flex", {"trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ("", {"trafficType": "PROVISIONED_THROUGHPUT"}, ""),
        ("", {"serviceTier": "STANDARD"}, "standard"),
    ],
)
def test_the_tier_of_gemini_is_the_one_that_is_told_or_else_the_one_asked_for(
    asked: str, told: dict[str, str], tier: str
) -> None:
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    call = parsed("gemini", path, {"contents": [], **({"serviceTier": asked} if asked else {})})
    reading = call.dialect.reading(call, WHOLE)
    counted = {"promptTokenCount": 5, "candidatesTokenCount": 1, **told}
    read(reading, [json.dumps({"candidates": [{"finishReason": "STOP"}], "usageMetadata": counted}).encode()])
    assert reading.spend is not None
    assert (reading.spend.tier, reading.final) == (tier, True)


def test_more_from_the_cache_than_there_was_is_not_possible() -> None:
    told = usage.openai(
        {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}, "m", "", 0
    )
    assert (told.input, told.cache_read) == (0, 10)
    told = usage.gemini({"promptTokenCount": 10, "cachedContentTokenCount": 99}, "m", "", 0)
    assert (told.input, told.cache_read) == (0, 10)


def test_the_compaction_of_a_conversation_is_counted() -> None:
    call = parsed("openai", "/v1/responses/compact", {"model": "gpt-5.5", "input": []})
    body = {"object": "response.compaction", "output": [], "usage": {"input_tokens": 70, "output_tokens": 7}}
    reading = call.dialect.reading(call, WHOLE)
    read(reading, [json.dumps(body).encode()])
    assert (reading.spend, reading.final) == (Spend(input=70, output=7, model="gpt-5.5"), True)


def test_the_last_count_of_a_list_is_the_right_one_and_is_known_before_the_list_ends() -> None:
    sample, reading = SAMPLES["gemini list"], SAMPLES["gemini list"].reading()
    first = json.dumps(gemini_parts()[0]).encode()
    reading.feed(b"[" + first)
    assert reading.spend is not None
    assert (reading.spend.output, reading.final) == (13, False)
    assert reading.seen == len(TEXT.encode())
    assert replace(reading.spend, output=70, reasoning=20, searches=2) == sample.spend
