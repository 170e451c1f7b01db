"""The engine, the run, its plan and its tasks."""

from __future__ import annotations

from typing import Literal

from engine.core import events as e
from engine.core.folds.registry import Folds, the_round, the_run
from engine.core.folds.spending import outlive
from engine.core.state import ROOT, Agent, Run, State, Task
from engine.core.values import AgentSpec, TaskSpec

RUN = Folds()


@RUN.on(e.EngineStarted)
def _engine_started(state: State, _: e.Event, data: e.EngineStarted) -> None:
    state.epoch, state.pid, state.version = data.epoch, data.pid, data.version
    state.confinement, state.holes = data.confinement, data.holes
    state.up = True
    if state.run is not None:
        outlive(state.run)
    state.providers = {}


@RUN.on(e.EngineStopped)
def _engine_stopped(state: State, _: e.Event, __: e.EngineStopped) -> None:
    state.up = False


@RUN.on(e.RunStarted)
def _run_started(state: State, event: e.Event, data: e.RunStarted) -> None:
    root = Task(spec=TaskSpec(id=ROOT, title=data.goal), source="goal", order=-1, added=event.seq)
    state.run = Run(
        id=event.run,
        goal=data.goal,
        pattern=data.pattern,
        target=data.target,
        base=data.base,
        limits=data.limits,
        check=data.check,
        approvals=dict(data.approvals),
        review=data.review,
        allow_red=data.allow_red,
        unconfined=data.unconfined,
        planned=data.planned,
        started=event.at,
        seq=event.seq,
        root=root,
    )
    held = {name: agent.held for name, agent in state.agents.items()}
    state.agents = {spec.name: _fresh(spec, held.get(spec.name, ""), event) for spec in data.crew}
    state.messages = {}


def _fresh(spec: AgentSpec, held: Literal["", "stop", "kill"], event: e.Event) -> Agent:
    return Agent(spec=spec, held=held, since=event.at, seq=event.seq)


@RUN.on(e.RunEnded)
def _run_ended(state: State, event: e.Event, data: e.RunEnded) -> None:
    run = the_run(state)
    run.outcome, run.reason, run.ended = data.outcome, data.reason, event.at
    run.version += 1


@RUN.on(e.RunResumed)
def _run_resumed(state: State, _: e.Event, data: e.RunResumed) -> None:
    run = the_run(state)
    run.unconfined = run.unconfined or data.unconfined
    run.outcome, run.reason, run.ended = None, "", 0.0
    run.root.outcome, run.root.reason = None, ""
    run.version += 1


@RUN.on(e.PlanRevised)
def _plan_revised(state: State, event: e.Event, data: e.PlanRevised) -> None:
    run = the_run(state)
    run.planned = True
    run.version += 1
    if event.attempt:
        the_round(state, event).planned = data.added


@RUN.on(e.PlanRefused)
def _plan_refused(state: State, event: e.Event, data: e.PlanRefused) -> None:
    if event.attempt:
        the_round(state, event).failure = data.reason


# -- tasks ---------------------------------------------------------------------------------------------------------


@RUN.on(e.TaskAdded)
def _task_added(state: State, event: e.Event, data: e.TaskAdded) -> None:
    run = the_run(state)
    task = Task(spec=data.spec, source=data.source, order=len(run.tasks), added=event.seq)
    run.tasks[data.spec.id] = task
    run.unended += 1
    _link(run, task)


def _link(run: Run, task: Task) -> None:
    task.unmet = []
    for need in task.spec.after:
        run.dependants.setdefault(need, []).append(task.spec.id)
        other = run.tasks.get(need)
        if other is None or other.outcome != "done":
            task.unmet.append(need)


@RUN.on(e.TaskRevised)
def _task_revised(state: State, _: e.Event, data: e.TaskRevised) -> None:
    run = the_run(state)
    task = run.tasks[data.spec.id]
    for need in task.spec.after:
        run.dependants[need].remove(task.spec.id)
    task.spec = data.spec
    _link(run, task)


@RUN.on(e.TaskRetried)
def _task_retried(state: State, event: e.Event, data: e.TaskRetried) -> None:
    run = the_run(state)
    task = run.task(event.task)
    if task.outcome is not None and event.task != ROOT:
        run.unended += 1
    latest = task.round
    if latest is not None:
        latest.again = latest.again or task.outcome == "failed"
        task.granted = max(task.granted, latest.number + 1 - run.limits.attempts)
        latest.excused = latest.interruptions
    run.asked = {name: asked for name, asked in run.asked.items() if asked.task != event.task or asked.allow is None}
    if data.note:
        task.notes.append((latest.number if latest is not None else 0, data.note))
    task.outcome, task.reason, task.unwanted = None, "", None


@RUN.on(e.TaskReassigned)
def _task_reassigned(state: State, event: e.Event, data: e.TaskReassigned) -> None:
    run = the_run(state)
    task = run.task(event.task)
    task.pin = data.to
    for stage in task.open:
        if run.stages[stage].kind == "work":
            run.stages[stage].pin = data.to


@RUN.on(e.TaskCancelAsked)
def _task_cancel_asked(state: State, event: e.Event, data: e.TaskCancelAsked) -> None:
    the_run(state).task(event.task).unwanted = data.note or "cancelled by a person"


@RUN.on(e.TaskEnded)
def _task_ended(state: State, event: e.Event, data: e.TaskEnded) -> None:
    run = the_run(state)
    task = run.task(event.task)
    task.outcome, task.reason, task.commit = data.outcome, data.reason, data.commit
    if event.task == ROOT:
        return
    run.unended -= 1
    if data.outcome == "done":
        for name in run.dependants.get(event.task, ()):
            if event.task in run.tasks[name].unmet:
                run.tasks[name].unmet.remove(event.task)
