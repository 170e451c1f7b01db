"""Which model a request gets: one that the agent's tier admits. Pure.

A vendor's models are a ladder of three steps. An agent stands on one of them and may ask for what is on it or below;
whatever else it asks for becomes the model it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

STEPS = ("small", "standard", "large")
_DATE = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """`model` is what a request becomes that asks for none of `admitted`; "": any model is left as it is."""

    model: str = ""
    admitted: frozenset[str] = frozenset()

    def choose(self, asked: str) -> str:
        """The model to send. A name with a date is the same as without."""
        if not self.model or asked == self.model or _undated(asked) in map(_undated, self.admitted):
            return asked
        return self.model


def ladder(table: Mapping[str, str], tier: str, model: str = "") -> Ladder:
    """That of an agent of this tier, over a vendor's table of tier to model; `model` is used in place of its own."""
    reach = STEPS.index(tier) + 1 if tier in STEPS else 0
    below = {table[step] for step in STEPS[:reach] if step in table}
    return Ladder(model=model or table.get(tier, ""), admitted=frozenset(below | ({model} if model else set())))


def _undated(name: str) -> str:
    return _DATE.sub("", name)
