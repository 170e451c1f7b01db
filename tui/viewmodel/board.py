"""The board: everything the dashboard shows, folded from events with the engine's own `evolve`.

Folding is cheap: an event marks what it may have changed, and what is said of an agent or a task is judged again only
when somebody asks to see it. The board paints nothing, waits for nothing and asks nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from engine.core import events as e
from engine.core.evolve import evolve
from engine.core.standing import OfAgent, OfRun, OfTask, of_agent, of_run, of_task
from engine.core.state import Agent, Run, State, Task
from tui.viewmodel.timeline import Timeline
from tui.viewmodel.transcript import Step, Tail

Part = Literal["head", "crew", "plan", "needs", "events", "transcript"]
"""A region that may have to be painted again. What is shown in detail is of the crew or of the plan."""

ALL: frozenset[Part] = frozenset({"head", "crew", "plan", "needs", "events", "transcript"})


class Link(NamedTuple):
    """The way to the engine: since when it is as it is (seconds since the epoch), and why when it is gone.

    `hung`: it is there and does not answer, so that what it began may still run.
    """

    word: Literal["connecting", "live", "gone"]
    since: float
    reason: str = ""
    pid: int = 0
    version: str = ""
    hung: bool = False


class Board:
    """What is known, and what of it changed. `where` is the repository, `path` where its gate finds programs first.

    `shape` is another number when tasks or what they wait for are others, `ended` when one has ended or was begun anew.
    `kept` holds rows, each with all that it depends on, for the views.
    """

    def __init__(self, *, now: Callable[[], float] = time.time, where: str = ".", path: str = "") -> None:
        self.now = now
        self.where, self.path = where, path
        self.state = State()
        self.link = Link("connecting", now())
        self.timeline = Timeline()
        self.tails: dict[str, Tail] = {}
        self.merged: e.Event | None = None
        self.proofs: dict[str, e.Event] = {}
        self.watched: frozenset[str] = frozenset()
        self.shape = self.ended = 0
        self.kept: dict[str, Any] = {}
        self._changed: set[Part] = set(ALL)
        self._agents: dict[str, OfAgent] = {}
        self._tasks: dict[str, OfTask] = {}

    # -- what comes in -------------------------------------------------------------------------------------------------

    def begin(self, state: State) -> None:
        """A fresh snapshot, which the board owns from here on: at first, or when an engine is back."""
        if state.run is None or self.run is None or state.run.id != self.run.id:
            self._new_run()
        self.state = state
        self._everything()

    def take(self, event: e.Event) -> None:
        """Fold one event in; one that the snapshot holds already is only remembered, as what happened before.

        Raises KeyError where it speaks of what was never recorded: a fresh snapshot is due then.
        """
        if event.seq <= self.state.seq:
            self._recall(event)
            return
        whose = self._author(event.task)
        if isinstance(event.data, e.RunStarted):
            self._new_run()
        evolve(self.state, event)
        self._remember(event)
        self._mark(event, whose)

    def _recall(self, event: e.Event) -> None:
        if self.run is not None and event.seq >= self.run.seq:
            self._remember(event)
            self._changed.add("events")

    def _remember(self, event: e.Event) -> None:
        self.timeline.take(event)
        if isinstance(event.data, e.MergeDone):
            self.merged = event
        if isinstance(event.data, e.AgentKilled):
            self.proofs[event.agent] = event

    def said(self, agent: str, *, task: str, attempt: int, kind: str, offset: int, text: str, missed: int = 0) -> None:
        """What an agent printed: whole lines. `missed` are bytes that were skipped before it."""
        self.tail(agent).said(text, of=Step(task, attempt, kind), offset=offset, missed=missed)
        self._changed |= {"transcript", "crew"}

    def watch(self, agents: Iterable[str]) -> None:
        """Whose transcripts are read in full; those of the others keep their last lines only."""
        watched = frozenset(agents)
        for name in self.watched - watched:
            self.tail(name).trim()
        self.watched = watched

    def connected(self, pid: int, version: str) -> None:
        """An engine answers."""
        self.link = Link("live", self.now(), pid=pid, version=version)
        self._everything()

    def lost(self, reason: str, *, hung: bool = False) -> None:
        """No engine answers; what is shown is as it was. Said again for each try, its moment stays the first one's."""
        since = self.link.since if self.link.word == "gone" else self.now()
        found = Link("gone", since, reason, hung=hung)
        if self.link == found:
            return
        self.link = found
        self._everything()

    # -- what is asked -------------------------------------------------------------------------------------------------

    def changed(self) -> frozenset[Part]:
        """The parts that may look otherwise since this was asked last."""
        found = frozenset(self._changed)
        self._changed.clear()
        return found

    @property
    def live(self) -> bool:
        """Is there an engine, so that what is assigned is at work?"""
        return self.link.word == "live" or self.link.hung

    @property
    def stale(self) -> bool:
        """Is what is shown the past, because the engine that would say otherwise is gone?"""
        return self.link.word == "gone" and self.state.seq > 0

    @property
    def run(self) -> Run | None:
        """The one run, if there is any."""
        return self.state.run

    def agent(self, name: str) -> OfAgent:
        """What is said of an agent. Raises KeyError."""
        found = self._agents.get(name)
        if found is None:
            found = self._agents[name] = of_agent(self.state, self.state.agents[name], live=self.live)
        return found

    def task(self, name: str) -> OfTask:
        """What is said of a task. Raises KeyError."""
        found = self._tasks.get(name)
        if found is None:
            if self.run is None:
                raise KeyError(name)
            found = self._tasks[name] = of_task(self.state, self.run, self.run.tasks[name], live=self.live)
        return found

    def standing(self) -> OfRun | None:
        """What is said of the run, if there is any."""
        return None if self.run is None else of_run(self.state, self.run, live=self.live)

    def tail(self, agent: str) -> Tail:
        """The last lines an agent printed."""
        return self.tails.setdefault(agent, Tail())

    def knows(self, agent: str) -> Agent | None:
        """The agent of that name, if it is in the crew."""
        return self.state.agents.get(agent)

    def find(self, task: str) -> Task | None:
        """The task of that id, if there is one."""
        return self.run.tasks.get(task) if self.run is not None else None

    # -- what an event may change --------------------------------------------------------------------------------------

    def _mark(self, event: e.Event, whose: str) -> None:
        data = event.data
        if isinstance(data, _RUN_WIDE):
            self._everything()
            return
        self._changed.add("events")
        if event.agent:
            self._stale_agent(event.agent)
        if event.task:
            self._stale_agent(whose)
            self._stale_agent(self._author(event.task))
            self._stale_task(event.task)
        if isinstance(data, _FREES):  # or the opposite: what waits for an agent says so
            self._tasks.clear()
            self._changed |= {"plan", "head"}
        if isinstance(data, _MOVES):
            self._changed |= {"plan", "head"}
        if isinstance(data, e.TaskAdded | e.TaskRevised):
            self.shape += 1
        if isinstance(data, _PLANS):
            self._followers(event.task)
        if isinstance(data, _SPENDS):
            self._spent(getattr(data, "scope", event.agent))
        if isinstance(data, _NEEDS):
            self._changed |= {"needs", "head"}

    def _spent(self, whose: str) -> None:
        """Sums are others; who waits for a budget may lack another one now."""
        self._stale_agent(whose)
        for name, agent in self.state.agents.items():
            if agent.paused_for == "budget":
                self._stale_agent(name)
        self._changed.add("head")

    def _author(self, task: str) -> str:
        """Who wrote the latest round of a task."""
        found = self.find(task)
        return found.round.author if found is not None and found.round is not None else ""

    def _stale_agent(self, name: str) -> None:
        if name in self.state.agents:
            self._agents.pop(name, None)
            self._changed.add("crew")

    def _stale_task(self, name: str) -> None:
        self._tasks.pop(name, None)
        self._changed |= {"plan"}

    def _followers(self, task: str) -> None:
        """What waits for this task is another, or waits for something else."""
        self.ended += 1
        for name in self.run.dependants.get(task, ()) if self.run is not None else ():
            self._stale_task(name)
        self._changed |= {"head", "needs"}

    def _everything(self) -> None:
        self._agents.clear()
        self._tasks.clear()
        self.shape += 1
        self._changed |= ALL

    def _new_run(self) -> None:
        self.timeline.clear()
        self.tails.clear()
        self.proofs.clear()
        self.kept.clear()
        self.merged = None


