"""What follows at once from a hand's report. A report is never refused: late or doubled ones are written down as such.

A result becomes the fact it is, and closes its stage; what comes next is for the patterns to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import agent_reports as agents
from engine.core import commands as c
from engine.core import events as e
from engine.core.drafts import Draft, closed, of
from engine.core.leave import asked_for
from engine.core.lookup import AT_REST, stirred
from engine.core.metering import parked, provider, short, spent, unparked
from engine.core.plans import beyond_a_planner, problems
from engine.core.requests import added, interruptions, rest
from engine.core.state import Agent, Round, Run, Stage, State
from engine.core.values import TaskSpec

Drafts = list[Draft]


def handle_report(state: State, report: c.Reports) -> Drafts:
    """The drafts a report leads to; none where it changes nothing."""
    return _HANDLERS[type(report)](state, report)


# -- the engine ----------------------------------------------------------------------------------------------------


def _came_up(state: State, report: c.CameUp) -> Drafts:
    started = e.EngineStarted(
        epoch=report.epoch,
        pid=report.pid,
        version=report.version,
        confinement=report.confinement,
        holes=report.holes,
    )
    drafts = [Draft(data=started)]
    run = state.run
    if run is not None:
        drafts += interruptions(run, "the engine ended" if state.up else "the engine was stopped", counted=state.up)
    for name, how in report.held.items():
        agent = state.agents.get(name)
        if agent is not None and not agent.held:
            drafts.append(Draft(data=e.AgentHeld(how=how, reason="while no engine was there"), agent=name))
    # A pause ends with the processes it froze; a hold written meanwhile stands.
    thawed = [name for name, agent in state.agents.items() if agent.pause and name not in report.held]
    drafts += [Draft(data=e.AgentResumed(), agent=name) for name in thawed]
    begin = [name for name, agent in state.agents.items() if _begins_again(agent, report)]
    if begin and run is not None and run.outcome in AT_REST:
        drafts.append(Draft(data=e.RunResumed(reason=f"{', '.join(begin)} may go on")))
    return drafts


def _begins_again(agent: Agent, report: c.CameUp) -> bool:
    """Does an agent of a run at rest have something to do again: it was paused by a person, or waited for leave?"""
    return agent.spec.name not in report.held and agent.paused_for != "budget" and bool(agent.pause or agent.asking)


def _goes_down(state: State, report: c.GoesDown) -> Drafts:
    run = state.run
    stopped = Draft(data=e.EngineStopped(reason=report.reason))
    if run is None or run.outcome is not None:
        return [stopped]
    return [
        *interruptions(run, report.reason, counted=False),
        Draft(data=rest(run, "stopped", report.reason)),
        stopped,
    ]


# -- results of stages ---------------------------------------------------------------------------------------------


def _ignored(state: State, stage: str, lease: int, reason: str) -> Drafts:
    _, _, rest = stage.partition("/")
    task = rest.rpartition("/")[0]
    known = state.run is not None and task in state.run.tasks
    return [Draft(data=e.ResultIgnored(stage=stage, lease=lease, reason=reason), task=task if known else "")]


def _leased(state: State, name: str, lease: int) -> Stage | str:
    """The stage, if it is open and this is the lease in force; else why not."""
    stage = state.run.stages.get(name) if state.run is not None else None
    if stage is None:
        return "the stage is closed"
    if stage.lease != lease or (not stage.agent and stage.kind != "wait"):
        return f"lease {lease} is over"
    return stage


def _finished(state: State, report: c.Finished) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    if isinstance(stage, str) or state.run is None:
        return _ignored(state, report.stage, report.lease, str(stage))
    goes_on = stirred(state.run, f"a step of {stage.task} ended")
    return [*goes_on, *_RESULTS[type(report.result)](state.run, stage, report.result)]


def _closed(stage: Stage, result: str, *facts: e.Data, agent: str | None = None) -> Drafts:
    return [*(of(stage, fact, agent=agent) for fact in facts), closed(stage, result)]


def _worked(_: Run, stage: Stage, result: c.Worked) -> Drafts:
    claimed = e.AttemptClaimed(
        stage=stage.id, change=result.change, summary=result.summary, confidence=result.confidence
    )
    return _closed(stage, "claimed", claimed, agent=result.author or stage.agent)


def _broke(_: Run, stage: Stage, result: c.Broke) -> Drafts:
    if stage.kind == "review":
        return _closed(stage, "failed", e.ReviewFailed(stage=stage.id, reason=result.reason))
    if stage.kind == "merge":
        return _closed(stage, "failed", e.MergeFailed(stage=stage.id, reason=result.reason))
    if stage.kind == "check":
        return _closed(stage, "failed", e.CheckFailed(stage=stage.id, runs=(), reason=result.reason))
    failed = e.AttemptFailed(
        stage=stage.id, reason=result.reason, detail=result.detail, blame=result.blame, kept=result.kept
    )
    return _closed(stage, "failed", failed)


def _planned(run: Run, stage: Stage, result: c.Planned) -> Drafts:
    given = e.PlanGiven(stage=stage.id, tasks=result.tasks, summary=result.summary)
    wrong = result.problem or _plan_problem(run, result.tasks)
    if wrong:
        return _closed(stage, "refused", given, e.PlanRefused(source="planner", reason=wrong))
    revised = e.PlanRevised(source="planner", added=tuple(spec.id for spec in result.tasks), note=result.summary)
    return [*_closed(stage, "planned", given, revised), *added(result.tasks, "planner")]


def _plan_problem(run: Run, tasks: tuple[TaskSpec, ...]) -> str:
    found = [*problems(tasks, tuple(run.tasks)), *beyond_a_planner(tasks, run.pattern, review=run.review)]
    return "; ".join(f'task "{p.task}": {p.text}' if p.task else p.text for p in found[:3])


def _checked(_: Run, stage: Stage, result: c.Checked) -> Drafts:
    at_gate = stage.kind == "merge"
    if result.reason:
        failed = e.CheckFailed(stage=stage.id, runs=result.runs, reason=result.reason, at_gate=at_gate)
        return _closed(stage, "failed", failed)
    return _closed(stage, "passed", e.CheckPassed(stage=stage.id, runs=result.runs, at_gate=at_gate))


def _round_of(run: Run, stage: Stage) -> Round:
    return next(r for r in run.task(stage.task).rounds if r.number == stage.round)


def _reviewed(run: Run, stage: Stage, result: c.Reviewed) -> Drafts:
    change = _round_of(run, stage).change
    if change is None or change.patch != result.patch:
        return _closed(stage, "failed", e.ReviewFailed(stage=stage.id, reason="it judged another change"))
    given = e.ReviewGiven(stage=stage.id, verdict=result.verdict, patch=result.patch, remarks=result.remarks)
    return _closed(stage, result.verdict, given)


def _merge_made(run: Run, stage: Stage, result: c.MergeMade) -> Drafts:
    done = e.MergeDone(
        stage=stage.id,
        commit=result.commit,
        tree=result.tree,
        parent=result.parent,
        target=run.target,
        found=result.found,
    )
    return _closed(stage, "merged", done, agent=_round_of(run, stage).author)


def _conflicted(_: Run, stage: Stage, result: c.Conflicted) -> Drafts:
    fact = e.MergeConflicted(stage=stage.id, parent=result.parent, sides=result.sides)
    return _closed(stage, "conflicted", fact)


def _obstructed(_: Run, stage: Stage, result: c.Obstructed) -> Drafts:
    return [of(stage, e.MergeWaiting(stage=stage.id, reason=result.reason, paths=result.paths))]


def _waited(_: Run, stage: Stage, __: c.Waited) -> Drafts:
    return _closed(stage, "waited")


def _interrupted(_: Run, stage: Stage, result: c.Interrupted) -> Drafts:
    interrupted = e.StageInterrupted(stage=stage.id, lease=stage.lease, reason=result.reason, counted=result.counted)
    return [of(stage, interrupted)]


_RESULTS: dict[type[c.Report], Callable[[Run, Stage, Any], Drafts]] = {
    c.Worked: _worked,
    c.Broke: _broke,
    c.Planned: _planned,
    c.Checked: _checked,
    c.Reviewed: _reviewed,
    c.MergeMade: _merge_made,
    c.Conflicted: _conflicted,
    c.Obstructed: _obstructed,
    c.Waited: _waited,
    c.Interrupted: _interrupted,
}


def _began(state: State, report: c.Began) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    if isinstance(stage, str):
        return []
    return [
        of(
            stage,
            e.AttemptStarted(
                stage=stage.id, lease=report.lease, pid=report.pid, tree=report.tree, carried=report.carried
            ),
        )
    ]


def _asked_leave(state: State, report: c.AskedLeave) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    return [] if isinstance(stage, str) else asked_for(state, stage, report)


def _opened(state: State, report: c.Opened) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    if isinstance(stage, str):
        return []
    return [of(stage, e.SessionOpened(session=report.session, version=report.version, model=report.model))]


def _gate_passed(state: State, report: c.GatePassed) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    if isinstance(stage, str):
        return _ignored(state, report.stage, report.lease, stage)
    return [of(stage, e.CheckPassed(stage=stage.id, runs=report.runs, at_gate=True))]


def _cleared(state: State, report: c.Cleared) -> Drafts:
    run = state.run
    stage = run.stages.get(report.stage) if run is not None else None
    if stage is None or run is None or not stage.obstacle:
        return []
    return [*stirred(run, "the way is clear"), of(stage, e.MergeCleared(stage=stage.id))]


def _bit(state: State, report: c.Bit) -> Drafts:
    stage = _leased(state, report.stage, report.lease)
    return [] if isinstance(stage, str) else [of(stage, e.LimitReached(stage=stage.id, limit=report.limit))]


_HANDLERS: dict[type[c.Report], Callable[[State, Any], Drafts]] = {
    c.CameUp: _came_up,
    c.GoesDown: _goes_down,
    c.Began: _began,
    c.Finished: _finished,
    c.GatePassed: _gate_passed,
    c.Cleared: _cleared,
    c.Froze: agents.froze,
    c.Ended: agents.ended,
    c.Killed: agents.killed,
    c.Bit: _bit,
    c.PutAside: agents.put_aside,
    c.Dropped: agents.dropped,
    c.Steered: agents.steered,
    c.Spent: spent,
    c.Short: short,
    c.Parked: parked,
    c.Unparked: unparked,
    c.Provider: provider,
    c.AskedLeave: _asked_leave,
    c.Opened: _opened,
    c.Took: agents.took,
    c.TurnedAway: agents.turned_away,
    c.Read: agents.read,
    c.Barred: agents.barred,
    c.Noticed: agents.noticed,
}
