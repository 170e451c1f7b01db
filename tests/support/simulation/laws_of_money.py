"""What must hold of money and of waiting: a shadow of every budget in tokens, and of who waits for what.

It keeps sums of its own and asks the core for nothing: nobody spends beyond a budget, nobody waits where there is room,
nobody is thawed without a reason, and a run rests for what it really waits for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from engine.core import events as e
from engine.core.values import Amount, Limits

DAY = 86_400


class Broken(AssertionError):
    """A law does not hold."""


def hold(law: bool, text: str) -> None:
    """Raise unless the law holds."""
    if not law:
        raise Broken(text)


@dataclass
class Money:
    """The shadow. Scopes are named as in the record, but for a day, which has its number."""

    run: Limits = field(default_factory=Limits)
    agents: dict[str, int | None] = field(default_factory=dict)
    tasks: dict[str, int | None] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    soft: set[str] = field(default_factory=set)  # on which something was booked late, by an agent's own word
    spent: set[str] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    waits: dict[str, int] = field(default_factory=dict)  # agent -> what it needs; 0: it is metered late
    parked: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    asks: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> agent, stage
    outlived: dict[str, tuple[str, str]] = field(default_factory=dict)  # those whose step is over, or was cut off
    working: dict[str, tuple[str, str]] = field(default_factory=dict)  # agent -> stage, task
    today: int = 0

    def saw(self, event: e.Event, kinds: Collection[str]) -> None:
        """Hold the laws against one event of a decision of these kinds."""
        self.today = int(event.at // DAY)
        fold = getattr(self, f"_{event.kind}", None)
        if fold is not None:
            fold(event, event.data, kinds)

    def settled(self, kinds: Collection[str]) -> None:
        """A decision is over: who waits does so for want of room."""
        for agent in self.waits if "budget_raised" in kinds else ():
            hold(not self._room(agent), f"{agent} waits, and there is room since it was raised")

    # -- budgets -------------------------------------------------------------------------------------------------------

    def scopes(self, agent: str, task: str) -> Iterator[str]:
        """Those under which an agent works on a task."""
        yield from (name for name in (agent,) if name in self.agents)
        yield from (f"task:{name}" for name in (task,) if name in self.tasks)
        yield from ("run", f"day:{self.today}")

    def limit(self, scope: str) -> int | None:
        """In tokens; None: not limited."""
        if scope in self.agents:
            given = self.agents[scope]
        elif scope.startswith("task:"):
            given = self.tasks[scope.removeprefix("task:")]
        else:
            given = (self.run.budget if scope == "run" else self.run.day_budget).tokens
        return None if given is None else given + self.raised[scope]

    def _room(self, agent: str) -> bool:
        _, task = self.working.get(agent, ("", ""))
        needed = self.waits[agent]
        left = [
            limit - self.used[scope] for scope in self.scopes(agent, task) if (limit := self.limit(scope)) is not None
        ]
        return all(much > 0 and much >= needed for much in left)

    def _scope(self, scope: str) -> str:
        return f"day:{self.today}" if scope == "day" else scope

    def _run_started(self, _: e.Event, data: e.RunStarted, __: Collection[str]) -> None:
        self.run = data.limits
        self.agents = {spec.name: (spec.budget or Amount()).tokens for spec in data.crew}

    def _task_added(self, event: e.Event, data: e.TaskAdded, _: Collection[str]) -> None:
        self.tasks[event.task] = (data.spec.budget or self.run.task_budget).tokens

    _task_revised = _task_added

    def _usage_booked(self, event: e.Event, data: e.UsageBooked, _: Collection[str]) -> None:
        scopes = list(self.scopes(event.agent, event.task))
        self.used.update(dict.fromkeys(scopes, data.tokens.total))
        if data.source == "agent":
            self.soft |= set(scopes)
            return
        hold(data.request not in {"", *self.requests}, f"a booking without a request of its own: {data}")
        self.requests.add(data.request)
        for scope in scopes:
            limit = self.limit(scope)
            firm = scope not in self.soft and not (scope.startswith("day:") and self.today)
            hold(
                limit is None or not firm or self.used[scope] <= limit, f"{scope} spends {self.used[scope]} of {limit}"
            )

    def _budget_raised(self, _: e.Event, data: e.BudgetRaised, __: Collection[str]) -> None:
        self.raised[self._scope(data.scope)] += data.amount.tokens or 0
        self.spent.discard(self._scope(data.scope))

    def _budget_reached(self, _: e.Event, data: e.BudgetReached, __: Collection[str]) -> None:
        scope = self._scope(data.scope)
        hold(scope not in self.spent, f"{scope} is said twice to be used up")
        self.spent.add(scope)
        limit = self.limit(scope)
        short = limit is not None and (limit - self.used[scope] < (data.needed or Amount(tokens=1)).tokens)  # type: ignore[operator]
        hold(short, f"{scope} is said to be used up at {self.used[scope]} of {limit} for {data.needed}")

    # -- who waits -----------------------------------------------------------------------------------------------------

    def _agent_pause_asked(self, event: e.Event, data: e.AgentPauseAsked, _: Collection[str]) -> None:
        self.waits.pop(event.agent, None)
        self.parked.discard(event.agent)
        if data.why == "budget":
            self.waits[event.agent] = (data.needed or Amount()).tokens or 0
        elif data.why == "provider":
            self.parked.add(event.agent)

    def _agent_paused(self, event: e.Event, _: e.AgentPaused, __: Collection[str]) -> None:
        self.frozen.add(event.agent)

    def _agent_resumed(self, event: e.Event, _: e.AgentResumed, kinds: Collection[str]) -> None:
        if event.agent in self.waits:
            free = event.actor == "me" or "engine_started" in kinds or event.agent not in self.working
            hold(free or self._room(event.agent), f"{event.agent} is thawed without room, by {event.actor}")
        self._thaw(event.agent)

    def _agent_held(self, event: e.Event, _: e.AgentHeld, __: Collection[str]) -> None:
        self._thaw(event.agent)

    def _thaw(self, agent: str) -> None:
        self.waits.pop(agent, None)
        self.parked.discard(agent)
        self.frozen.discard(agent)

    def _permission_asked(self, event: e.Event, data: e.PermissionAsked, _: Collection[str]) -> None:
        hold(data.id not in self.asks, f"{data.id} is asked twice")
        self.asks[data.id] = (event.agent, data.stage)

    def _permission_given(self, _: e.Event, data: e.PermissionGiven, __: Collection[str]) -> None:
        hold(data.id in self.asks or data.id in self.outlived, f"{data.id} is answered, and nobody asked it")
        self.asks.pop(data.id, None)

    def _stage_assigned(self, event: e.Event, data: e.StageAssigned, _: Collection[str]) -> None:
        self.working[event.agent] = (data.stage, event.task)
        if event.agent in self.agents and "/check." not in data.stage and "/merge." not in data.stage:
            bad = self.spent & set(self.scopes(event.agent, event.task))
            hold(not bad, f"{event.agent} is given {data.stage} with no budget left of {bad}")

    def _released(self, _: e.Event, data: e.StageClosed, __: Collection[str]) -> None:
        self.working = {name: held for name, held in self.working.items() if held[0] != data.stage}
        over = {name: asked for name, asked in self.asks.items() if asked[1] == data.stage}
        self.asks = {name: asked for name, asked in self.asks.items() if name not in over}
        self.outlived |= over

    _stage_closed = _stage_cancelled = _stage_interrupted = _merge_waiting = _released

    def rests(self, stages: Iterable[str], outcome: str) -> None:
        """A run came to rest while these steps were assigned: each has to wait, for what the outcome says."""
        short = {self.working[name][0] for name in self.waits.keys() & self.frozen if name in self.working}
        asking = {stage for agent, stage in self.asks.values() if agent not in self.frozen}
        lost = set(stages) - short - asking
        hold(not lost, f"the run came to rest while {lost} was assigned")
        hold(outcome != "needs_human" or not short, f"{short} waits for a budget, and the run for a person")
        hold(outcome != "budget" or bool(short or self.spent), "no budget is short, and the run waits for one")
