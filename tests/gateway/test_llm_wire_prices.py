"""What a request costs: the class, the age, the tier and the size decide, and an unknown price is never nothing."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import calc_price
from genai_prices.types import Usage
from hypothesis import given
from hypothesis import strategies as st
from support.wire import parsed

from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.values import Kind, Spend

TODAY = dt.date(2026, 11, 23)
M = 1_000_000


def prices(overrides: dict[str, Any] | None = None, today: dt.date = TODAY) -> Prices:
    return Prices(overrides, today=lambda: today)


def usd(kind: Kind, spend: Spend, of: Prices | None = None) -> Decimal:
    found = (of or prices()).of(kind, spend)
    assert found is not None
    return found[0]


def messages(**more: Any) -> Call:
    return parsed("anthropic", "/v1/messages", {"model": "claude-opus-5", "max_tokens": 9, "messages": [], **more})


def marked(**mark: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", **mark}}]


def test_reads_and_both_ages_of_writes_have_prices_of_their_own() -> None:
    spend = Spend(input=M, output=M, cache_read=M, cache_write=2 * M, long_write=M, model="claude-opus-5")
    found = prices().of("anthropic", spend)
    assert found == (Decimal(5) + 25 + Decimal("0.5") + Decimal("6.25") + 10, found[1] if found else "")
    assert found is not None
    assert found[1].startswith("genai-prices ")


def test_searches_are_billed_by_the_piece() -> None:
    assert usd("anthropic", Spend(searches=3, model="claude-opus-5")) == Decimal("0.03")
    assert usd("gemini", Spend(searches=2, model="gemini-2.5-pro")) == Decimal("0.07")


def test_above_its_step_the_whole_request_has_the_higher_price() -> None:
    assert usd("openai", Spend(input=272_000, model="gpt-5.5")) == Decimal("1.36")
    assert usd("openai", Spend(input=272_001, model="gpt-5.5")) == Decimal("2.72001")
    assert usd("openai", Spend(input=1, cache_read=272_000, model="gpt-5.5")) == Decimal("0.27201")
    assert usd("gemini", Spend(input=200_001, output=M, model="gemini-2.5-pro")) == Decimal("15.5000025")


def test_the_tier_that_the_answer_names_is_what_is_paid() -> None:
    spend = Spend(input=M // 10, model="gpt-5.5")
    by_tier = {
        tier: usd("openai", Spend(input=M // 10, model="gpt-5.5", tier=tier))
        for tier in ("default", "flex", "priority")
    }
    assert by_tier == {"default": usd("openai", spend), "flex": usd("openai", spend) / 2, "priority": Decimal("1.25")}
    assert usd("anthropic", Spend(output=M, model="claude-opus-5", tier="fast")) == 50
    assert usd("anthropic", Spend(output=M, model="claude-opus-5", tier="standard")) == 25
    assert usd("anthropic", Spend(output=M, model="claude-opus-5", tier="us")) == Decimal("27.5")
    assert usd("anthropic", Spend(output=M, model="claude-opus-5", tier="fast+us")) == 55


@pytest.mark.parametrize(("kind", "model", "provider"), [
    ("anthropic", "claude-opus-5", "anthropic"), ("anthropic", "claude-sonnet-4-5-20250929", "anthropic"),
    ("openai", "gpt-5.5-2026-04-23", "openai"), ("openai", "gpt-6-sol", "openai"), ("gemini", "gemini-2.5-pro", "google"),
    ("gemini", "gemini-3.8-flash", "google"),
])  # fmt: skip
@given(
    st.integers(0, 300_000),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.integers(0, 50_000),
    st.integers(0, 50_000),
)
def test_sums_are_those_of_the_library(
    kind: Kind, model: str, provider: str, read: int, fresh: int, short: int, long: int, output: int
) -> None:
    short, long = (short, long) if kind == "anthropic" else (short if model == "gpt-6-sol" else 0, 0)
    spend = Spend(input=fresh, output=output, cache_read=read, cache_write=short + long, long_write=long, model=model)
    usage = Usage(
        input_tokens=fresh + read + short + long, output_tokens=output, cache_read_tokens=read,
        cache_write_tokens=short + long, cache_write_1h_tokens=long,
    )  # fmt: skip
    at = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    assert usd(kind, spend) == calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price


def test_a_price_that_nobody_knows_is_none() -> None:
    assert prices().of("openai", Spend(input=1, model="scripted-1")) is None
    assert prices().most("openai", "scripted-1", messages(), 10, 10) is None
    assert prices().of("openai", Spend(input=1)) is None
    assert prices().of("openai", Spend(input=1, model="moderation-latest")) is None


def test_an_answer_by_an_unknown_name_has_the_price_of_what_was_asked() -> None:
    found = prices().of("openai", Spend(input=M // 10, model="gpt-5.5-router-x"), "gpt-5.5")
    assert found is not None
    assert found[0] == Decimal("0.5")


def test_the_dearest_class_that_a_request_may_use_is_reserved() -> None:
    def most(call: Call) -> Decimal:
        found = prices().most("anthropic", "claude-opus-5", call, M, M)
        assert found is not None
        return found[0]

    assert most(messages()) == 5 + 25
    assert most(messages(system=marked())) == Decimal("6.25") + 25
    assert most(messages(system=marked(ttl="1h"))) == 10 + 25
    assert most(messages(speed="fast")) == 10 + 50
    assert most(messages(speed="fast", inference_geo="us")) == 66
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    assert most(messages(tools=[search])) == 30 + Decimal("0.05")


def test_where_caches_are_written_without_being_asked_that_is_reserved() -> None:
    call = parsed("openai", "/v1/responses", {"model": "gpt-6-sol", "input": []})
    found = prices().most("openai", "gpt-6-sol", call, 100_000, 0)
    assert found is not None
    assert found[0] == Decimal("0.25")


def test_a_tier_that_answers_named_before_is_reserved_from_then_on() -> None:
    known = prices()
    call = parsed("openai", "/v1/responses", {"model": "gpt-5.5", "input": []})
    before = known.most("openai", "gpt-5.5", call, 1000, 1000)
    known.of("openai", Spend(input=1, model="gpt-5.5-2026-04-23", tier="priority"), "gpt-5.5")
    after = known.most("openai", "gpt-5.5", call, 1000, 1000)
    assert before is not None
    assert after is not None
    assert after[0] == before[0] * Decimal("2.5")


def test_a_cheap_tier_that_is_asked_for_may_not_be_given() -> None:
    call = parsed("openai", "/v1/responses", {"model": "gpt-5.5", "input": [], "service_tier": "flex"})
    plain = parsed("openai", "/v1/responses", {"model": "gpt-5.5", "input": []})
    assert prices().most("openai", "gpt-5.5", call, 1000, 1000) == prices().most("openai", "gpt-5.5", plain, 1000, 1000)


spends = st.builds(
    Spend,
    input=st.integers(0, 200_000),
    output=st.integers(0, 9000),
    cache_read=st.integers(0, 200_000),
    cache_write=st.integers(0, 50_000),
    model=st.just("claude-opus-5"),
)


@given(
    spends, st.integers(0, 50_000), st.sampled_from(["", "5m", "1h"]), st.sampled_from(["", "fast", "us", "fast+us"])
)
def test_nothing_a_request_may_use_costs_more_than_is_reserved(spend: Spend, long: int, age: str, tier: str) -> None:
    allowed = {"": 0, "5m": spend.cache_write, "1h": spend.cache_write}[age]
    used = Spend(
        input=spend.input, output=spend.output, cache_read=spend.cache_read, cache_write=allowed,
        long_write=min(long, allowed) if age == "1h" else 0, tier=tier, model=spend.model,
    )  # fmt: skip
    more: dict[str, Any] = {"system": marked(**({"ttl": "1h"} if age == "1h" else {}))} if age else {}
    more |= {"speed": "fast"} if "fast" in tier else {}
    more |= {"inference_geo": "us"} if "us" in tier else {}
    tokens = used.input + used.cache_read + used.cache_write
    found = prices().most("anthropic", "claude-opus-5", messages(**more), tokens, used.output)
    assert found is not None
    assert found[0] >= usd("anthropic", used)


OWN: dict[str, Any] = {
    "local-1": {"input": 0, "output": 0},
    "mine": {
        "input": 1.1,
        "output": "2",
        "cache_read": 0.1,
        "cache_write_5m": 3,
        "cache_write_1h": 4,
        "above": {"tokens": 1000, "input": 10, "output": None},
    },
    "gpt-5.5": {"input": 7, "output": 8, "valid_from": dt.date(2026, 12, 1)},
}


def test_the_users_own_prices_come_first_and_say_so() -> None:
    own = prices(OWN)
    assert own.of("openai", Spend(input=M, output=M, model="local-1")) == (Decimal(0), "your prices: local-1")
    assert usd("openai", Spend(input=1000, model="mine"), own) == Decimal("0.0011")
    assert usd("openai", Spend(input=1001, model="mine"), own) == Decimal("0.01001")
    assert usd("openai", Spend(input=1001, output=M, model="mine"), own) == Decimal("2.01001")
    assert usd("openai", Spend(output=M, cache_write=2, long_write=1, model="mine-20260101"), own) == Decimal(
        "2.000007"
    )


def test_a_price_of_ones_own_holds_from_its_day_on() -> None:
    spend = Spend(input=M // 10, model="gpt-5.5")
    assert usd("openai", spend, prices(OWN)) == Decimal("0.5")
    assert usd("openai", spend, prices(OWN, dt.date(2026, 12, 1))) == Decimal("0.7")


def test_windows_are_known_or_none() -> None:
    assert prices().window("anthropic", "claude-haiku-4-5") == 200_000
    assert prices().window("openai", "scripted-1") is None


def test_the_list_of_prices_is_imported_by_the_first_price_only() -> None:
    code = (
        "import sys; from engine.gateway.llm import prices, estimate, dialects; prices.Prices({'m': {'input': 1}}).of('openai', "
        "prices.Spend(model='m', input=1)); sys.exit('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
