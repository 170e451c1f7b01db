"""`result.json`: what a program says of its own work, read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.values import Tokens
from engine.messages.errors import ResultRefused
from engine.messages.result import Result, parse_result


def parse(**fields: object) -> Result:
    return parse_result(json.dumps(fields).encode())


def test_a_whole_result_is_read():
    usage = {"input": 1, "output": 2, "cache_read": 3, "cache_write": 4, "usd": "0.1250"}
    result = parse(
        outcome="blocked",
        summary="s",
        confidence=1,
        usage=usage,
        plan={"task": [{"id": "a", "anything": [1]}]},
        review={"verdict": "reject", "remarks": "no"},
    )
    assert (result.outcome, result.summary, result.confidence) == ("blocked", "s", 1.0)
    assert result.usage.tokens == Tokens(input=1, output=2, cache_read=3, cache_write=4)
    assert result.usage.usd == "0.125"
    assert result.plan == {"task": [{"id": "a", "anything": [1]}]}
    assert result.review is not None
    assert result.review.verdict == "reject"


def test_an_empty_result_claims_success_and_spent_nothing():
    assert parse() == Result(outcome="done")
    assert parse().usage.usd == "0"


@pytest.mark.parametrize(
    ("given", "held"), [(0.1, "0.1"), (2, "2"), ("1e-3", "0.001"), (0, "0"), ("10", "10"), (1e-7, "0.0000001")]
)
def test_money_is_held_as_a_decimal_string(given, held):
    assert parse(usage={"usd": given}).usage.usd == held


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"outcome": "verified"}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": -0.1}, "confidence"),
        ({"confidence": "1"}, "confidence"),
        ({"usage": {"input": -1}}, "usage.input"),
        ({"usage": {"input": 1.5}}, "usage.input"),
        ({"usage": {"input": True}}, "usage.input"),
        ({"usage": {"input": 10**16}}, "usage.input"),
        ({"usage": {"tokens": 1}}, "usage.tokens"),
        ({"usage": {"usd": -1}}, "usage.usd"),
        ({"usage": {"usd": "NaN"}}, "usage.usd"),
        ({"usage": {"usd": "1e1000"}}, "usage.usd"),
        ({"usage": {"usd": "five"}}, "usage.usd"),
        ({"usage": {"usd": True}}, "usage.usd"),
        ({"usage": {"usd": [1]}}, "usage.usd"),
        ({"plan": []}, "plan"),
        ({"review": {}}, "review.verdict"),
        ({"review": {"verdict": "maybe"}}, "review.verdict"),
        ({"summary": 7}, "summary"),
        ({"tests": "passed"}, "tests"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(fields, field):
    with pytest.raises(ResultRefused) as caught:
        parse(**fields)
    assert caught.value.field == field


@given(st.binary() | st.text().map(str.encode))
def test_whatever_the_bytes_only_a_result_or_a_refusal_comes_out(data):
    try:
        parse_result(data)
    except ResultRefused as refused:
        told = refused.reason
    else:
        told = "taken"
    assert told


def test_money_with_a_huge_exponent_costs_nothing():
    for usd in ("1e-999999999", "1e-999999", "1e999999999", "0e999999", "0e-999999"):
        try:
            held = parse(usage={"usd": usd}).usage.usd
        except ResultRefused:
            held = ""
        assert len(held) < 50
