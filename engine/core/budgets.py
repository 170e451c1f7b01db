"""What a limit leaves: pure sums over what was booked and raised."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.core import events as e
from engine.core.state import Agent, Run, State
from engine.core.values import Amount


def add(one: Amount, other: Amount) -> Amount:
    """The sum of two limits, kind by kind; what was not limited stays so."""
    usd = None if one.usd is None else str(Decimal(one.usd) + Decimal(other.usd or "0"))
    tokens = None if one.tokens is None else one.tokens + (other.tokens or 0)
    return Amount(usd=usd, tokens=tokens)


def limit(holder: Run | Agent) -> Amount:
    """The budget in force: as configured, with all that was raised since."""
    total = (holder.limits.budget if isinstance(holder, Run) else holder.spec.budget) or Amount()
    for raised in holder.raised:
        total = add(total, raised)
    return total


def reached(holder: Run | Agent) -> bool:
    """Is nothing left of it?"""
    line = limit(holder)
    over_money = line.usd is not None and Decimal(holder.usd) >= Decimal(line.usd)
    return over_money or (line.tokens is not None and holder.tokens.total >= line.tokens)


def newly_reached(state: State) -> Iterator[e.BudgetReached]:
    """Budgets that are used up and not yet said to be."""
    run = state.run
    if run is None:
        return
    holders: list[tuple[str, Run | Agent]] = [("run", run), *state.agents.items()]
    for scope, holder in holders:
        if not holder.spent_out and reached(holder):
            used = Amount(usd=holder.usd, tokens=holder.tokens.total)
            yield e.BudgetReached(scope=scope, used=used, limit=limit(holder))
