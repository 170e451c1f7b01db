"""What budgets leave: pure sums over what was booked and raised, scope by scope.

Whoever spends does so under four budgets at once: the agent's, the task's, the run's, and the day's of all runs here. A
budget may limit money, tokens or both; what it does not limit is None. What is only held for a request under way is not
known here: who holds it takes it off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from engine.core import events as e
from engine.core.folds.spending import DAY, day_of
from engine.core.state import ROOT, Account, Agent, Day, Run, State, Task
from engine.core.values import Amount

OF_TASK = "task:"


class Budget(NamedTuple):
    """One budget: whose it is, what was booked on it, and its limit with all that was raised since."""

    scope: str
    account: Account
    limit: Amount

    @property
    def used(self) -> Amount:
        """All that was booked, of both kinds."""
        return Amount(usd=self.account.usd, tokens=self.account.tokens.total)

    @property
    def limits(self) -> bool:
        """Does it limit anything?"""
        return self.limit.usd is not None or self.limit.tokens is not None


class Line(NamedTuple):
    """What is left of one budget, never below 0; None: that is not limited."""

    scope: str
    usd: Decimal | None
    tokens: int | None


def add(one: Amount, other: Amount) -> Amount:
    """The sum of two limits, kind by kind; what was not limited stays so."""
    usd = None if one.usd is None else str(Decimal(one.usd) + Decimal(other.usd or "0"))
    tokens = None if one.tokens is None else one.tokens + (other.tokens or 0)
    return Amount(usd=usd, tokens=tokens)


# -- which there are -----------------------------------------------------------------------------------------------


def limit(holder: Run | Agent) -> Amount:
    """The budget in force of a run or an agent: as configured, with all that was raised since."""
    given = holder.limits.budget if isinstance(holder, Run) else holder.spec.budget
    return _raised(given, holder)


def _raised(given: Amount | None, account: Account) -> Amount:
    total = given or Amount()
    for raised in account.raised:
        total = add(total, raised)
    return total


def of_run(run: Run) -> Budget:
    """That of the run."""
    return Budget("run", run, limit(run))


def of_agent(agent: Agent) -> Budget:
    """That of an agent, in this run."""
    return Budget(agent.spec.name, agent, limit(agent))


def of_task(run: Run, task: Task) -> Budget:
    """That of a task: its own, or what every task has. The run itself, as the root task, has none."""
    given = Amount() if task.spec.id == ROOT else task.spec.budget or run.limits.task_budget
    return Budget(f"{OF_TASK}{task.spec.id}", task, _raised(given, task))


def of_day(state: State, run: Run, at: float | None = None) -> Budget:
    """That of the day of a moment, or of the last event; of one on which nothing was booked yet, all is left."""
    number = day_of(state.at if at is None else at)
    day = state.day if state.day.number == number else Day(number=number)
    return Budget("day", day, _raised(run.limits.day_budget, day))


def next_day(at: float) -> float:
    """When the day of a moment is over, which is when its budget has room again."""
    return float((day_of(at) + 1) * DAY)


def over(state: State, agent: str, task: str, at: float | None = None) -> Iterator[Budget]:
    """Those under which an agent works on a task; either may be "", and then has none. `at`: see `of_day`."""
    run = state.run
    if run is None:
        return
    if agent in state.agents:
        yield of_agent(state.agents[agent])
    if task in run.tasks:
        yield of_task(run, run.tasks[task])
    yield of_run(run)
    yield of_day(state, run, at)


def named(state: State, run: Run, scope: str) -> Budget | None:
    """The budget of a scope's name: `run`, `day`, `task:ID` or an agent's."""
    if scope in {"run", "day"}:
        return of_run(run) if scope == "run" else of_day(state, run)
    if scope.startswith(OF_TASK):
        task = run.tasks.get(scope.removeprefix(OF_TASK))
        return None if task is None else of_task(run, task)
    agent = state.agents.get(scope)
    return None if agent is None else of_agent(agent)


# -- what is left --------------------------------------------------------------------------------------------------


def lines(state: State, agent: str, task: str, at: float | None = None) -> tuple[Line, ...]:
    """What is left of each budget that limits anything."""
    return tuple(_line(budget) for budget in over(state, agent, task, at) if budget.limits)


def _line(budget: Budget) -> Line:
    usd, tokens = budget.limit.usd, budget.limit.tokens
    return Line(
        budget.scope,
        None if usd is None else max(Decimal(usd) - Decimal(budget.account.usd), Decimal(0)),
        None if tokens is None else max(tokens - budget.account.tokens.total, 0),
    )


def left(state: State, agent: str, task: str, at: float | None = None) -> Line:
    """The least of each kind. `scope` is whose money is the tightest, or whose tokens where no money is limited."""
    found = lines(state, agent, task, at)
    usd = min(((line.usd, line.scope) for line in found if line.usd is not None), default=(None, ""))
    tokens = min(((line.tokens, line.scope) for line in found if line.tokens is not None), default=(None, ""))
    return Line(tokens[1] if usd[0] is None or tokens[0] == 0 else usd[1], usd[0], tokens[0])


def fits(budget: Budget, needed: Amount) -> bool:
    """May so much still be booked on it?"""
    line = _line(budget)
    money = line.usd is None or Decimal(needed.usd or "0") <= line.usd
    return money and (line.tokens is None or (needed.tokens or 0) <= line.tokens)


def reached(budget: Budget) -> bool:
    """Is nothing left of it?"""
    line = _line(budget)
    return line.usd == 0 or line.tokens == 0


def part(budget: Budget) -> int:
    """How much of it is used, in whole percent: of the kind of which more is."""
    usd, tokens = budget.limit.usd, budget.limit.tokens
    money = _percent(Decimal(budget.account.usd), Decimal(usd)) if usd is not None else 0
    return max(money, _percent(Decimal(budget.account.tokens.total), Decimal(tokens)) if tokens is not None else 0)


def _percent(used: Decimal, limit: Decimal) -> int:
    return int(used * 100 // limit) if limit else 100


def spent_out(state: State, run: Run, task: str) -> str:
    """The scope of a budget under which no step of the task may begin, besides an agent's own; empty: it may."""
    of = [of_run(run), of_day(state, run), *([of_task(run, run.tasks[task])] if task in run.tasks else [])]
    return next((budget.scope for budget in of if budget.account.spent_out), "")


# -- what is to be told --------------------------------------------------------------------------------------------


def newly_reached(budgets: Iterable[Budget]) -> Iterator[e.BudgetReached]:
    """Those that are used up and not yet said to be."""
    for budget in budgets:
        if not budget.account.spent_out and budget.limits and reached(budget):
            yield e.BudgetReached(scope=budget.scope, used=budget.used, limit=budget.limit)


def warnings(budgets: Iterable[Budget], marks: Iterable[int]) -> Iterator[e.BudgetWarned]:
    """Those that have passed a mark (percent) which was not told of them; of several marks the highest."""
    marks = tuple(marks)
    for budget in budgets:
        if not budget.limits or budget.account.spent_out or reached(budget):
            continue
        used = part(budget)
        mark = max((mark for mark in marks if budget.account.warned < mark <= used), default=0)
        if mark:
            yield e.BudgetWarned(scope=budget.scope, part=mark, used=budget.used, limit=budget.limit)
