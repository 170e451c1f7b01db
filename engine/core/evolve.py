"""`evolve(state, event)`: write down what an event says. One small function a kind of fact, no rule in any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from engine.core import events as e
from engine.core.evolve_spending import SPENDING, forget, outlive
from engine.core.state import ROOT, Agent, Approval, Review, Round, Run, Stage, State, Task, evidence_key
from engine.core.values import AgentSpec, TaskSpec

Fold = Callable[[State, e.Event, Any], None]
_FOLDS: dict[type[e.Fact], Fold] = {**SPENDING}
ASIDE = (
    e.UsageBooked, e.BudgetWarned, e.ProviderChanged, e.SessionOpened, e.PermissionAsked, e.PermissionGiven,
)  # fmt: skip
"""What comes by the dozen and moves nothing: it makes no request stale, and nothing later follows from it."""
ENGINE = "engine"
"""Who holds the engine's own steps: checks and merges."""


def _on(*facts: type[e.Fact]) -> Callable[[Fold], Fold]:
    def register(fold: Fold) -> Fold:
        _FOLDS.update(dict.fromkeys(facts, fold))
        return fold

    return register


def evolve(state: State, event: e.Event) -> State:
    """Fold one event in, in place. Raises KeyError where the event speaks of what was never recorded."""
    state.seq, state.at = event.seq, event.at
    fold = _FOLDS.get(type(event.data))
    if fold is not None:
        fold(state, event, event.data)
    if isinstance(event.data, ASIDE):
        return state
    run = state.run
    if run is not None and event.task:
        task = run.task(event.task)
        task.version += 1
        task.last, task.at = event.seq, event.at
    agent = state.agents.get(event.agent)
    if agent is not None:
        agent.version += 1
    return state


def _run(state: State) -> Run:
    if state.run is None:
        raise KeyError("no run")
    return state.run


def _round(state: State, event: e.Event) -> Round:
    rounds = _run(state).task(event.task).rounds
    return next(r for r in reversed(rounds) if r.number == event.attempt)


# -- the engine and the run ----------------------------------------------------------------------------------------


@_on(e.EngineStarted)
def _engine_started(state: State, _: e.Event, data: e.EngineStarted) -> None:
    state.epoch, state.pid, state.version = data.epoch, data.pid, data.version
    state.confinement, state.holes = data.confinement, data.holes
    state.up = True
    if state.run is not None:
        outlive(state.run)
    state.providers = {}


@_on(e.EngineStopped)
def _engine_stopped(state: State, _: e.Event, __: e.EngineStopped) -> None:
    state.up = False


@_on(e.RunStarted)
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


@_on(e.RunEnded)
def _run_ended(state: State, event: e.Event, data: e.RunEnded) -> None:
    run = _run(state)
    run.outcome, run.reason, run.ended = data.outcome, data.reason, event.at
    run.version += 1


@_on(e.RunResumed)
def _run_resumed(state: State, _: e.Event, data: e.RunResumed) -> None:
    run = _run(state)
    run.unconfined = run.unconfined or data.unconfined
    run.outcome, run.reason, run.ended = None, "", 0.0
    run.root.outcome, run.root.reason = None, ""
    run.version += 1


@_on(e.PlanRevised)
def _plan_revised(state: State, event: e.Event, data: e.PlanRevised) -> None:
    run = _run(state)
    run.planned = True
    run.version += 1
    if event.attempt:
        _round(state, event).planned = data.added


@_on(e.PlanRefused)
def _plan_refused(state: State, event: e.Event, data: e.PlanRefused) -> None:
    if event.attempt:
        _round(state, event).failure = data.reason


# -- tasks ---------------------------------------------------------------------------------------------------------


@_on(e.TaskAdded)
def _task_added(state: State, event: e.Event, data: e.TaskAdded) -> None:
    run = _run(state)
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