_RUN_WIDE = (e.EngineStarted, e.EngineStopped, e.RunStarted, e.RunEnded, e.RunResumed, e.PlanRevised)
_PLANS = (e.TaskAdded, e.TaskRevised, e.TaskEnded, e.TaskRetried)
_FREES = (e.AgentPauseAsked, e.AgentPaused, e.AgentResumed, e.AgentHeld, e.BudgetReached, e.BudgetRaised)
_SPENDS = (e.UsageBooked, e.BudgetReached, e.BudgetRaised)
_MOVES = (
    e.StageAssigned, e.StageInterrupted, e.StageClosed, e.StageCancelled, e.AgentPaused, e.AgentResumed, e.AgentHeld,
    e.AgentStopped, e.AgentKilled,
)  # fmt: skip
"""After these something may be in motion that was not, or no more."""
_NEEDS = (
    e.ApprovalAsked, e.ApprovalGiven, e.MergeWaiting, e.MergeCleared, e.AgentHeld, e.AgentStopped, e.AgentKilled,
    e.AgentResumed, e.AgentPauseAsked, e.LimitReached, e.BudgetReached, e.BudgetRaised, e.TaskRetried, e.StageClosed,
    e.StageCancelled, e.AttemptFailed, e.PermissionAsked, e.PermissionGiven, e.ProviderChanged,
)  # fmt: skip
