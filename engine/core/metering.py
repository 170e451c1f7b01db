"""What follows from a report about spending: bookings, requests that are kept waiting, trouble with a provider.

An agent whose request waits is paused, so that nothing of it goes on by itself; `waiting` says when it is thawed.
"""

from __future__ import annotations

from engine.core import commands as c
from engine.core import events as e
from engine.core.budgets import Budget, fits, over
from engine.core.drafts import Draft
from engine.core.state import ROOT, Agent, State

Drafts = list[Draft]


def spent(state: State, report: c.Spent) -> Drafts:
    """Tokens and money were used. What is said of a task or agent that is no more goes to the run alone."""
    run = state.run
    if run is None:
        return []
    booked = e.UsageBooked(
        tokens=report.tokens,
        usd=report.usd,
        source=report.source,
        model=report.model,
        provider=report.provider,
        request=report.request,
        price=report.price,
        estimated=report.estimated,
        failed=report.failed,
        counted=report.counted,
        saved=report.saved,
        reasoning=report.reasoning,
    )
    known = report.task in run.tasks or report.task == ROOT
    return [Draft(data=booked, agent=report.agent, task=report.task if known else "")]


def short(state: State, report: c.Short) -> Drafts:
    """A request does not fit: its budget is said to be reached, and its agent paused if the request is kept waiting.

    Where the sums leave room for it, other requests under way hold the rest, and only the pause is written down.
    """
    agent = state.agents.get(report.agent)
    budget = _tight(state, report)
    if agent is None or budget is None:
        return []
    drafts = [] if budget.account.spent_out or fits(budget, report.needed) else [reached(budget, report)]
    if not report.hold or not agent.stage or agent.held or (agent.pause and agent.paused_for != "provider"):
        return drafts
    asked = e.AgentPauseAsked(why="budget", scope=budget.scope, needed=report.needed, reason=report.why)
    return [*drafts, of_step(state, agent, asked)]


def _tight(state: State, report: c.Short) -> Budget | None:
    """The budget that a request is too much for: the one that is named, or the first that it does not fit."""
    found = [budget for budget in over(state, report.agent, report.task) if budget.limits]
    named = [budget for budget in found if budget.scope == report.scope] + found
    return next((budget for budget in named if not fits(budget, report.needed)), named[0] if named else None)


def reached(budget: Budget, report: c.Short) -> Draft:
    """The fact that a budget has less left than a request needs."""
    fact = e.BudgetReached(scope=budget.scope, used=budget.used, limit=budget.limit, needed=report.needed)
    return about(budget.scope, fact)


def about(scope: str, fact: e.BudgetReached | e.BudgetWarned) -> Draft:
    """A fact about a budget, told of whom it is."""
    if scope in {"run", "day"}:
        return Draft(data=fact)
    task = scope.removeprefix("task:") if scope.startswith("task:") else ""
    return Draft(data=fact, task=task, agent="" if task else scope)


def parked(state: State, report: c.Parked) -> Drafts:
    """A provider takes nothing for a while: the agent stands still until `Unparked`."""
    agent = state.agents.get(report.agent)
    if agent is None:
        return []
    known = state.providers.get(f"{report.provider}/{report.model}")
    same = known is not None and known.what == "limited" and abs(known.until - report.until) < 1
    why = known.why if same and known is not None and known.why else report.why
    told = [] if same else _changed(state, _limited(report))
    if not agent.stage or agent.held or agent.pause:
        return told
    model = f"{report.provider}/{report.model}"
    asked = e.AgentPauseAsked(why="provider", until=report.until, reason=f"{model}: {why}" if why else model)
    return [*told, of_step(state, agent, asked)]


def _limited(report: c.Parked) -> c.Provider:
    return c.Provider(
        agent=report.agent,
        provider=report.provider,
        model=report.model,
        what="limited",
        why=report.why,
        until=report.until,
    )


def of_step(state: State, agent: Agent, fact: e.AgentPauseAsked | e.AgentResumed) -> Draft:
    """A fact about an agent which is one about its task as well: that stands still with it, or goes on."""
    stage = state.run.stages.get(agent.stage) if state.run is not None else None
    if stage is None:
        return Draft(data=fact, agent=agent.spec.name)
    return Draft(data=fact, agent=agent.spec.name, task=stage.task, attempt=stage.round)


def unparked(state: State, report: c.Unparked) -> Drafts:
    """A provider takes requests again. Of an agent that waits for a budget `waiting` judges by itself."""
    agent = state.agents.get(report.agent)
    if agent is None or agent.paused_for != "provider":
        return []
    return [of_step(state, agent, e.AgentResumed())]


def provider(state: State, report: c.Provider) -> Drafts:
    """Something happened at a provider."""
    return _changed(state, report)


def _changed(state: State, report: c.Provider) -> Drafts:
    known = state.providers.get(f"{report.provider}/{report.model}")
    now = (report.what, report.why, report.until, report.to)
    if known is not None and (known.what, known.why, known.until, known.to) == now:
        return []
    fact = e.ProviderChanged(
        provider=report.provider,
        model=report.model,
        what=report.what,
        why=report.why,
        until=report.until,
        to=report.to,
        attempt=report.attempt,
    )
    return [Draft(data=fact, agent=report.agent)]


def stops(agent: Agent) -> bool:
    """Is it to be paused when a budget it works under is used up: metered by its own word, and at work."""
    return agent.spec.late and bool(agent.stage) and not (agent.held or agent.pause)