@_on(e.TaskRevised)
def _task_revised(state: State, _: e.Event, data: e.TaskRevised) -> None:
    run = _run(state)
    task = run.tasks[data.spec.id]
    for need in task.spec.after:
        run.dependants[need].remove(task.spec.id)
    task.spec = data.spec
    _link(run, task)


@_on(e.TaskRetried)
def _task_retried(state: State, event: e.Event, data: e.TaskRetried) -> None:
    run = _run(state)
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


@_on(e.TaskReassigned)
def _task_reassigned(state: State, event: e.Event, data: e.TaskReassigned) -> None:
    run = _run(state)
    task = run.task(event.task)
    task.pin = data.to
    for stage in task.open:
        if run.stages[stage].kind == "work":
            run.stages[stage].pin = data.to


@_on(e.TaskCancelAsked)
def _task_cancel_asked(state: State, event: e.Event, data: e.TaskCancelAsked) -> None:
    _run(state).task(event.task).unwanted = data.note or "cancelled by a person"


@_on(e.TaskEnded)
def _task_ended(state: State, event: e.Event, data: e.TaskEnded) -> None:
    run = _run(state)
    task = run.task(event.task)
    task.outcome, task.reason, task.commit = data.outcome, data.reason, data.commit
    if event.task == ROOT:
        return
    run.unended -= 1
    if data.outcome == "done":
        for name in run.dependants.get(event.task, ()):
            if event.task in run.tasks[name].unmet:
                run.tasks[name].unmet.remove(event.task)


# -- stages --------------------------------------------------------------------------------------------------------


@_on(e.StageOpened)
def _stage_opened(state: State, event: e.Event, data: e.StageOpened) -> None:
    run = _run(state)
    task = run.task(event.task)
    run.stages[data.stage] = Stage(
        id=data.stage,
        task=event.task,
        kind=data.kind,
        round=data.round,
        lane=data.lane,
        opened=event.seq,
        needs=data.needs,
        pin=data.agent,
        avoid=data.avoid,
        due=data.due,
        why=data.why,
        since=event.at,
    )
    task.open.append(data.stage)
    if task.round is None or task.round.number < data.round:
        task.rounds.append(Round(number=data.round))


@_on(e.StageAssigned)
def _stage_assigned(state: State, event: e.Event, data: e.StageAssigned) -> None:
    run = _run(state)
    stage = run.stages[data.stage]
    run.under_way[stage.kind] = run.under_way.get(stage.kind, 0) + 1
    stage.agent, stage.lease, stage.assigned = event.agent, data.lease, event.seq
    stage.since, stage.pid, stage.tree = event.at, 0, ""
    stage.obstacle, stage.paths = "", ()
    agent = state.agents.get(event.agent)
    if agent is not None:
        agent.stage, agent.since, agent.seq = data.stage, event.at, event.seq
        agent.done += 1
        agent.limited = None
    if stage.kind == "work":
        round_ = _round(state, event)
        round_.author = event.agent
        round_.begun += 1


def _release(state: State, stage: Stage, event: e.Event) -> None:
    if stage.agent:
        _run(state).under_way[stage.kind] -= 1
    agent = state.agents.get(stage.agent)
    if agent is not None and agent.stage == stage.id:
        agent.stage, agent.since, agent.seq = "", event.at, event.seq
        agent.asking = []
    stage.agent, stage.pid, stage.tree, stage.since = "", 0, "", event.at


@_on(e.StageInterrupted)
def _stage_interrupted(state: State, event: e.Event, data: e.StageInterrupted) -> None:
    stage = _run(state).stages[data.stage]
    _round(state, event).interruptions += data.counted
    _release(state, stage, event)
    forget(_run(state), stage.id, outlived=False)


@_on(e.StageClosed, e.StageCancelled)
def _stage_closed(state: State, event: e.Event, data: e.StageClosed | e.StageCancelled) -> None:
    run = _run(state)
    stage = run.stages.pop(data.stage)
    _release(state, stage, event)
    run.task(stage.task).open.remove(data.stage)
    forget(run, stage.id, outlived=True)
    if stage.kind == "wait":
        _round(state, event).waited = True


