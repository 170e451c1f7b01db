"""Which steps get the free places, and in what order: priority, then the critical path, then what is nearly done.

The agenda is an index over the open steps, rebuilt from a state at any time; it holds no fact of its own. Steps that
ask for the same thing wait in one heap, so that a settle costs what changed, not what waits.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from engine.core import events as e
from engine.core.budgets import OF_TASK, of_day
from engine.core.evolve import ENGINE
from engine.core.routing import choose, free, to_review
from engine.core.stages import AGENT_KINDS
from engine.core.state import Agent, Run, Stage, State

Signature = tuple[str, tuple[str, ...], str | None, tuple[str, ...], bool, bool]
Key = tuple[int, int, int, int, int]
_RANK = {"merge": 0, "check": 1, "review": 2, "plan": 3, "work": 4}


class Agenda:
    """The open, unassigned steps, best first."""

    def __init__(self) -> None:
        self._heaps: dict[Signature, list[tuple[Key, str]]] = {}
        self._levels: dict[str, tuple[int, int]] = {}
        self._stale = True

    @classmethod
    def of(cls, state: State) -> Agenda:
        """The agenda of a state."""
        agenda = cls()
        if state.run is not None:
            for stage in state.run.stages.values():
                agenda._push(state.run, stage)
        return agenda

    def note(self, state: State, event: e.Event) -> None:
        """Keep up with an event that has just been folded in."""
        run, data = state.run, event.data
        if isinstance(data, e.RunStarted):
            self._heaps.clear()
            self._stale = True
        elif isinstance(data, e.TaskAdded):
            self._stale = True
        elif isinstance(data, e.StageOpened | e.StageInterrupted | e.MergeCleared) and run is not None:
            self._push(run, run.stages[data.stage])
        elif isinstance(data, e.BudgetReached | e.BudgetRaised) and run is not None and data.scope.startswith(OF_TASK):
            for name in run.task(data.scope.removeprefix(OF_TASK)).open:
                self._push(run, run.stages[name])
        elif isinstance(data, e.TaskReassigned | e.TaskRevised | e.ReviewGiven) and run is not None:
            self._stale = self._stale or isinstance(data, e.TaskRevised)
            for name in run.task(event.task).open:
                self._push(run, run.stages[name])

    def next(self, state: State) -> tuple[Stage, str] | None:
        """The best step that can be assigned now, with who gets it."""
        run = state.run
        if run is None or run.outcome is not None:
            return None
        self._refresh(run)
        ready = [agent for agent in state.agents.values() if free(agent)]
        skills = frozenset(skill for agent in ready for skill in agent.spec.does)
        heads = self._heads(run, _places(state, run, ready), skills)
        for stage in sorted(heads, key=lambda stage: self._key(run, stage)):
            holder = ENGINE if stage.kind not in AGENT_KINDS else choose(ready, state.agents.values(), run, stage)
            if holder is not None:
                return stage, holder
        return None

    def _heads(self, run: Run, places: frozenset[str], skills: frozenset[str]) -> Iterator[Stage]:
        for signature, heap in list(self._heaps.items()):
            kind, needs, *_, without_budget = signature
            if kind not in places or without_budget or not skills.issuperset(needs):
                continue
            while heap and not _waits(run, heap[0][1], signature):
                heapq.heappop(heap)
            if heap:
                yield run.stages[heap[0][1]]
            else:
                del self._heaps[signature]

    def _push(self, run: Run, stage: Stage) -> None:
        if stage.kind in _RANK and not stage.agent:
            heapq.heappush(self._heaps.setdefault(_signature(run, stage), []), (self._key(run, stage), stage.id))

    def _key(self, run: Run, stage: Stage) -> Key:
        priority, tail = self._levels.get(stage.task, (0, 0))
        return (-priority, -tail, _RANK[stage.kind], run.task(stage.task).order, stage.opened)

    def _refresh(self, run: Run) -> None:
        if not self._stale:
            return
        self._levels, self._stale = levels(run), False
        for signature, heap in self._heaps.items():
            heap[:] = [(self._key(run, run.stages[name]), name) for _, name in heap if _waits(run, name, signature)]
            heapq.heapify(heap)


def _signature(run: Run, stage: Stage) -> Signature:
    """All that decides who may take it: whoever can take one step of a heap can take any of it."""
    reviewed = stage.kind == "work" and to_review(run, stage)
    without_budget = stage.kind in AGENT_KINDS and run.task(stage.task).spent_out
    return (stage.kind, stage.needs, stage.pin, stage.avoid, reviewed, without_budget)


def _waits(run: Run, name: str, signature: Signature) -> bool:
    stage = run.stages.get(name)
    return stage is not None and not stage.agent and not stage.obstacle and _signature(run, stage) == signature


def _places(state: State, run: Run, ready: list[Agent]) -> frozenset[str]:
    """Kinds of steps for which there is a place. One merge at a time; checks and agents up to the limit of agents."""
    places = set[str]()
    if not run.under_way.get("merge"):
        places.add("merge")
    if run.under_way.get("check", 0) < run.limits.agents:
        places.add("check")
    busy = sum(1 for agent in state.agents.values() if agent.stage)
    spent_out = run.spent_out or of_day(state, run).account.spent_out
    if busy < run.limits.agents and not spent_out and ready:
        places |= AGENT_KINDS
    return frozenset(places)


def levels(run: Run) -> dict[str, tuple[int, int]]:
    """For each task: the highest priority that waits on it, and how many tasks follow on its longest way to the end."""
    found: dict[str, tuple[int, int]] = {}
    for name in _dependants_first(run):
        after = [found[other] for other in run.dependants.get(name, ()) if other in found]
        priority = max([run.tasks[name].spec.priority, *(level[0] for level in after)])
        found[name] = (priority, max((level[1] + 1 for level in after), default=0))
    return found


def _dependants_first(run: Run) -> Iterator[str]:
    seen: set[str] = set()
    for start in run.tasks:
        stack = [(start, False)]
        while stack:
            name, expanded = stack.pop()
            if expanded:
                yield name
            elif name not in seen and name in run.tasks:
                seen.add(name)
                stack.append((name, True))
                stack.extend((other, False) for other in run.dependants.get(name, ()))
