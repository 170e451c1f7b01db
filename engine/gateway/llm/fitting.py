"""How much of what is left a request may take: all it wants, less if that still makes sense, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from engine.gateway.llm.values import Left

Priced = tuple[Decimal, str] | None
"""The most that something can cost and where the price is from; None: nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A request in tokens: the most its input can be, and output as it is `wanted`, and at `least`.

    `choices` answers are written at once. `price` gives the most that it costs with so much output in each.
    """

    tokens_in: int
    wanted: int
    least: int
    price: Callable[[int], Priced]
    choices: int = 1

    def tokens(self, out: int) -> int:
        """All that count, with so much output."""
        return self.tokens_in + out * self.choices


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """It goes, with at most `out` tokens of output in each choice."""

    out: int
    usd: Decimal
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """It does not go. `needed` is what would do, in the same sorts as what is left is limited in."""

    needed: Left


def fit(need: Need, left: Left) -> Fit | Lack | None:
    """Take what is wanted or what there is room for; None where money is limited and the price is not known."""
    free = need.price(0)
    if free is None and left.usd is not None:
        return None
    out = min(need.wanted, _by_tokens(need, left.tokens), _by_money(need, left.usd))
    if out < need.least:
        return Lack(needed=_needed(need, left))
    usd, source = need.price(out) or (Decimal(0), "")
    return Fit(out=out, usd=usd, price=source)


def more(left: Left, usd: Decimal, tokens: int) -> Left:
    """What would be left if so much more were."""
    return Left(
        usd=None if left.usd is None else left.usd + usd,
        tokens=None if left.tokens is None else left.tokens + tokens,
        scope=left.scope,
        of_tokens=left.of_tokens,
    )


def _by_tokens(need: Need, tokens: int | None) -> int:
    return need.wanted if tokens is None else (tokens - need.tokens_in) // need.choices


def _by_money(need: Need, usd: Decimal | None) -> int:
    if usd is None or _costs(need, need.wanted) <= usd:
        return need.wanted
    nothing = _costs(need, 0)
    if nothing > usd:
        return -1
    out = int((usd - nothing) * need.wanted / (_costs(need, need.wanted) - nothing))  # it grows in a straight line
    while out > 0 and _costs(need, out) > usd:
        out -= 1 + out // 100
    return need.least if out < need.least and _costs(need, need.least) <= usd else max(out, 0)  # prices are rounded


def _needed(need: Need, left: Left) -> Left:
    priced = need.price(need.least)
    dear = left.usd is not None and priced is not None and priced[0] > left.usd
    return Left(
        usd=None if left.usd is None or priced is None else priced[0],
        tokens=None if left.tokens is None else need.tokens(need.least),
        scope=left.scope if dear else left.of_tokens or left.scope,
    )


def _costs(need: Need, out: int) -> Decimal:
    priced = need.price(out)
    return priced[0] if priced else Decimal(0)