# -- what the stages found -----------------------------------------------------------------------------------------


@_on(e.AttemptStarted)
def _attempt_started(state: State, event: e.Event, data: e.AttemptStarted) -> None:
    stage = _run(state).stages[data.stage]
    stage.pid, stage.tree = data.pid, data.tree
    if stage.kind == "work":
        _round(state, event).carried = data.carried
    agent = state.agents.get(event.agent)
    if agent is not None:
        agent.seq, agent.since, agent.gone = event.seq, event.at, False


@_on(e.AttemptClaimed)
def _attempt_claimed(state: State, event: e.Event, data: e.AttemptClaimed) -> None:
    round_ = _round(state, event)
    round_.change, round_.summary, round_.author = data.change, data.summary, event.agent
    task = _run(state).task(event.task)
    if task.brought == round_.carried:
        task.brought = ""


@_on(e.AttemptFailed)
def _attempt_failed(state: State, event: e.Event, data: e.AttemptFailed) -> None:
    round_ = _round(state, event)
    round_.failure, round_.detail, round_.blame = data.reason, data.detail, data.blame


@_on(e.CheckPassed)
def _check_passed(state: State, event: e.Event, data: e.CheckPassed) -> None:
    run, round_ = _run(state), _round(state, event)
    for check in data.runs:
        run.evidence[evidence_key(check.tree, check.command, check.env)] = event.seq
    if data.at_gate:
        round_.gated, round_.gates = True, data.runs
    else:
        round_.checked, round_.checks = True, data.runs


@_on(e.CheckFailed)
def _check_failed(state: State, event: e.Event, data: e.CheckFailed) -> None:
    round_ = _round(state, event)
    if data.at_gate:
        round_.gated, round_.gate_reason, round_.gates = False, data.reason, data.runs
    else:
        round_.checked, round_.check_reason, round_.checks = False, data.reason, data.runs


@_on(e.ReviewGiven)
def _review_given(state: State, event: e.Event, data: e.ReviewGiven) -> None:
    run = _run(state)
    task = run.task(event.task)
    task.reviews.append(
        Review(
            round=event.attempt,
            lane=run.stages[data.stage].lane,
            agent=event.agent,
            verdict=data.verdict,
            patch=data.patch,
            remarks=data.remarks,
        )
    )
    for stage in (run.stages[name] for name in task.open):
        if stage.kind == "review":
            stage.avoid = (*stage.avoid, event.agent)


@_on(e.ReviewFailed)
def _review_failed(state: State, event: e.Event, _: e.ReviewFailed) -> None:
    _round(state, event).review_failures += 1


@_on(e.MergeDone)
def _merge_done(state: State, event: e.Event, data: e.MergeDone) -> None:
    round_ = _round(state, event)
    round_.merged, round_.merged_tree = data.commit, data.tree


@_on(e.MergeConflicted)
def _merge_conflicted(state: State, event: e.Event, data: e.MergeConflicted) -> None:
    _round(state, event).conflict = data.sides


@_on(e.MergeWaiting)
def _merge_waiting(state: State, event: e.Event, data: e.MergeWaiting) -> None:
    stage = _run(state).stages[data.stage]
    _release(state, stage, event)
    stage.obstacle, stage.paths = data.reason, data.paths
    _round(state, event).gated = None  # nothing moved: the gate is run again, on whatever the target is then


@_on(e.MergeCleared)
def _merge_cleared(state: State, event: e.Event, data: e.MergeCleared) -> None:
    stage = _run(state).stages[data.stage]
    stage.obstacle, stage.paths, stage.since = "", (), event.at


@_on(e.MergeFailed)
def _merge_failed(state: State, event: e.Event, data: e.MergeFailed) -> None:
    round_ = _round(state, event)
    round_.merge_failures += 1
    round_.merge_reason = data.reason


# -- agents --------------------------------------------------------------------------------------------------------


