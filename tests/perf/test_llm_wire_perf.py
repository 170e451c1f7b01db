"""What it costs to read along with an answer, and to understand a request, in CPU time of one core."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from support.wire import CHAT_ASK, EVENTS, SAMPLES, event, gemini_parts, parsed

from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.values import Spend

pytestmark = pytest.mark.perf
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello wor"}}
CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "model": "gpt-5.5",
    "choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}],
    "usage": None,
}
TEXT = {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "delta": "hello", "sequence_number": 4}
STREAMS = {
    "messages": event(DELTA, "content_block_delta"),
    "chat": event(CHUNK),
    "responses": event(TEXT, "response.output_text.delta"),
    "gemini events": event(gemini_parts()[0]),
    "gemini list": b"," + json.dumps(gemini_parts()[0]).encode(),
}


def best(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU time for one, best of five."""
    found = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - began) / times * 1e6)
    return min(found)


@pytest.mark.parametrize("name", STREAMS)
def test_an_event_is_read_in_microseconds(name: str) -> None:
    reading, chunk = SAMPLES[name].reading(), STREAMS[name]
    single = best(lambda: reading.feed(chunk), 4000)
    many = best(lambda: reading.feed(chunk * 50), 80) / 50
    print(f"\n{name}: an event of {len(chunk)} bytes {single:.1f} us alone, {many:.1f} us among 50")
    assert single < (60 if name == "gemini list" else 20)


def test_dropping_an_event_costs_nothing_to_the_others() -> None:
    call = parsed("openai", "/v1/chat/completions", {**CHAT_ASK, "stream_options": None})
    dropping, plain = call.dialect.reading(call, EVENTS), SAMPLES["chat"].reading()
    cost = best(lambda: dropping.feed(STREAMS["chat"]), 4000), best(lambda: plain.feed(STREAMS["chat"]), 4000)
    print(f"\nchat: {cost[0]:.1f} us where one is dropped, {cost[1]:.1f} us where none is")
    assert cost[0] < 3 * cost[1]


def test_a_request_is_understood_estimated_priced_and_changed_within_a_millisecond() -> None:
    line = "    found = [line for line in text.splitlines() if line.startswith(prefix)]\n"
    turn = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": line * 25}]}
    body = {"model": "claude-opus-5", "max_tokens": 32_000, "stream": True, "messages": [turn] * 50}
    raw = json.dumps(body).encode()
    known, prices = Estimator(), Prices()

    def work() -> None:
        call = parsed("anthropic", "/v1/messages", raw)
        tokens = known.tokens("a", call)
        assert prices.most("anthropic", call.model, call, tokens, 32_000)
        call.changed(most_out=16_000)

    call = parsed("anthropic", "/v1/messages", raw)
    known.learn("a", call, Spend(input=30_000, output=100, model="claude-opus-5"))
    cost = best(work, 50)
    print(f"\na request of {len(raw) >> 10} KiB: {cost:.0f} us")
    assert cost < 5000
