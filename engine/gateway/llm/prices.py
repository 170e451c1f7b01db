"""What tokens cost, from the user's own tables first, then from the list that genai-prices carries. No network.

A price that is not known is None, never 0: a model that runs at home and costs nothing needs a table that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.values import Kind, Spend

_MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1000)
_US = Decimal("1.1")
_DATED = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$")
_PROVIDERS: dict[Kind, str] = {"anthropic": "anthropic", "openai": "openai", "gemini": "google"}
_CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
Table = Mapping[str, object]
Price = tuple[Decimal, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices of one model in one service tier, US dollars a million tokens; `search` of one search."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    long_write: Decimal
    search: Decimal = Decimal(0)

    def of(self, spend: Spend) -> Decimal:
        """What that use costs."""
        tokens = (
            self.input * spend.input
            + self.cache_read * spend.cache_read
            + self.cache_write * (spend.cache_write - spend.long_write)
            + self.long_write * spend.long_write
            + self.output * spend.output
        )
        return tokens / _MILLION + self.search * spend.searches


@dataclass(frozen=True, slots=True)
class Tariff:
    """Rates by the size of the whole input: each from so many tokens on, which are not yet in it. Sorted."""

    steps: tuple[tuple[int, Rates], ...]
    source: str

    def at(self, tokens: int) -> Rates:
        """The rates of a request with that input; they hold for all of it."""
        return [rates for above, rates in self.steps if tokens > above or above == 0][-1]


class Prices:
    """Prices of models. `overrides`: tables as the user's settings have them, by model."""

    def __init__(
        self, overrides: Mapping[str, Table] | None = None, *, today: Callable[[], date] | None = None
    ) -> None:
        self._own = dict(overrides or {})
        self._today = today or (lambda: datetime.now(UTC).date())
        self._found: dict[tuple[Kind, str, str, date], Tariff | None] = {}
        self._named: dict[tuple[Kind, str], set[str]] = {}

    def of(self, kind: Kind, spend: Spend, asked: str = "") -> Price | None:
        """What was used costs that, by the model and the tier that the answer names; by `asked` if that is unknown."""
        self._named.setdefault((kind, asked or spend.model), set()).add(spend.tier)
        for model in (spend.model, asked):
            tariff = self._tariff(kind, model, spend.tier) if model else None
            if tariff is not None:
                return _us(spend.tier) * tariff.at(_input(spend)).of(spend), tariff.source
        return None

    def most(self, kind: Kind, model: str, call: Call, tokens_in: int, out: int) -> Price | None:
        """The price of that much, of the dearest kind that the request may use."""
        tiers = {"", call.tier, *self._named.get((kind, model), ())}
        costs = []
        for tier in sorted(tiers):
            tariff = self._tariff(kind, model, tier)
            if tariff is None:
                return None
            rates = tariff.at(tokens_in)
            dearest = max(_classes(rates, kind, call))
            cost = (dearest * tokens_in + rates.output * out) / _MILLION + rates.search * call.searches
            costs.append((_us(tier) * cost, tariff.source))
        return max(costs)

    def window(self, kind: Kind, model: str) -> int | None:
        """Tokens that the model can read at once, None where that is not known."""
        info = _listed(kind, model)
        return info.context_window if info else None

    def _tariff(self, kind: Kind, model: str, tier: str) -> Tariff | None:
        key = (kind, model, tier.partition("+us")[0] if tier != "us" else "", self._today())
        if key not in self._found:
            own = self._table(model, key[3])
            self._found[key] = _own(own, model) if own is not None else _list(kind, model, key[2], key[3])
        return self._found[key]

    def _table(self, model: str, day: date) -> Table | None:
        for name in (model, _DATED.sub("", model)):
            table = self._own.get(name)
            if table is not None and _since(table) <= day:
                return table
        return None


def _input(spend: Spend) -> int:
    return spend.input + spend.cache_read + spend.cache_write


def _us(tier: str) -> Decimal:
    """Anthropic's surcharge on answers that are bound to be made in the United States."""
    return _US if tier == "us" or tier.endswith("+us") else Decimal(1)


def _classes(rates: Rates, kind: Kind, call: Call) -> list[Decimal]:
    """Where the vendor caches without being asked, a write is always possible."""
    possible = [rates.input]
    if kind != "anthropic" or call.cache_age:
        possible.append(rates.cache_write)
    if call.cache_age == "1h":
        possible.append(rates.long_write)
    return possible


def _since(table: Table) -> date:
    value = table.get("valid_from") or date.min
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _own(table: Table, model: str) -> Tariff:
    base = {name: _money(table.get(name)) for name in _CLASSES}
    steps = [(0, _rates(base, _money(table.get("search")) or Decimal(0)))]
    above = table.get("above")
    if isinstance(above, Mapping):
        higher = {**base, **{name: _money(above[name]) for name in _CLASSES if above.get(name) is not None}}
        steps.append((int(str(above["tokens"])), _rates(higher, steps[0][1].search)))
    return Tariff(tuple(steps), f"your prices: {model}")


def _rates(prices: Mapping[str, Decimal | None], search: Decimal) -> Rates:
    """What has no price of its own costs what it is a kind of."""
    plain = prices["input"] or Decimal(0)
    write = prices["cache_write_5m"] if prices["cache_write_5m"] is not None else plain
    return Rates(
        input=plain,
        output=prices["output"] or Decimal(0),
        cache_read=prices["cache_read"] if prices["cache_read"] is not None else plain,
        cache_write=write,
        long_write=prices["cache_write_1h"] if prices["cache_write_1h"] is not None else write,
        search=search,
    )


def _money(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _listed(kind: Kind, model: str) -> Any:  # noqa: ANN401  of a library that is imported late
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  0.2 s that only priced requests pay

    try:
        return get_snapshot().find_provider_model(model, None, _PROVIDERS[kind], None)[1]
    except LookupError:
        return None


def _list(kind: Kind, model: str, tier: str, day: date) -> Tariff | None:
    info = _listed(kind, model)
    if info is None:
        return None
    import genai_prices  # noqa: PLC0415  see above

    context = {"speed": "fast"} if kind == "anthropic" and tier == "fast" else {"service_tier": tier}
    if tier == "batch":
        context = {"processing": "batch"}
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    prices = info.get_prices(now, context if tier else None).__dict__
    if prices.get("input_mtok") is None or prices.get("output_mtok") is None:
        return None
    names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
    classes = dict(zip(_CLASSES, (prices.get(name) for name in names), strict=True))
    starts = {0, *(step.start for value in classes.values() for step in getattr(value, "tiers", ()))}
    search = Decimal(str(_at(prices.get("web_searches_kcount"), 0) or 0)) / _THOUSAND
    steps = [
        (start, _rates({name: _at(value, start + 1) for name, value in classes.items()}, search)) for start in starts
    ]
    return Tariff(tuple(sorted(steps, key=lambda step: step[0])), f"genai-prices {genai_prices.__version__}")


def _at(price: Any, tokens: int) -> Decimal | None:  # noqa: ANN401  a number, or one with steps
    if price is None or isinstance(price, Decimal):
        return price
    value: Decimal = price.base
    for step in price.tiers:
        value = step.price if tokens > step.start else value
    return value