def _agent(state: State, event: e.Event) -> Agent:
    agent = state.agents[event.agent]
    agent.since, agent.seq = event.at, event.seq
    return agent


@_on(e.AgentPauseAsked)
def _pause_asked(state: State, event: e.Event, data: e.AgentPauseAsked) -> None:
    agent = _agent(state, event)
    agent.pause = agent.pause or "asked"
    agent.paused_for, agent.until, agent.reason = data.why, data.until, data.reason
    agent.scope, agent.needed = data.scope, data.needed


def _thaw(agent: Agent) -> None:
    agent.pause, agent.paused_for, agent.until, agent.reason = "", "", 0.0, ""
    agent.scope, agent.needed = "", None


@_on(e.AgentPaused)
def _paused(state: State, event: e.Event, _: e.AgentPaused) -> None:
    _agent(state, event).pause = "frozen"


@_on(e.AgentResumed)
def _resumed(state: State, event: e.Event, _: e.AgentResumed) -> None:
    agent = _agent(state, event)
    _thaw(agent)
    agent.held, agent.ending, agent.proof = "", False, ""
    agent.limited = None


@_on(e.LimitReached)
def _limit_reached(state: State, event: e.Event, data: e.LimitReached) -> None:
    agent = state.agents.get(event.agent)
    if agent is not None:  # a check is nobody's
        agent.limited = data.limit


@_on(e.AgentHeld)
def _held(state: State, event: e.Event, data: e.AgentHeld) -> None:
    agent = _agent(state, event)
    _thaw(agent)
    agent.held = data.how
    agent.ending = data.how == "stop"


@_on(e.AgentStopped)
def _stopped(state: State, event: e.Event, data: e.AgentStopped) -> None:
    agent = _agent(state, event)
    agent.proof, agent.gone, agent.ending = data.proof, True, False


@_on(e.AgentKilled)
def _killed(state: State, event: e.Event, data: e.AgentKilled) -> None:
    agent = _agent(state, event)
    agent.proof, agent.gone, agent.ending = data.proof, data.gone, False


@_on(e.WorkKept)
def _work_kept(state: State, _: e.Event, data: e.WorkKept) -> None:
    if data.ref not in state.kept:
        state.kept.append(data.ref)


@_on(e.WorkDropped)
def _work_dropped(state: State, event: e.Event, data: e.WorkDropped) -> None:
    state.kept = [ref for ref in state.kept if ref not in data.refs]
    state.dropped, state.dropped_at = state.dropped + len(data.refs), event.at


@_on(e.WorkBroughtBack)
def _brought_back(state: State, event: e.Event, data: e.WorkBroughtBack) -> None:
    if data.carried:
        _run(state).task(event.task).brought = data.commit


# -- approvals, messages -------------------------------------------------------------------------------------------


@_on(e.ApprovalAsked)
def _approval_asked(state: State, event: e.Event, data: e.ApprovalAsked) -> None:
    task = _run(state).task(event.task)
    task.answers = [a for a in task.answers if a.stage != data.stage or a.granted is not None]  # asked again
    task.answers.append(
        Approval(stage=data.stage, task=event.task, what=data.what, about=data.about, at=event.at, patch=data.patch)
    )


@_on(e.ApprovalGiven)
def _approval_given(state: State, event: e.Event, data: e.ApprovalGiven) -> None:
    run = _run(state)
    task = run.task(event.task)
    approval = next(a for a in reversed(task.answers) if a.stage == data.stage)
    approval.granted, approval.why = data.granted, data.why
    if data.granted and approval.about == "attempts":
        task.granted += 1
    if data.granted and approval.about == "interruptions":
        _round(state, event).excused = _round(state, event).interruptions


@_on(e.MessageAccepted)
def _message_accepted(state: State, _: e.Event, data: e.MessageAccepted) -> None:
    state.messages[data.id] = "accepted"


@_on(e.MessageDelivered)
def _message_delivered(state: State, _: e.Event, data: e.MessageDelivered) -> None:
    state.messages[data.id] = data.state
