"""What must hold after every step, whatever goes wrong: a second, independent reading of the events.

The laws keep their own small shadow of the run and never look into the core's state for it, so that a wrong fold cannot
hide a wrong decision.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from support.simulation.laws_of_money import Money, hold
from support.simulation.repository import Repository

from engine.core import events as e
from engine.core.state import State
from engine.core.values import Limits, TaskSpec

AGENTS_DO = {"work", "review", "plan"}


@dataclass
class Laws:
    """The shadow of one record. `ledger` is what truly passed: (tree, command)."""

    repo: Repository
    ledger: set[tuple[str, str]]
    last: int = 0
    causes: dict[int, int | None] = field(default_factory=dict)
    began: int = 0
    check: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    specs: dict[str, TaskSpec] = field(default_factory=dict)
    chances: Counter[str] = field(default_factory=Counter)
    about: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    authors: dict[tuple[str, int], str] = field(default_factory=dict)
    patches: dict[tuple[str, int], str] = field(default_factory=dict)  # of changes with files that act unasked
    consents: set[tuple[str, str]] = field(default_factory=set)  # task, patch
    judged: set[tuple[str, int, str]] = field(default_factory=set)
    holding: dict[str, tuple[str, int]] = field(default_factory=dict)  # stage -> agent, lease
    leases: set[int] = field(default_factory=set)
    out: dict[str, str] = field(default_factory=dict)  # agent -> held | paused
    money: Money = field(default_factory=Money)
    merged: dict[str, e.MergeDone] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    ended: e.RunEnded | None = None

    def saw(self, events: Iterable[e.Event], *, again: bool = False) -> None:
        """Hold every law against the events of one decision; or against a whole record that is read `again`."""
        batch = list(events)
        kinds = {"engine_started"} if again else {event.kind for event in batch}
        for event in batch:
            hold(event.seq == self.last + 1, f"seq {event.seq} follows {self.last}")
            hold(event.cause is None or event.cause in self.causes, f"{event.seq} is caused by {event.cause}")
            self.last = event.seq
            self.causes[event.seq] = event.cause
            self.money.saw(event, kinds)
            fold = getattr(self, f"_{event.kind}", None)
            if fold is not None:
                fold(event, event.data)
        self.money.settled(kinds)

    def old(self, stage: str, lease: int) -> bool:
        """Is this not the lease in force? A wait has none."""
        return self.kinds.get(stage) != "wait" and self.holding.get(stage, ("", -1))[1] != lease

    # -- the run -------------------------------------------------------------------------------------------------------

    def _run_started(self, event: e.Event, data: e.RunStarted) -> None:
        self.began, self.check, self.limits = event.seq, data.check, data.limits

    def _run_resumed(self, _: e.Event, __: e.RunResumed) -> None:
        self.ended = None

    def _run_ended(self, event: e.Event, data: e.RunEnded) -> None:
        self.money.rests(self.holding, data.outcome)
        self.ended = data
        if data.outcome == "verified":
            bad = {name: self.outcomes.get(name) for name in self.specs}
            hold(set(bad.values()) <= {"done", "cancelled"}, f"verified with {bad}")
            hold("done" in bad.values(), "verified without anything merged")
        if data.outcome in {"needs_human", "budget"}:
            hold(self._names_someone(data.reason), f"it rests for nobody: {data.reason}")
        told = {merged.task: merged.commit for merged in data.merged}
        hold(
            told == {name: done.commit for name, done in self.merged.items() if self.outcomes.get(name) == "done"},
            "sums",
        )
        del event

    def _names_someone(self, reason: str) -> bool:
        named = re.findall(r"`quarterdeck resume ([\w-]+)`", reason)
        if named:
            return all(name in self.out for name in named)
        return any(
            word in reason for word in ("quarterdeck approve", "budget", "edited in the", "no agent of the crew")
        )

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def _task_added(self, event: e.Event, data: e.TaskAdded) -> None:
        hold(event.task not in self.specs, f"{event.task} is added twice")
        hold(set(data.spec.after) <= {*self.specs, *data.spec.after}, "unknown dependency")
        self.specs[event.task] = data.spec

    def _task_revised(self, event: e.Event, data: e.TaskRevised) -> None:
        self.specs[event.task] = data.spec

    def _task_retried(self, event: e.Event, _: e.TaskRetried) -> None:
        hold(self.outcomes.get(event.task) != "done", f"{event.task} is done and tried again")
        self.chances[event.task] += 1
        self.outcomes.pop(event.task, None)

    def _task_ended(self, event: e.Event, data: e.TaskEnded) -> None:
        if event.task == "_":
            return
        hold(event.task not in self.outcomes, f"{event.task} ended twice")
        self.outcomes[event.task] = data.outcome
        if data.outcome == "done":
            done = self.merged.get(event.task)
            hold(done is not None and done.commit == data.commit, f"{event.task} is done without its merge")
        else:
            hold(event.task not in self.merged, f"{event.task} is merged and {data.outcome}: {data.reason}")

    # -- stages --------------------------------------------------------------------------------------------------------

    def _stage_opened(self, event: e.Event, data: e.StageOpened) -> None:
        self.kinds[data.stage] = data.kind
        allowed = self.limits.attempts + self.chances[event.task]
        hold(data.kind != "work" or data.round <= allowed, f"round {data.round} of {event.task}, {allowed} allowed")

    def _stage_assigned(self, event: e.Event, data: e.StageAssigned) -> None:
        kind = self.kinds[data.stage]
        hold(self.ended is None, f"{data.stage} is assigned at rest")
        hold(data.stage not in self.holding, f"{data.stage} is assigned twice")
        hold(data.lease not in self.leases, f"lease {data.lease} is given twice")
        self.leases.add(data.lease)
        if event.task != "_":
            unmet = [name for name in self.specs[event.task].after if self.outcomes.get(name) != "done"]
            hold(not unmet or kind == "merge", f"{data.stage} begins before {unmet}")
        if kind in AGENTS_DO:
            self._given(event.agent, data.stage)
        busy = Counter(self.kinds[stage] for stage in self.holding)
        hold(kind != "merge" or not busy["merge"], "two merges at once")
        self.holding[data.stage] = (event.agent, data.lease)

    def _given(self, agent: str, stage: str) -> None:
        held = [holder for holder, _ in self.holding.values()]
        hold(agent not in held, f"{agent} is given {stage} and is at work")
        hold(agent not in self.out, f"{agent} is {self.out.get(agent)} and is given {stage}")
        at_work = sum(holder != "engine" for holder in held)
        hold(at_work < self.limits.agents, f"{at_work + 1} agents at once, {self.limits.agents} allowed")

    def _released(self, _: e.Event, data: e.StageClosed) -> None:
        self.holding.pop(data.stage, None)

    _stage_closed = _stage_cancelled = _stage_interrupted = _merge_waiting = _released

    def _limit_reached(self, event: e.Event, data: e.LimitReached) -> None:
        holder, _ = self.holding.get(data.stage, ("nobody", 0))
        hold(holder == event.agent, f"a limit of {event.agent} at {data.stage}, which {holder} holds")

    # -- evidence ------------------------------------------------------------------------------------------------------

    def _attempt_claimed(self, event: e.Event, data: e.AttemptClaimed) -> None:
        self.authors[event.task, event.attempt] = event.agent
        if ".envrc" in data.change.files:
            self.patches[event.task, event.attempt] = data.change.patch

    def _review_given(self, event: e.Event, _: e.ReviewGiven) -> None:
        key = (event.task, event.attempt, event.agent)
        hold(self.authors[event.task, event.attempt] != event.agent, f"{event.agent} judged its own {event.task}")
        hold(key not in self.judged, f"{event.agent} judged {event.task} twice in round {event.attempt}")
        self.judged.add(key)

    def _merge_done(self, event: e.Event, data: e.MergeDone) -> None:
        hold(event.task not in self.merged, f"{event.task} is merged twice")
        self.merged[event.task] = data
        trailer = f"{event.run}/{event.task}/{event.attempt}"
        hold(sum(made.trailer == trailer for made in self.repo.target) < 2, f"{trailer} is merged twice")
        made = self.repo.found(trailer)
        hold(
            made is not None and (made.id, made.tree) == (data.commit, data.tree), f"{data.commit} is not on the target"
        )
        patch = self.patches.get((event.task, event.attempt))
        hold(patch is None or (event.task, patch) in self.consents, f"{event.task} is merged, which nobody granted")
        unproven = [line for line in self._required(event.task) if (data.tree, line) not in self.ledger]
        hold(not unproven, f"{event.task} is merged, and {unproven} never passed on {data.tree}")
        hold(self.began in self._why(event.seq), f"why {event.task} is merged does not reach the start of the run")

    def _required(self, task: str) -> tuple[str, ...]:
        return (*self.check, *self.specs[task].accept)

    def _why(self, seq: int) -> list[int]:
        chain = []
        at: int | None = seq
        while at is not None:
            chain.append(at)
            at = self.causes[at]
        return chain

    # -- people --------------------------------------------------------------------------------------------------------

    def _agent_held(self, event: e.Event, _: e.AgentHeld) -> None:
        self.out[event.agent] = "held"

    def _agent_pause_asked(self, event: e.Event, _: e.AgentPauseAsked) -> None:
        self.out[event.agent] = "paused"

    def _agent_resumed(self, event: e.Event, _: e.AgentResumed) -> None:
        self.out.pop(event.agent, None)

    def _approval_asked(self, _: e.Event, data: e.ApprovalAsked) -> None:
        self.about[data.stage] = data.about

    def _approval_given(self, event: e.Event, data: e.ApprovalGiven) -> None:
        self.chances[event.task] += data.granted and self.about[data.stage] == "attempts"
        if data.granted:
            self.consents.add((event.task, data.patch))


def at_the_end(laws: Laws, state: State) -> None:
    """What must hold once a run is over: the target has exactly what the record says, once."""
    trailers = [made.trailer for made in laws.repo.target if made.trailer]
    hold(len(trailers) == len(set(trailers)), f"merged twice: {trailers}")
    run = state.run
    assert run is not None
    by_task = Counter(trailer.split("/")[1] for trailer in trailers)
    done = {name for name, task in run.tasks.items() if task.outcome == "done"}
    hold(set(by_task) == done, f"on the target: {sorted(by_task)}; done: {sorted(done)}")
    hold(all(count == 1 for count in by_task.values()), f"a task is merged more than once: {by_task}")
    hold(not run.stages, f"still open: {sorted(run.stages)}")
