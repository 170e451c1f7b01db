"""What follows at once from a person's request. Everything else follows from the facts, in settle.

Each handler looks at the state and answers with drafts, or refuses by raising; it changes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import commands as c
from engine.core import events as e
from engine.core.answers import answer, drop_rule, raise_budget
from engine.core.drafts import Draft, of
from engine.core.errors import Busy, Refused, Unknown
from engine.core.lookup import taken_up, the_agent, the_run, the_task, the_unfinished
from engine.core.metering import of_step
from engine.core.patterns import PATTERNS, PLANNING
from engine.core.plans import Problem, missing_capabilities, problems
from engine.core.stages import merging
from engine.core.state import Run, State
from engine.core.values import Outcome, Source, TaskSpec

Drafts = list[Draft]
_HANDLERS: dict[type[c.Request], Callable[[State, Any], Drafts]] = {
    c.Answer: answer,
    c.RaiseBudget: raise_budget,
    c.DropRule: drop_rule,
}


def _handles(
    request: type[c.Request],
) -> Callable[[Callable[[State, Any], Drafts]], Callable[[State, Any], Drafts]]:
    def register(handler: Callable[[State, Any], Drafts]) -> Callable[[State, Any], Drafts]:
        _HANDLERS[request] = handler
        return handler

    return register


def handle(state: State, request: c.Requests) -> Drafts:
    """The drafts a request leads to. Raises Refused, naming what is wrong and the way out."""
    return _HANDLERS[type(request)](state, request)


# -- the run -------------------------------------------------------------------------------------------------------


@_handles(c.StartRun)
def _start(state: State, request: c.StartRun) -> Drafts:
    if state.run is not None and state.run.unfinished:
        raise Busy(state.run.id, "at rest" if state.run.outcome else "under way")
    if request.pattern not in PATTERNS:
        raise Unknown("pattern", request.pattern, sorted(PATTERNS))
    if not request.check:
        raise Refused("no check is configured, so nothing could be verified; set [project] check", code="check")
    tasks = request.tasks
    if not tasks and request.pattern not in PLANNING:
        tasks = (TaskSpec(id="goal", title=request.goal, prompt=request.goal),)
    if tasks:
        _valid(tasks, ())
    started = e.RunStarted(
        goal=request.goal,
        pattern=request.pattern,
        target=request.target,
        base=request.base,
        crew=request.crew,
        limits=request.limits,
        check=request.check,
        approvals=request.approvals,
        review=request.review,
        allow_red=request.allow_red,
        unconfined=request.unconfined,
        planned=bool(tasks),
    )
    return [
        Draft(data=started),
        *(Draft(data=e.NoticeGiven(text=text)) for text in request.notices),
        *added(tasks, "plan" if request.tasks else "goal"),
    ]


def added(tasks: tuple[TaskSpec, ...], source: Source, cause: int | None = None) -> Drafts:
    """Drafts that add tasks."""
    return [Draft(data=e.TaskAdded(spec=spec, source=source), task=spec.id, cause=cause) for spec in tasks]


def _valid(tasks: tuple[TaskSpec, ...], known: tuple[str, ...]) -> None:
    _refuse(problems(tasks, known))


def _manned(state: State, run: Run, tasks: tuple[TaskSpec, ...]) -> None:
    crew = [agent.spec for agent in state.agents.values()]
    _refuse(missing_capabilities(crew, tasks, run.pattern, review=run.review))


def _refuse(found: list[Problem]) -> None:
    if found:
        raise Refused("; ".join(_told(problem) for problem in found[:3]), code="plan")


def _told(problem: Problem) -> str:
    where = f'task "{problem.task}": ' if problem.task else ""
    return f"{where}{problem.text}"


@_handles(c.ResumeRun)
def _resume(state: State, request: c.ResumeRun) -> Drafts:
    run = the_unfinished(state, request.version)
    return taken_up(run, "resumed by a person", unconfined=request.unconfined)


@_handles(c.StopRun)
def _stop(state: State, request: c.StopRun) -> Drafts:
    run = the_unfinished(state, request.version)
    if run.outcome == "stopped":
        return []
    return [*interruptions(run, request.reason, counted=False), Draft(data=rest(run, "stopped", request.reason))]


def interruptions(run: Run, reason: str, *, counted: bool) -> Drafts:
    """Take back everything that is assigned."""
    return [
        of(stage, e.StageInterrupted(stage=stage.id, lease=stage.lease, reason=reason, counted=counted))
        for stage in run.stages.values()
        if stage.agent
    ]


def rest(run: Run, outcome: Outcome, reason: str) -> e.RunEnded:
    """The fact that a run came to rest, with its sums."""
    return e.RunEnded(
        outcome=outcome,
        reason=reason,
        tasks={name: task.outcome or "unfinished" for name, task in run.tasks.items()},
        merged=tuple(e.Merged(task=name, commit=t.commit) for name, t in run.tasks.items() if t.commit),
        usage=run.tokens,
        usd=run.usd,
    )


# -- tasks ---------------------------------------------------------------------------------------------------------


@_handles(c.AddTasks)
def _add(state: State, request: c.AddTasks) -> Drafts:
    run = the_unfinished(state)
    _valid(request.tasks, tuple(run.tasks))
    _manned(state, run, request.tasks)
    return [*taken_up(run, "tasks were added"), *added(request.tasks, request.source, cause=run.seq)]


@_handles(c.ReviseTask)
def _revise(state: State, request: c.ReviseTask) -> Drafts:
    run = the_unfinished(state)
    task = the_task(state, request.spec.id, request.version)
    if task.outcome is not None:
        raise Refused(f'task "{request.spec.id}" is {task.outcome}; add a new task instead', code="over")
    if merging(run, task):
        raise Refused(f'task "{request.spec.id}" is being merged; add a new task to change more', code="over")
    if request.spec == task.spec:
        return []
    revised = {name: other.spec for name, other in run.tasks.items()} | {request.spec.id: request.spec}
    _valid(tuple(revised.values()), ())
    _manned(state, run, (request.spec,))
    return [Draft(data=e.TaskRevised(spec=request.spec), task=request.spec.id)]


@_handles(c.RetryTask)
def _retry(state: State, request: c.RetryTask) -> Drafts:
    run = the_run(state)
    task = the_task(state, request.task, request.version)
    if task.outcome == "done":
        raise Refused(f'task "{request.task}" is merged; add a new task to change more', code="over")
    if run.outcome == "verified":
        raise Refused(f"run {run.id} is over; start another with `quarterdeck run`", code="over")
    again = [Draft(data=e.TaskRetried(note=request.note), task=request.task)]
    return [*taken_up(run, f"{request.task} is tried again"), *again, *_unblocked(run, request.task)]


def _unblocked(run: Run, name: str) -> Drafts:
    found: Drafts = []
    waiting = [name]
    while waiting:
        for other in run.dependants.get(waiting.pop(), ()):
            if run.tasks[other].outcome == "blocked":
                found.append(Draft(data=e.TaskRetried(note=f"{name} is tried again"), task=other))
                waiting.append(other)
    return found


@_handles(c.CancelTask)
def _cancel(state: State, request: c.CancelTask) -> Drafts:
    run = the_unfinished(state)
    task = the_task(state, request.task, request.version)
    if task.outcome is not None:
        raise Refused(f'task "{request.task}" is {task.outcome} already', code="over")
    asked = Draft(data=e.TaskCancelAsked(note=request.note), task=request.task)
    return [*taken_up(run, f"{request.task} is cancelled"), asked]


@_handles(c.ReassignTask)
def _reassign(state: State, request: c.ReassignTask) -> Drafts:
    run = the_unfinished(state)
    task = the_task(state, request.task, request.version)
    if task.outcome == "done":
        raise Refused(f'task "{request.task}" is merged; add a new task to change more', code="over")
    agent = the_agent(state, request.to)
    if not {task.spec.kind, *task.spec.needs}.issubset(agent.spec.does):
        raise Refused(f'agent "{request.to}" does not do {", ".join((task.spec.kind, *task.spec.needs))}')
    taken = [
        of(
            run.stages[name],
            e.StageInterrupted(stage=name, lease=run.stages[name].lease, reason="reassigned", counted=False),
        )
        for name in task.open
        if run.stages[name].kind == "work" and run.stages[name].agent not in {"", request.to}
    ]
    pinned = Draft(data=e.TaskReassigned(to=request.to), task=request.task)
    return [*taken_up(run, f"{request.task} is reassigned"), *taken, pinned]


# -- agents --------------------------------------------------------------------------------------------------------


@_handles(c.PauseAgent)
def _pause(state: State, request: c.PauseAgent) -> Drafts:
    agent = the_agent(state, request.agent, request.version)
    if agent.held:
        raise Refused(f'agent "{request.agent}" is held since its {agent.held}; there is nothing to freeze')
    if agent.pause and not agent.paused_for:
        return []
    return [Draft(data=e.AgentPauseAsked(), agent=request.agent)]


@_handles(c.ResumeAgent)
def _resume_agent(state: State, request: c.ResumeAgent) -> Drafts:
    agent = the_agent(state, request.agent, request.version)
    run = the_run(state)
    if not (agent.pause or agent.held):
        return []
    resumed = e.AgentResumed()
    freed = of_step(state, agent, resumed) if agent.paused_for else Draft(data=resumed, agent=request.agent)
    up = run.outcome is not None and run.unfinished and run.outcome != "stopped"
    return [freed, *(taken_up(run, f"{request.agent} is back") if up else [])]


@_handles(c.StopAgent)
def _stop_agent(state: State, request: c.StopAgent) -> Drafts:
    agent = the_agent(state, request.agent, request.version)
    if agent.held:
        return []
    return [Draft(data=e.AgentHeld(how="stop", reason=request.reason), agent=request.agent)]


@_handles(c.BringBack)
def _bring_back(state: State, request: c.BringBack) -> Drafts:
    if not (request.ref and request.commit and request.branch):
        raise Refused(f'"{request.kept}" names no kept work here; `quarterdeck undo` lists it', code="unknown")
    run = state.run
    task = run.tasks.get(request.task) if run is not None and run.id == request.run else None
    carried = carries(state, request.run, request.task, request.kind)
    back = e.WorkBroughtBack(ref=request.ref, commit=request.commit, branch=request.branch, carried=carried)
    return [Draft(data=back, task=request.task if task is not None else "")]


def carries(state: State, run: str, task: str, kind: str) -> bool:
    """Whether kept work of that run, task and kind of step can be what the next round of the task begins with."""
    found = state.run.tasks.get(task) if state.run is not None and state.run.id == run else None
    return (
        found is not None
        and found.outcome != "done"
        and state.run is not None
        and state.run.unfinished
        and kind == "work"
    )


@_handles(c.SteerAgent)
def _steer(state: State, request: c.SteerAgent) -> Drafts:
    the_agent(state, request.agent)
    if not request.text.strip():
        raise Refused("there is nothing to say to it: the text is empty")
    return []
