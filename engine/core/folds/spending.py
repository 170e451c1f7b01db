"""What agents spend, wait for and ask leave for.

What is told beside the count (an agent's own word, what the cache saved) goes to accounts of its own.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core import events as e
from engine.core.folds.registry import Folds, the_run
from engine.core.state import Account, Asked, Day, Provider, Run, State

SPENDING = Folds()
DAY = 86_400
"""Seconds; a day begins at midnight UTC."""
_PASSING = frozenset({"retry", "cache_hit", "refused", "estimated"})
"""What happens at a provider without being a state it is in."""


def day_of(at: float) -> int:
    """The number of the day that a moment lies in."""
    return int(at // DAY)


def outlive(run: Run) -> None:
    """An engine is gone with all who asked something of it; what an answer can be remembered for stays to be said."""
    for asked in run.asked.values():
        asked.outlived = asked.allow is None and asked.level != "review" and bool(asked.signature)


def forget(run: Run, stage: str, *, outlived: bool) -> None:
    """What was asked at a step is void with it; what was answered stays. `outlived`: those of an engine before too."""
    run.asked = {
        name: asked
        for name, asked in run.asked.items()
        if asked.stage != stage or asked.allow is not None or (asked.outlived and not outlived)
    }


def _day(state: State) -> Day:
    """The account of this day, a fresh one where the last was another's."""
    if state.day.number != day_of(state.at):
        state.day = Day(number=day_of(state.at))
    return state.day


def _account(state: State, scope: str) -> Account:
    if scope in {"run", "day"}:
        return the_run(state) if scope == "run" else _day(state)
    if scope.startswith("task:"):
        return the_run(state).task(scope.removeprefix("task:"))
    return state.agents[scope]


@SPENDING.on(e.UsageBooked)
def _usage(state: State, event: e.Event, data: e.UsageBooked) -> None:
    run, agent = the_run(state), state.agents.get(event.agent)
    if data.saved:
        run.saved, run.saved_usd = run.saved + data.tokens, _sum(run.saved_usd, data.usd)
    elif data.counted:
        accounts: list[Account] = [run, _day(state), *([agent] if agent is not None else [])]
        for account in [*accounts, run.task(event.task)] if event.task else accounts:
            account.tokens, account.usd = account.tokens + data.tokens, _sum(account.usd, data.usd)
    elif agent is not None:
        agent.told, agent.told_usd = agent.told + data.tokens, _sum(agent.told_usd, data.usd)


def _sum(one: str, other: str) -> str:
    return str(Decimal(one) + Decimal(other))


@SPENDING.on(e.BudgetWarned)
def _warned(state: State, _: e.Event, data: e.BudgetWarned) -> None:
    _account(state, data.scope).warned = data.part


@SPENDING.on(e.BudgetReached)
def _reached(state: State, _: e.Event, data: e.BudgetReached) -> None:
    _account(state, data.scope).spent_out = True


@SPENDING.on(e.BudgetRaised)
def _raised(state: State, _: e.Event, data: e.BudgetRaised) -> None:
    account = _account(state, data.scope)
    account.raised = (*account.raised, data.amount)
    account.spent_out, account.warned = False, 0


@SPENDING.on(e.ProviderChanged)
def _changed(state: State, event: e.Event, data: e.ProviderChanged) -> None:
    name = f"{data.provider}/{data.model}"
    if data.what == "closed":
        state.providers.pop(name, None)
    elif data.what not in _PASSING:
        state.providers[name] = Provider(what=data.what, why=data.why, until=data.until, to=data.to, at=event.at)


@SPENDING.on(e.SessionOpened)
def _opened(state: State, event: e.Event, data: e.SessionOpened) -> None:
    agent = state.agents.get(event.agent)
    if agent is None:
        return
    if data.session:
        agent.sessions[event.task] = data.session
    agent.program, agent.model_used = data.version or agent.program, data.model or agent.model_used


@SPENDING.on(e.PermissionAsked)
def _asked(state: State, event: e.Event, data: e.PermissionAsked) -> None:
    run, again = the_run(state), (event.task, data.signature)
    run.asked = {n: one for n, one in run.asked.items() if not one.outlived or (one.task, one.signature) != again}
    run.asked[data.id] = Asked(
        id=data.id,
        ask=data.ask,
        stage=data.stage,
        lease=data.lease,
        task=event.task,
        agent=event.agent,
        tool=data.tool,
        title=data.title,
        paths=data.paths,
        command=data.command,
        reason=data.why,
        level=data.level,
        signature=data.signature,
        at=event.at,
        known=data.known,
    )
    agent = state.agents[event.agent]
    if not (agent.asking or data.known):
        agent.since, agent.seq = event.at, event.seq
    agent.asking.append(data.id)


@SPENDING.on(e.PermissionGiven)
def _given(state: State, event: e.Event, data: e.PermissionGiven) -> None:
    run = the_run(state)
    asked = run.asked[data.id]
    agent = state.agents[asked.agent]
    asked.allow, asked.why, asked.outlived = data.allow, data.why, False
    if data.id not in agent.asking:
        return
    agent.asking.remove(data.id)
    if asked.known:
        del run.asked[data.id]  # nobody waits for it, and what answered it answers it again
    elif not agent.asking:
        agent.since, agent.seq = event.at, event.seq


@SPENDING.on(e.RuleMade)
def _rule(state: State, _: e.Event, data: e.RuleMade) -> None:
    state.rules.setdefault(data.pool, {})[data.signature] = data.allow


@SPENDING.on(e.RuleDropped)
def _no_rule(state: State, _: e.Event, data: e.RuleDropped) -> None:
    state.rules[data.pool].pop(data.signature, None)
