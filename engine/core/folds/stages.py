"""Steps: opened, given, taken back, over; and what they found."""

from __future__ import annotations

from engine.core import events as e
from engine.core.folds.registry import Folds, the_round, the_run
from engine.core.folds.spending import forget
from engine.core.state import Review, Round, Stage, State, evidence_key

STAGES = Folds()


@STAGES.on(e.StageOpened)
def _stage_opened(state: State, event: e.Event, data: e.StageOpened) -> None:
    run = the_run(state)
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


@STAGES.on(e.StageAssigned)
def _stage_assigned(state: State, event: e.Event, data: e.StageAssigned) -> None:
    run = the_run(state)
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
        round_ = the_round(state, event)
        round_.author = event.agent
        round_.begun += 1


def _release(state: State, stage: Stage, event: e.Event) -> None:
    if stage.agent:
        the_run(state).under_way[stage.kind] -= 1
    agent = state.agents.get(stage.agent)
    if agent is not None and agent.stage == stage.id:
        agent.stage, agent.since, agent.seq = "", event.at, event.seq
        agent.asking = []
    stage.agent, stage.pid, stage.tree, stage.since = "", 0, "", event.at


@STAGES.on(e.StageInterrupted)
def _stage_interrupted(state: State, event: e.Event, data: e.StageInterrupted) -> None:
    stage = the_run(state).stages[data.stage]
    the_round(state, event).interruptions += data.counted
    _release(state, stage, event)
    forget(the_run(state), stage.id, outlived=False)


@STAGES.on(e.StageClosed, e.StageCancelled)
def _stage_closed(state: State, event: e.Event, data: e.StageClosed | e.StageCancelled) -> None:
    run = the_run(state)
    stage = run.stages.pop(data.stage)
    _release(state, stage, event)
    run.task(stage.task).open.remove(data.stage)
    forget(run, stage.id, outlived=True)
    if stage.kind == "wait":
        the_round(state, event).waited = True


# -- what the stages found -----------------------------------------------------------------------------------------


@STAGES.on(e.AttemptStarted)
def _attempt_started(state: State, event: e.Event, data: e.AttemptStarted) -> None:
    stage = the_run(state).stages[data.stage]
    stage.pid, stage.tree = data.pid, data.tree
    if stage.kind == "work":
        the_round(state, event).carried = data.carried
    agent = state.agents.get(event.agent)
    if agent is not None:
        agent.seq, agent.since, agent.gone = event.seq, event.at, False


@STAGES.on(e.AttemptClaimed)
def _attempt_claimed(state: State, event: e.Event, data: e.AttemptClaimed) -> None:
    round_ = the_round(state, event)
    round_.change, round_.summary, round_.author = data.change, data.summary, event.agent
    task = the_run(state).task(event.task)
    if task.brought == round_.carried:
        task.brought = ""


@STAGES.on(e.AttemptFailed)
def _attempt_failed(state: State, event: e.Event, data: e.AttemptFailed) -> None:
    round_ = the_round(state, event)
    round_.failure, round_.detail, round_.blame = data.reason, data.detail, data.blame


@STAGES.on(e.CheckPassed)
def _check_passed(state: State, event: e.Event, data: e.CheckPassed) -> None:
    run, round_ = the_run(state), the_round(state, event)
    for check in data.runs:
        run.evidence[evidence_key(check.tree, check.command, check.env)] = event.seq
    if data.at_gate:
        round_.gated, round_.gates = True, data.runs
    else:
        round_.checked, round_.checks = True, data.runs


@STAGES.on(e.CheckFailed)
def _check_failed(state: State, event: e.Event, data: e.CheckFailed) -> None:
    round_ = the_round(state, event)
    if data.at_gate:
        round_.gated, round_.gate_reason, round_.gates = False, data.reason, data.runs
    else:
        round_.checked, round_.check_reason, round_.checks = False, data.reason, data.runs


@STAGES.on(e.ReviewGiven)
def _review_given(state: State, event: e.Event, data: e.ReviewGiven) -> None:
    run = the_run(state)
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


@STAGES.on(e.ReviewFailed)
def _review_failed(state: State, event: e.Event, _: e.ReviewFailed) -> None:
    the_round(state, event).review_failures += 1


@STAGES.on(e.MergeDone)
def _merge_done(state: State, event: e.Event, data: e.MergeDone) -> None:
    round_ = the_round(state, event)
    round_.merged, round_.merged_tree = data.commit, data.tree


@STAGES.on(e.MergeConflicted)
def _merge_conflicted(state: State, event: e.Event, data: e.MergeConflicted) -> None:
    the_round(state, event).conflict = data.sides


@STAGES.on(e.MergeWaiting)
def _merge_waiting(state: State, event: e.Event, data: e.MergeWaiting) -> None:
    stage = the_run(state).stages[data.stage]
    _release(state, stage, event)
    stage.obstacle, stage.paths = data.reason, data.paths
    the_round(state, event).gated = None  # nothing moved: the gate is run again, on whatever the target is then


@STAGES.on(e.MergeCleared)
def _merge_cleared(state: State, event: e.Event, data: e.MergeCleared) -> None:
    stage = the_run(state).stages[data.stage]
    stage.obstacle, stage.paths, stage.since = "", (), event.at


@STAGES.on(e.MergeFailed)
def _merge_failed(state: State, event: e.Event, data: e.MergeFailed) -> None:
    round_ = the_round(state, event)
    round_.merge_failures += 1
    round_.merge_reason = data.reason
