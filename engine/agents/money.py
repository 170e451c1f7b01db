"""Dollars as agents print them, which is as binary fractions."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

MOST_USD: Final = 1e6
FINEST: Final = Decimal("1e-9")


def exact(amount: object) -> Decimal:
    """The decimal number that is meant; 0 for what is no amount, or not believable."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= MOST_USD:
        return Decimal(0)
    return Decimal(str(amount)).quantize(FINEST).normalize()


def dollars(amount: object) -> str:
    """The same as a decimal string."""
    return f"{exact(amount):f}"
