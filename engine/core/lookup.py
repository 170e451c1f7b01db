"""Finding what a request names, as the asker saw it; each refusal says what there is and the way out."""

from __future__ import annotations

from engine.core import events as e
from engine.core.drafts import Draft, of
from engine.core.errors import Refused, Stale, Unknown
from engine.core.state import Agent, Run, State, Task

AT_REST = frozenset({"budget", "needs_human"})
"""Outcomes of a run that waits, and goes on by itself when what it waits for happens."""


def the_run(state: State) -> Run:
    """The run, whatever became of it."""
    if state.run is None:
        raise Refused("there is no run here yet; start one with `quarterdeck run`", code="unknown")
    return state.run


def the_unfinished(state: State, version: int | None = None) -> Run:
    """The run, if it is not over. `version` is what the asker saw of it."""
    run = the_run(state)
    if version is not None and version != run.version:
        raise Stale("run", run.id, version, run.version, run.outcome or "under way")
    if not run.unfinished:
        raise Refused(f"run {run.id} is over ({run.outcome}); start another with `quarterdeck run`", code="over")
    return run


def the_task(state: State, name: str, version: int | None = None) -> Task:
    """A task of the run."""
    run = the_run(state)
    task = run.tasks.get(name)
    if task is None:
        raise Unknown("task", name, sorted(run.tasks)[:12])
    if version is not None and version != task.version:
        raise Stale("task", name, version, task.version, task.outcome or "under way")
    return task


def the_agent(state: State, name: str, version: int | None = None) -> Agent:
    """An agent of the crew."""
    agent = state.agents.get(name)
    if agent is None:
        raise Unknown("agent", name, sorted(state.agents))
    if version is not None and version != agent.version:
        raise Stale("agent", name, version, agent.version, agent.held or agent.pause or agent.stage or "idle")
    return agent


def taken_up(run: Run, reason: str, *, unconfined: bool = False) -> list[Draft]:
    """A run at rest goes on when a person moves something; whatever obstructed a merge is looked at again."""
    if run.outcome is None:
        return []
    waiting = [stage for stage in run.stages.values() if stage.obstacle]
    cleared = [of(stage, e.MergeCleared(stage=stage.id)) for stage in waiting]
    return [Draft(data=e.RunResumed(reason=reason, unconfined=unconfined)), *cleared]


def stirred(run: Run, reason: str) -> list[Draft]:
    """A run that only waits goes on when something of it moves by itself."""
    return [Draft(data=e.RunResumed(reason=reason))] if run.outcome in AT_REST else []
