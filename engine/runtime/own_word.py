"""What an agent says that it used, made into what is new of it: some tell each call, some the sum of all."""

from __future__ import annotations

from decimal import Decimal

from engine.agents.base import Usage
from engine.core.values import Tokens


class OwnWord:
    """Of one assignment. Sums are taken within one scope only: what was told of calls is part of a sum that follows."""

    def __init__(self) -> None:
        self._tokens, self._usd = Tokens(), Decimal(0)

    def new(self, usage: Usage) -> Usage:
        """What was not told before; never less than nothing."""
        usd = Decimal(usage.usd)
        if usage.scope != "session":
            self._tokens, self._usd = self._tokens + usage.tokens, self._usd + usd
            return usage
        before, self._tokens = self._tokens, _most(self._tokens, usage.tokens)
        paid, self._usd = self._usd, max(self._usd, usd)
        return Usage(tokens=_less(self._tokens, before), usd=f"{self._usd - paid:f}", scope="call", model=usage.model)


def _most(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(**{name: max(getattr(one, name), getattr(other, name)) for name in Tokens.__struct_fields__})


def _less(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(**{name: getattr(one, name) - getattr(other, name) for name in Tokens.__struct_fields__})
