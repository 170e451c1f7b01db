"""What was used, and of how much, in few cells: `$0.42 of $5`, `12k of 200k tokens`."""

from __future__ import annotations

from decimal import Decimal

from engine.core.budgets import limit, of_task
from engine.core.state import Account, Agent, Run, Task
from engine.core.values import Amount, Tokens
from tui.headless.moments import claimed
from tui.viewmodel.lines import Ink, Span

NEAR = Decimal("0.8")
"""The part of a budget from which on what was used is inked."""


def used(holder: Run | Agent) -> tuple[str, ...]:
    """Money, then tokens, each against its budget; without what is neither used nor limited."""
    return _against(holder, limit(holder))


def used_on(run: Run, task: Task) -> tuple[str, ...]:
    """The same of a task."""
    return _against(task, of_task(run, task).limit)


def _against(account: Account, line: Amount) -> tuple[str, ...]:
    money = _of(f"${dollars(account.usd)}", f"${dollars(line.usd)}" if line.usd is not None else "")
    tokens = _of(short(account.tokens.total), short(line.tokens) if line.tokens is not None else "")
    spent = line.usd is not None or bool(account.usd.strip("0."))
    counted = line.tokens is not None or account.tokens.total > 0
    return ((money,) if spent else ()) + ((f"{tokens} tokens",) if counted else ())


def told(agent: Agent) -> str:
    """What an agent says it used, beside what was counted: `says $0.40, 12k tokens`; empty where it says nothing."""
    usd = claimed(agent.told_usd)
    money = f"${dollars(usd)}" if usd.strip("0.") else ""
    tokens = f"{short(agent.told.total)} tokens" if agent.told.total else ""
    said = ", ".join(filter(None, (money, tokens)))
    return f"says {said}" if said else ""


def spans(holder: Run | Agent) -> tuple[Span, ...]:
    """The same to be shown: dim, and no more so once the budget is nearly used up."""
    ink: Ink = "wait" if near(holder) else "dim"
    return tuple(Span(part, ink) for part in used(holder))


def near(holder: Run | Agent) -> bool:
    """Is a budget nearly used up?"""
    line = limit(holder)
    money = line.usd is not None and Decimal(holder.usd) >= NEAR * Decimal(line.usd)
    return money or (line.tokens is not None and holder.tokens.total >= NEAR * line.tokens)


def by_class(tokens: Tokens) -> str:
    """The tokens as vendors price them."""
    return (
        f"{tokens.input:,} in, {tokens.output:,} out, "
        f"{tokens.cache_read:,} read from a cache, {tokens.cache_write:,} written to it"
    )


def dollars(usd: str) -> str:
    """An exact sum with at least cents where it has any: `0.42`, `5`, `0.0031`."""
    whole, _, cents = usd.partition(".")
    cents = cents.rstrip("0")
    return f"{whole}.{cents:0<2}" if cents else whole


def short(number: int) -> str:
    """A count in three or four cells, never more than there is: `950`, `12k`, `1.2M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            whole, rest = divmod(number * 10 // size, 10)
            return f"{whole}.{rest}{unit}" if whole < 10 and rest else f"{whole}{unit}"
    return str(number)


def _of(much: str, of: str) -> str:
    return f"{much} of {of}" if of else much
