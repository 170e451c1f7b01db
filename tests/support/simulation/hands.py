"""Fake hands: they carry out effects step by step in the fake repository, and go wrong as the seed says.

They see what real hands see: the stage under its lease, the state, the repository. Each step of an effect is a step of
the scheduler, so that the engine can die, or a person act, between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from support.simulation.laws_of_money import Broken
from support.simulation.purse import Purse
from support.simulation.repository import Repository
from support.simulation.setup import tasks as some_tasks

from engine.core import commands as c
from engine.core.evidence import required
from engine.core.state import ROOT, Round, Run, Stage, State, Task, evidence_key
from engine.core.values import Change, CheckRun, Limited, TaskSpec, Tokens
from engine.runtime.wanted import Effect

ENV = "env"


@dataclass(frozen=True)
class Faults:
    """How often things go wrong, as probabilities; the flags break the hands themselves, to see that it is found."""

    breaks: float = 0.0
    lost: float = 0.0
    hangs: float = 0.0
    doubles: float = 0.0
    stale: float = 0.0
    rejects: float = 0.0
    red: float = 0.0
    bad_plans: float = 0.0
    looks_for_trailer: bool = True
    gates: bool = True
    parks: float = 0.0


@dataclass
class Until:
    """What a step waits for: that all events up to `seq` are durable, a moment of the clock, an answer, a provider."""

    seq: int = 0
    at: float = 0.0
    answer: tuple[str, int, str] | None = None  # stage, lease, the agent's own name of what it asked
    parked: str = ""


Step = Until | None
Report = Callable[[c.Reports], int]


@dataclass
class Running:
    """One effect under way. `steps` yields after each step in the world."""

    stage: Stage
    steps: Iterator[Step]
    until: Until = field(default_factory=Until)


class Hands:
    """What carries out effects. `report` decides at once and answers with the seq of what followed."""

    def __init__(self, rng: Random, repo: Repository, faults: Faults, report: Report) -> None:
        self.rng, self.repo, self.faults = rng, repo, faults
        self.ledger: set[tuple[str, str]] = set()  # (tree, command) that truly passed
        self.late: list[c.Finished] = []
        self.now = 0.0
        self.purse = Purse(rng, report)
        self.answers: dict[tuple[str, int, str], bool] = {}  # durable ones
        self.asleep = False  # does the run rest, as all who look at it can see?
        self._asked = 0
        self._report = report
        self._leases: dict[str, list[int]] = {}

    def begin(self, state: State, effect: Effect, stage: Stage) -> Running:
        """An effect that has done nothing yet."""
        self._leases.setdefault(stage.id, []).append(effect.lease)
        return Running(stage, self._carry_out(state, stage, effect.lease))

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    def _carry_out(self, state: State, stage: Stage, lease: int) -> Iterator[Step]:
        run = state.run
        assert run is not None
        kinds = {"check": self._check, "plan": self._plan}
        if stage.kind == "wait":
            yield Until(at=self.now + stage.due)
            result: c.Result | None = c.Waited()
        elif stage.kind == "merge":
            result = yield from self._merge(run, stage, lease)
        elif stage.kind in {"work", "review"}:
            result = yield from (self._work if stage.kind == "work" else self._review)(state, run, stage, lease)
        else:
            result = yield from kinds[stage.kind](run, stage, lease)
        if result is not None:
            self._tell(c.Finished(stage=stage.id, lease=lease, result=result))

    def _tell(self, finished: c.Finished) -> None:
        if self._chance(self.faults.hangs):
            self.late.append(finished)
            return
        if self._chance(self.faults.stale):
            older = self.rng.choice(self._leases[finished.stage])
            self._report(c.Finished(stage=finished.stage, lease=older, result=finished.result))
        self._report(finished)
        if self._chance(self.faults.doubles):
            (self.late.append if self._chance(0.5) else self._report)(finished)

    # -- work ----------------------------------------------------------------------------------------------------------

    def _began(self, stage: Stage, lease: int) -> None:
        tree = f"trees/{stage.agent}"
        self._report(c.Began(stage=stage.id, lease=lease, pid=self.rng.randrange(2, 30_000), tree=tree))

    def _spend(self, state: State, stage: Stage) -> Iterator[Step]:
        """What a step costs: told late by the agent itself, or request by request, each with leave of the purse."""
        if state.agents[stage.agent].spec.late:
            self._tell_spent(stage)
            return
        for _ in range(self.rng.randint(0, 2)):
            yield from self._request(state, stage)

    def _request(self, state: State, stage: Stage) -> Iterator[Step]:
        hold = self.purse.wants(stage.agent, "" if stage.task == ROOT else stage.task)
        while not self.purse.room(state, hold, self.now):
            yield Until(seq=self.purse.short(hold))
        if self._chance(self.faults.parks):
            yield Until(
                seq=self.purse.park(stage.agent, self.now + self.rng.choice((5.0, 90_000.0))), parked=stage.agent
            )
            if not self.purse.room(state, hold, self.now):
                return
        if state.agents[stage.agent].held:
            return  # it is being ended: nothing more is sent for it
        if self.asleep:
            raise Broken(f"{stage.agent} spends while nobody works")
        self.purse.spool[hold.id] = hold
        yield None
        self.purse.settle(hold)

    def _ask_leave(self, stage: Stage, lease: int) -> Iterator[Step]:
        """Ask for a tool now and then; what is denied is left out."""
        while self._chance(0.3):
            self._asked += 1
            ask = str(self._asked)
            tool, line = self.rng.choice((("execute", "make"), ("execute", "make; rm x"), ("edit", ""), ("other", "")))
            paths = (f"p{self.rng.randrange(3)}",) if tool == "edit" else ()
            asked = c.AskedLeave(stage=stage.id, lease=lease, id=ask, tool=tool, paths=paths, command=line)
            self._report(asked)
            if self._chance(self.faults.doubles):
                self._report(asked)
            yield Until(answer=(stage.id, lease, ask))

    def _tell_spent(self, stage: Stage) -> None:
        tokens = Tokens(input=self.rng.randrange(200), output=self.rng.randrange(100))
        task = "" if stage.task == ROOT else stage.task
        self._report(c.Spent(agent=stage.agent, task=task, tokens=tokens, usd="0.01"))

    def _bite(self, stage: Stage) -> None:
        """A limit is reached, under this lease or one that is over."""
        if self._chance(self.faults.breaks):
            limit = Limited(limit="output", value="2MB", done=self.rng.choice(("slowed", "ended")))
            self._report(c.Bit(stage=stage.id, lease=self.rng.choice(self._leases[stage.id]), limit=limit))

    def _trouble(self) -> c.Result | None:
        if self._chance(self.faults.lost):
            return c.Interrupted(reason="the keeper was lost")
        if self._chance(self.faults.breaks):
            return c.Broke(reason="it crashed", detail="trace", blame=self.rng.choice(("agent", "work")))
        return None

    def _work(self, state: State, run: Run, stage: Stage, lease: int) -> Iterator[Step]:
        ref = f"{run.id}/{stage.task}/{stage.round}"
        if ref not in self.repo.attempts:
            yield None
            self._began(stage, lease)
            yield None
            self._bite(stage)
            yield from self._ask_leave(stage, lease)
            yield from self._spend(state, stage)
            trouble = self._trouble()
            if trouble is not None:
                return trouble
            self.repo.attempts[ref] = (self._edit(run.task(stage.task), stage.round, lease), stage.agent)
            yield None
        change, author = self.repo.attempts[ref]
        return c.Worked(change=change, summary="done", author=author)

    def _edit(self, task: Task, number: int, lease: int) -> Change:
        paths = self.rng.sample([*(f"p{n}" for n in range(6)), ".envrc"], self.rng.randint(1, 2))
        bad = "!" if self._chance(self.faults.red) else ""
        edits = dict.fromkeys(paths, f"{task.spec.id}.{number}{bad}")
        return self.repo.change(self.repo.tip, edits, f"{number}.{lease}")

    # -- checks, reviews, plans ----------------------------------------------------------------------------------------

    def _lines(self, run: Run, task: Task, tree: str) -> tuple[tuple[CheckRun, ...], str]:
        runs = []
        for line in required(run, task):
            known = evidence_key(tree, line, ENV) in run.evidence
            red = not known and any(text.endswith("!") for _, text in self.repo.trees[tree])
            if not red:
                self.ledger.add((tree, line))
            runs.append(CheckRun(command=line, tree=tree, env=ENV, passed=not red, exit=int(red), output="…"))
            if red:
                return tuple(runs), f"{line} failed"
        return tuple(runs), ""

    def _check(self, run: Run, stage: Stage, _: int) -> Iterator[Step]:
        yield None
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        change = _round(run, stage).change
        runs, reason = self._lines(run, run.task(stage.task), change.tree if change else self.repo.target[0].tree)
        return c.Checked(runs=runs, reason=reason)

    def _review(self, state: State, run: Run, stage: Stage, lease: int) -> Iterator[Step]:
        yield None
        self._began(stage, lease)
        yield None
        yield from self._spend(state, stage)
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        change = _round(run, stage).change
        patch = "another" if change is None or self._chance(self.faults.breaks) else change.patch
        verdict = "reject" if self._chance(self.faults.rejects) else "approve"
        return c.Reviewed(verdict=verdict, patch=patch, remarks="as I see it")

    def _plan(self, run: Run, stage: Stage, lease: int) -> Iterator[Step]:
        yield None
        self._began(stage, lease)
        yield None
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        known = [name for name in run.tasks if self._chance(0.5)]
        specs = some_tasks(self.rng, self.rng.randint(1, 4), known, prefix=f"p{stage.round}-")
        specs = tuple(TaskSpec(id=spec.id, title=spec.title, after=spec.after) for spec in specs)
        if self._chance(self.faults.bad_plans):
            first = specs[0]
            looping = TaskSpec(id=first.id, title="x", after=(first.id,))
            lost = TaskSpec(id=first.id, title="x", after=("nowhere",))
            specs = self.rng.choice(((), (first, first), (looping,), (lost,)))
        return c.Planned(tasks=specs, summary="a plan")

    # -- the merge -----------------------------------------------------------------------------------------------------

    def _merge(self, run: Run, stage: Stage, lease: int) -> Iterator[Step]:
        change, task = _round(run, stage).change, run.task(stage.task)
        assert change is not None
        trailer = f"{run.id}/{stage.task}/{stage.round}"
        while True:
            yield None
            found = self.repo.found(trailer) if self.faults.looks_for_trailer else None
            if found is not None:
                return c.MergeMade(commit=found.id, tree=found.tree, parent=found.parent, found=True)
            trouble = self._trouble()
            if trouble is not None:
                return trouble
            tip = self.repo.tip
            combined = self.repo.combine(change, tip)
            if not isinstance(combined, str):
                return c.Conflicted(parent=tip.id, sides=combined)
            if self.faults.gates:
                runs, reason = self._lines(run, task, combined)
                if reason:
                    return c.Checked(runs=runs, reason=reason)
                yield Until(seq=self._report(c.GatePassed(stage=stage.id, lease=lease, runs=runs)))
            if self.repo.edited:
                return c.Obstructed(reason=f"{stage.task}: p0 is edited in the checkout", paths=("p0",))
            made = self.repo.advance(tip, combined, trailer)
            if made is not None:
                yield None
                return c.MergeMade(commit=made.id, tree=made.tree, parent=made.parent)


def _round(run: Run, stage: Stage) -> Round:
    return next(r for r in run.task(stage.task).rounds if r.number == stage.round)
