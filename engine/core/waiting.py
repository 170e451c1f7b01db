"""Agents that wait: when those that were paused for want of budget go on, and who is paused late.

A wait ends when there is room for what it waits for, when a person says so, or when there is nothing left to wait with:
its step is over. A wait for a provider ends by report.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.core import events as e
from engine.core.amounts import show
from engine.core.budgets import Budget, fits, named, of_agent, of_day, of_run, of_task, over, reached
from engine.core.drafts import Draft
from engine.core.metering import about, of_step, stops
from engine.core.state import Agent, Run, State
from engine.core.values import Amount


def task_of(state: State, agent: Agent) -> str:
    """The task that an agent works on; empty for none."""
    stage = state.run.stages.get(agent.stage) if state.run is not None else None
    return "" if stage is None else stage.task


def blocking(state: State, agent: Agent, at: float | None = None) -> Budget | None:
    """The budget which has no room for what an agent waits with, if there is one."""
    needed = agent.needed or Amount()
    for budget in over(state, agent.spec.name, task_of(state, agent), at):
        if budget.limits and (reached(budget) or not fits(budget, needed)):
            return budget
    return None


def over_with(state: State) -> Iterator[Draft]:
    """Those whose step is over while they were paused for it: a pause that nobody asked for does not outlive it."""
    for name, agent in state.agents.items():
        if agent.paused_for and not agent.stage:
            yield Draft(data=e.AgentResumed(), agent=name)


def thawed(state: State, at: float) -> Iterator[Draft]:
    """Those for whom there is room now."""
    for agent in state.agents.values():
        if agent.paused_for == "budget" and agent.stage and blocking(state, agent, at) is None:
            yield of_step(state, agent, e.AgentResumed())


def still_short(state: State) -> Iterator[Draft]:
    """Budgets that were raised, and yet by too little for who waits: said to be reached again."""
    told = set[str]()
    for agent in state.agents.values():
        if agent.paused_for != "budget" or not agent.stage:
            continue
        budget = blocking(state, agent)
        if budget is not None and not budget.account.spent_out and budget.scope not in told:
            told.add(budget.scope)
            fact = e.BudgetReached(scope=budget.scope, used=budget.used, limit=budget.limit, needed=agent.needed)
            yield about(budget.scope, fact)


def stopped_late(state: State) -> Iterator[Draft]:
    """Agents metered by their own word that work under a budget which is used up."""
    for agent in state.agents.values():
        budget = blocking(state, agent) if stops(agent) else None
        if budget is not None:
            asked = e.AgentPauseAsked(why="budget", scope=budget.scope, reason="metered late, by its own word")
            yield of_step(state, agent, asked)


def scope_of(state: State, agent: Agent) -> str:
    """The scope of the budget that an agent waits for."""
    budget = blocking(state, agent)
    return budget.scope if budget is not None else agent.scope or "run"


def short_of(state: State, agent: Agent) -> str:
    """What an agent that waits for budget lacks, and the way out."""
    scope = scope_of(state, agent)
    whose = f"the {scope}" if scope in {"run", "day"} else scope
    costs = _that_count(state, agent, scope)
    needs = f", its request may cost {show(costs)}" if costs != Amount() else ""
    return f"the budget of {whose} is short{needs} (`quarterdeck budget raise {scope} AMOUNT`)"


def _that_count(state: State, agent: Agent, scope: str) -> Amount:
    """What its request may cost, of the kinds that the budget limits."""
    budget = named(state, state.run, scope) if state.run is not None else None
    line, needed = budget.limit if budget is not None else Amount(), agent.needed or Amount()
    return Amount(usd=needed.usd if line.usd else None, tokens=needed.tokens if line.tokens else None)


def short_scopes(state: State, run: Run) -> tuple[str, ...]:
    """The budgets that a run at rest waits for: those of its agents, then all that are used up."""
    waiting = [scope_of(state, agent) for agent in state.agents.values() if agent.waits == "budget"]
    tasks = [of_task(run, task) for task in run.tasks.values() if task.outcome is None]
    budgets = [of_run(run), of_day(state, run), *tasks, *map(of_agent, state.agents.values())]
    return tuple(dict.fromkeys([*waiting, *(budget.scope for budget in budgets if budget.account.spent_out)]))


def waiting_stages(state: State, run: Run) -> set[str]:
    """Assigned steps that do not move, as their agent waits for budget, truly frozen, or for a person's leave."""
    return {
        agent.stage
        for agent in state.agents.values()
        if agent.stage in run.stages
        and (agent.waits == "permission" or (agent.waits == "budget" and agent.pause == "frozen"))
    }
