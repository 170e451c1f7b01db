"""Header lines between agents and vendors: what passes, what never does; addresses; models that a tier admits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm import heads
from engine.gateway.llm.lanes import Lane, Target, targets
from engine.gateway.llm.tiers import ladder
from engine.gateway.llm.upstreams import address
from engine.gateway.llm.values import Upstream
from engine.gateway.llm.web import called

TOKEN, KEY = "qd-token", "sk-test-key"


def upstream(kind="anthropic", *, name="", url="https://v.example", plan=False):
    return Upstream(name=name or kind, kind=kind, url=url, key=None if plan else lambda: KEY, plan=plan)


NAME = st.sampled_from(
    [
        "x-api-key",
        "Authorization",
        "X-Goog-Api-Key",
        "api-key",
        "connection",
        "x-a",
        "X-B",
        "cookie",
        "te",
        "host",
        "Expect",
        "upgrade",
        "content-length",
        "Transfer-Encoding",
        "content-encoding",
        "proxy-authorization",
    ]
)
VALUE = st.one_of(st.sampled_from([TOKEN, f"Bearer {TOKEN}", f"x{TOKEN}y", "x-a, X-B", "close", KEY]), st.text())
LINES = st.lists(st.tuples(NAME, VALUE), max_size=8)


@given(LINES, st.sampled_from(["anthropic", "openai", "gemini"]), st.booleans())
def test_a_token_never_goes_up_and_no_line_is_of_this_connection_or_in_two_lines(lines, kind, plan):
    sent = heads.upwards(lines, upstream(kind, plan=plan), TOKEN, "" if plan else KEY)
    names = [name.lower() for name, _ in sent]
    assert all(TOKEN not in value for _, value in sent)
    assert not {"connection", "te", "host", "cookie", "expect", "upgrade", "content-length"} & set(names)
    assert not {"transfer-encoding", "proxy-authorization"} & set(names)
    assert not any(letter in value for _, value in sent for letter in "\r\n\0")
    assert names.count("accept-encoding") == 1
    if not plan:
        of_keys = [value for name, value in sent if name.lower() in {"x-api-key", "authorization", "x-goog-api-key"}]
        assert of_keys in ([KEY], [f"Bearer {KEY}"])


@given(LINES)
def test_a_key_never_comes_down(lines):
    assert all(KEY not in value for _, value in heads.downwards(lines, KEY))


def test_bytes_that_are_no_text_are_left_out_and_letters_of_all_languages_stay():
    lines = [("x-a", "a\udcff"), ("x-b", "naïve ☕"), ("x-c", "a\x1b[2J")]
    assert heads.downwards(lines, "") == [("x-b", "naïve ☕")]


def test_an_answer_leads_nobody_elsewhere_and_leaves_nothing_behind():
    lines = [("Location", "http://evil"), ("Set-Cookie", "a=b"), ("alt-svc", "h3"), ("request-id", "r1")]
    assert heads.downwards(lines, "") == [("request-id", "r1")]


@pytest.mark.parametrize(
    ("lines", "query", "found"),
    [
        ([("X-Api-Key", " t ")], "", ["t"]),
        ([("authorization", "Bearer t"), ("x-goog-api-key", "u")], "key=v%20w&a=b", ["t", "u", "v w"]),
        ([("authorization", "t")], "keys=1&key", ["", ""]),
    ],
)
def test_tokens_are_seen_where_vendors_look_for_keys(lines, query, found):
    assert heads.shown(lines, query) == found


def test_a_key_in_the_query_goes_no_further():
    assert heads.without_key("alt=sse&key=secret&a=b&key=") == "alt=sse&a=b"


@pytest.mark.parametrize("shown", ["", "T", "t ", "tt", "\udcff"])
def test_no_other_token_is_as_good(shown):
    assert not Lane(token="t").admits([shown])
    assert not Lane(token="").admits([shown])


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("/anthropic/v1/messages?beta=true", ("", "anthropic", "/v1/messages", "beta=true")),
        ("/as/tok/openai/v1/responses", ("tok", "openai", "/v1/responses", "")),
        ("/as/tok", ("tok", "", "", "")),
        ("/as//a/b", ("", "a", "/b", "")),
        ("/", ("", "", "", "")),
        ("*", ("", "*", "", "")),
        ("//evil.example/v1/messages", ("", "", "/evil.example/v1/messages", "")),
        ("http://evil.example/anthropic/v1/messages", ("", "http:", "//evil.example/anthropic/v1/messages", "")),
    ],
)
def test_a_path_is_taken_apart_as_it_came(raw, parts):
    found = called(raw)
    assert (found.token, found.name, found.path, found.query) == parts


@pytest.mark.parametrize(
    ("url", "path", "plan", "found"),
    [
        ("https://a/", "/v1/messages", False, "https://a/v1/messages"),
        ("https://a/v1", "/v1/responses", False, "https://a/v1/responses"),
        ("https://a/v1beta/", "/v1beta/models/m:generateContent", False, "https://a/v1beta/models/m:generateContent"),
        ("https://c/codex", "/v1/responses", True, "https://c/codex/responses"),
        ("https://a/v10", "/v1/responses", False, "https://a/v10/v1/responses"),
    ],
)
def test_a_version_is_in_an_address_once(url, path, plan, found):
    assert address(upstream("openai", url=url, plan=plan), path) == found


TABLE = {"small": "claude-haiku-5-5", "standard": "claude-sonnet-5-5", "large": "claude-opus-5-5"}


@pytest.mark.parametrize(
    ("tier", "model", "asked", "sent"),
    [
        ("small", "", "claude-haiku-5-5", "claude-haiku-5-5"),
        ("small", "", "claude-sonnet-5-5", "claude-haiku-5-5"),
        ("standard", "", "claude-haiku-5-5-20261001", "claude-haiku-5-5-20261001"),
        ("standard", "", "claude-opus-5-5@latest", "claude-sonnet-5-5"),
        ("large", "", "claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("small", "mine", "claude-opus-5-5", "mine"),
        ("small", "mine", "claude-haiku-5-5", "claude-haiku-5-5"),
        ("", "", "anything", "anything"),
        ("", "mine", "anything", "mine"),
    ],
)
def test_an_agent_gets_what_its_tier_admits(tier, model, asked, sent):
    assert ladder(TABLE, tier, model).choose(asked) == sent


def test_fallbacks_are_of_the_same_kind_each_once_and_never_a_plan():
    first, spare = upstream(name="a"), upstream(name="b")
    ways = {"a": first, "b": spare, "p": upstream(name="p", plan=True), "o": upstream("openai", name="o")}
    lane = Lane(token="t", fallback=("b/m", "m", "p/m", "o/m", "org/model", "n", "b/m"))
    found = [target.name for target in targets(Target(first, "m"), lane, ways)]
    assert found == [("a", "m"), ("b", "m"), ("a", "org/model"), ("a", "n")]
    assert targets(Target(ways["p"], "m"), lane, ways) == (Target(ways["p"], "m"),)
