"""Budgets as people write them: `5usd`, `200ktok`, `1.5mtok`.

Money stays decimal and tokens stay whole: nothing is rounded, what cannot be kept exactly is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.core.values import Amount

_WRITTEN = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,12})?) ?(usd|tok|ktok|mtok)", re.IGNORECASE)
_TOKENS = {"tok": 1, "ktok": 1_000, "mtok": 1_000_000}


class BadAmount(ValueError):
    """A text that is no amount of money or tokens."""


def parse(text: str) -> Amount:
    """Read one amount: US dollars or tokens, more than nothing.

    Raises `BadAmount`.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise BadAmount(f'"{text[:40]}" is no amount; write it like "5usd", "200ktok" or "1.5mtok"')
    number, unit = Decimal(written[1]), written[2].lower()
    if number == 0:
        raise BadAmount(f'"{text}" is nothing; leave the budget out or write more than 0')
    if unit == "usd":
        return Amount(usd=_plain(number))
    tokens = number * _TOKENS[unit]
    if tokens != int(tokens):
        raise BadAmount(f'"{text}" is no whole number of tokens')
    return Amount(tokens=int(tokens))


def show(amount: Amount) -> str:
    """Write an amount so that `parse` reads the same; both kinds are joined by `and`, none is `unlimited`."""
    parts = []
    if amount.usd is not None:
        parts.append(f"{_plain(Decimal(amount.usd))}usd")
    if amount.tokens is not None:
        parts.append(_tokens(amount.tokens))
    return " and ".join(parts) or "unlimited"


def _tokens(count: int) -> str:
    unit = "mtok" if count >= 1_000_000 else "ktok" if count >= 1_000 else "tok"
    return f"{_plain(Decimal(count) / _TOKENS[unit])}{unit}"


def _plain(number: Decimal) -> str:
    """Without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
