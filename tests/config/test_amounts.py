"""Budgets as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.amounts import BadAmount, parse, show
from engine.core.values import Amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5usd", Amount(usd="5")),
        ("0.50usd", Amount(usd="0.5")),
        (" 5 USD ", Amount(usd="5")),
        ("007usd", Amount(usd="7")),
        ("100usd", Amount(usd="100")),
        ("200ktok", Amount(tokens=200_000)),
        ("1.5mtok", Amount(tokens=1_500_000)),
        ("0.001ktok", Amount(tokens=1)),
        ("12tok", Amount(tokens=12)),
    ],
)
def test_what_is_written_is_what_is_meant(text, amount):
    assert parse(text) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", '"5" is no amount; write it like "5usd", "200ktok" or "1.5mtok"'),
        ("-5usd", '"-5usd" is no amount; write it like "5usd", "200ktok" or "1.5mtok"'),
        ("0usd", '"0usd" is nothing; leave the budget out or write more than 0'),
        ("0.0ktok", '"0.0ktok" is nothing; leave the budget out or write more than 0'),
        ("1.5tok", '"1.5tok" is no whole number of tokens'),
        ("1.2345ktok", '"1.2345ktok" is no whole number of tokens'),
    ],
)
def test_what_is_no_amount_is_refused_with_the_way_out(text, reason):
    with pytest.raises(BadAmount) as refused:
        parse(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "text", ["", "usd", "1e3usd", "5 eur", "\u0665usd", "1,5usd", ".5usd", "5.usd", "9" * 400 + "usd"]
)
def test_near_misses_are_refused(text):
    with pytest.raises(BadAmount):
        parse(text)


def test_amounts_are_shown_as_they_are_written():
    assert show(Amount(usd="5.00")) == "5usd"
    assert show(Amount(tokens=1_500_000)) == "1.5mtok"
    assert show(Amount(tokens=1234)) == "1.234ktok"
    assert show(Amount(tokens=999)) == "999tok"
    assert show(Amount(usd="0.1", tokens=20)) == "0.1usd and 20tok"
    assert show(Amount()) == "unlimited"


@given(st.integers(min_value=1, max_value=10**14))
def test_tokens_come_back_exactly(tokens):
    assert parse(show(Amount(tokens=tokens))) == Amount(tokens=tokens)


@given(st.decimals(min_value="0.000001", max_value=10**9, places=6))
def test_money_comes_back_exactly(money):
    shown = parse(show(Amount(usd=str(money))))
    assert shown.usd is not None
    assert Decimal(shown.usd) == money


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        amount = parse(text)
    except BadAmount:
        return
    assert (amount.usd is None) != (amount.tokens is None)
