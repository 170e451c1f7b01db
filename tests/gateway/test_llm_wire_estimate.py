"""Estimates are upper bounds: of kinds of content whose tokens were counted, and of conversations that go on."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wire import parsed

from engine.gateway.llm import estimate
from engine.gateway.llm.dialects import content
from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.values import Spend

WORST = {"code": 2.2, "listing": 1.5, "hex": 1.0, "base64": 1.0}
"""Bytes per token, the lowest of five tokenizers."""
_any = random.Random(7)
TEXTS = {
    "code": "def answer(question: str) -> int:\n    return len(question) + 42\n" * 200,
    "listing": "-rw-r--r-- 1 root root 4096 Nov 23 10:00 a.txt\n" * 300,
    "hex": _any.randbytes(9000).hex(),
    "base64": base64.b64encode(_any.randbytes(9000)).decode(),
}


def call(*texts: str, model: str = "m", **more: Any) -> Call:
    roles = ["user", "assistant"] * len(texts)
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return parsed("anthropic", "/v1/messages", {"model": model, "max_tokens": 9, "messages": turns, **more})


@pytest.mark.parametrize("kind", TEXTS)
def test_the_first_estimate_is_above_what_the_worst_tokenizer_counts(kind: str) -> None:
    guess = estimate.first(call(TEXTS[kind]))
    assert guess >= len(TEXTS[kind]) / WORST[kind]
    assert guess <= len(TEXTS[kind]) * 1.02 + 2000


def test_runs_without_a_space_count_a_token_a_byte_and_others_do_not() -> None:
    assert content.dense(b"a" * 199) == 0
    assert content.dense(b"a" * 200) == 200
    assert content.dense(b"x " + b"a" * 300 + b" y " + b"b" * 250 + b'"' + b"c" * 150) == 550
    assert content.dense(b"word " * 1000) == 0


@given(st.lists(st.tuples(st.integers(0, 450), st.sampled_from(list(b' "\\\n\t'))), max_size=40))
def test_runs_are_found_wherever_they_stand(runs: list[tuple[int, int]]) -> None:
    body = b"".join(b"a" * length + bytes([stop]) for length, stop in runs)
    assert content.dense(body) == sum(length for length, _ in runs if length >= content.RUN)


def test_text_beyond_ascii_counts_a_token_a_byte() -> None:
    assert estimate.first(call("漢字" * 500)) - estimate.first(call("")) >= 3000


def test_hidden_tokens_and_images_are_added() -> None:
    plain = call("hello")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9000}}
    turns = [{"role": "user", "content": [image, image]}]
    assert estimate.first(plain) >= content.HIDDEN
    assert 11_000 <= estimate.first(call(messages=turns)) <= 11_300


def test_what_searches_bring_in_is_added_where_they_are_certain_or_were_seen() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    asking = call("hello", tools=[search])
    assert Estimator().tokens("a", asking) == estimate.first(asking) + 16_000
    offering = parsed("openai", "/v1/responses", {"model": "m", "input": [], "tools": [{"type": "web_search"}]})
    known = Estimator()
    assert known.tokens("a", offering) == estimate.first(offering)
    known.learn("a", offering, Spend(input=9000, output=1, searches=1))
    assert known.tokens("a", offering) >= estimate.first(offering) + 8000
    assert known.tokens("b", offering) == estimate.first(offering)


def spent(tokens: int, out: int) -> Spend:
    return Spend(input=tokens // 3, cache_read=tokens - tokens // 3, output=out, model="m")


def test_a_conversation_that_goes_on_is_judged_by_what_it_had() -> None:
    known, opening = Estimator(), call(TEXTS["code"])
    assert known.tokens("a", opening) == estimate.first(opening)
    known.learn("a", opening, spent(3000, 70))
    more = call(TEXTS["code"], "yes", "and " * 50)
    guess = known.tokens("a", more)
    assert 3070 + 200 <= guess <= 3070 + 300
    assert guess < estimate.first(more)


@pytest.mark.parametrize("other", [{"agent": "b"}, {"model": "another"}, {"texts": ("something else",)}])
def test_what_another_agent_model_or_conversation_had_says_nothing(other: dict[str, Any]) -> None:
    known = Estimator()
    known.learn("a", call(TEXTS["code"]), spent(10, 1))
    again = call(*other.get("texts", (TEXTS["code"],)))
    guess = known.tokens(other.get("agent", "a"), again, model=other.get("model", ""))
    assert guess == estimate.first(again)


EDITED: dict[str, Any] = {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
def test_what_a_vendor_may_leave_out_it_may_read_the_next_time(path: str) -> None:
    known = Estimator()
    if path == "/v1/messages":
        edited, kept = call(TEXTS["code"], **EDITED), {"edits": [{"type": "clear_thinking_20251015"}]}
        thoughts = call(TEXTS["code"], context_management=kept)
        known.learn("a", thoughts, spent(10, 1))
        assert known.tokens("a", thoughts) < 100
    else:
        items = [{"role": "user", "content": TEXTS["code"]}]
        edited = parsed("openai", path, {"model": "m", "input": items, "truncation": "auto"})
    known.learn("b", edited, spent(10, 1))
    assert known.tokens("b", edited) == estimate.first(edited)


def test_the_mark_of_the_cache_moves_and_the_message_is_still_the_same() -> None:
    def marked(*texts: str) -> Call:
        blocks = [[{"type": "text", "text": text}] for text in texts]
        blocks[-1][0]["cache_control"] = {"type": "ephemeral"}  # type: ignore[assignment]
        turns = [{"role": "user", "content": block} for block in blocks]
        return parsed("anthropic", "/v1/messages", {"model": "m", "max_tokens": 9, "messages": turns})

    known = Estimator()
    known.learn("a", marked(TEXTS["code"]), spent(3000, 70))
    assert known.tokens("a", marked(TEXTS["code"], "x")) < 3070 + 200


def test_what_a_request_asks_for_anew_brings_a_prompt_that_nobody_sees() -> None:
    known, opening = Estimator(), call(TEXTS["code"])
    known.learn("a", opening, spent(3000, 70))
    for asking in ({"tools": [{"name": "n"}]}, {"tool_choice": {"type": "any"}}, {"thinking": {"type": "disabled"}}):
        assert 4070 <= known.tokens("a", call(TEXTS["code"], **asking)) <= 4070 + 100
    assert known.tokens("a", call(TEXTS["code"], metadata={"user_id": "u"})) <= 3070 + 100


def test_a_worse_ratio_than_expected_is_remembered_and_a_better_one_is_not() -> None:
    known, small = Estimator(), call("hello")
    normal = estimate.first(small)
    known.learn("a", small, spent(3 * normal, 1))
    known.learn("a", small, spent(normal // 3, 1))
    assert known.tokens("a", call("another one")) >= 3 * estimate.first(call("another one"))
    assert known.tokens("b", small) == normal


def test_what_is_not_in_the_bytes_takes_the_whole_window() -> None:
    away = parsed("openai", "/v1/responses", {"model": "m", "input": [], "previous_response_id": "r"})
    known = Estimator()
    assert known.tokens("a", away, window=200_000) == 200_000
    assert known.tokens("a", away) == estimate.WINDOW
    known.learn("a", away, spent(150_000, 1))
    assert known.tokens("a", call("x")) == estimate.first(call("x"))


def test_an_answer_without_a_limit_is_taken_to_be_half_as_long_again_as_the_longest() -> None:
    known = Estimator()
    assert known.answer("m") == 8192
    known.learn("a", call("x"), spent(10, 20_000))
    known.learn("a", call("x"), spent(10, 5))
    assert (known.answer("m"), known.answer("other")) == (30_000, 8192)


turns = st.lists(st.text("ab \n\u00e9\u6f22", max_size=120), min_size=1, max_size=6)


@given(st.lists(turns, min_size=1, max_size=6), st.integers(1, 4))
def test_no_conversation_has_more_than_was_estimated(history: list[list[str]], per: int) -> None:
    """A vendor that counts one token every `per` bytes of messages, and adds some hidden ones."""
    known, texts = Estimator(), ["opening"]
    for added in history:
        texts = [*texts, *added] if len(texts) + len(added) < 20 else ["opening", *added]  # compacted
        now = call(*texts)
        real = sum(len(json.dumps(text, ensure_ascii=False).encode()) for text in texts) // per + 300
        if per > 1:  # a token a byte is above the first estimate, which is for text
            assert known.tokens("a", now) >= min(real, estimate.first(now))
        known.learn("a", now, replace(spent(real, len(texts[-1])), model="m"))
        again = call(*texts, "more")
        assert known.tokens("a", again) >= min(real + 4 // per, estimate.first(again))


def test_only_so_many_conversations_are_remembered() -> None:
    known = Estimator()
    for number in range(5000):
        known.learn("a", call(f"conversation {number}"), spent(10, 1))
    assert known.tokens("a", call("conversation 4999")) < known.tokens("a", call("conversation 1"))
