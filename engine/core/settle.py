"""What a task should be doing, against what it is doing: the difference, as drafts. And when a run comes to rest."""

from __future__ import annotations

from engine.core import events as e
from engine.core.budgets import OF_TASK, spent_out
from engine.core.drafts import Draft, of
from engine.core.leave import name_of, wish
from engine.core.patterns import PATTERNS
from engine.core.requests import rest
from engine.core.routing import able
from engine.core.stages import AGENT_KINDS, Doing, Ended, View, Want, stage_id
from engine.core.state import ROOT, Run, Stage, State, Task
from engine.core.values import Outcome
from engine.core.waiting import short_of, waiting_stages

Drafts = list[Draft]


def step(state: State, run: Run, name: str, cause: int) -> Drafts:
    """Open, cancel or end what the pattern wants of one task now; nothing where it is as it should be."""
    task = run.task(name)
    if task.outcome is not None:
        return []
    wanted = PATTERNS[run.pattern](View(task, run, state.agents))
    if isinstance(wanted, Ended):
        return [*_cancelled(run, task, frozenset(), "the task is over"), *_end(run, task, wanted, cause)]
    return _difference(run, task, wanted, cause)


def _difference(run: Run, task: Task, wanted: Doing, cause: int) -> Drafts:
    by_id = {stage_id(run.id, task.spec.id, want): want for want in wanted.stages}
    drafts = _cancelled(run, task, frozenset(by_id), "it is not wanted any more")
    for name, want in by_id.items():
        if name not in task.open:
            drafts += _opened(name, task, want, cause)
    return drafts


def _cancelled(run: Run, task: Task, keep: frozenset[str], reason: str) -> Drafts:
    return [of(run.stages[name], e.StageCancelled(stage=name, reason=reason)) for name in task.open if name not in keep]


def _opened(name: str, task: Task, want: Want, cause: int) -> Drafts:
    opened = e.StageOpened(
        stage=name,
        kind=want.kind,
        round=want.round,
        lane=want.lane,
        needs=want.needs,
        agent=want.pin,
        avoid=want.avoid,
        due=want.due,
        why=want.why,
    )
    drafts = [Draft(data=opened, task=task.spec.id, attempt=want.round, cause=cause)]
    if want.kind == "ask":
        about = want.about or "question"
        asked = e.ApprovalAsked(stage=name, what=want.why, about=about, patch=want.patch)  # type: ignore[arg-type]
        drafts.append(Draft(data=asked, task=task.spec.id, attempt=want.round))
    return drafts


def _end(run: Run, task: Task, ended: Ended, cause: int) -> Drafts:
    over = e.TaskEnded(outcome=ended.outcome, reason=ended.reason, commit=ended.commit)
    attempt = task.round.number if task.round else 0
    drafts = [Draft(data=over, task=task.spec.id, attempt=attempt, cause=cause)]
    if task.spec.id == ROOT:
        outcome: Outcome = "verified" if ended.outcome == "done" else "failed"
        drafts.append(Draft(data=rest(run, outcome, ended.reason)))
    return drafts


def resting(state: State, run: Run) -> Draft | None:
    """The end of a run in which nothing can move without a person or money; None while something can.

    An agent that a person froze counts as moving: whoever froze it is at it. So does one that a provider lets wait, as
    it goes on by itself. One that waits for budget or leave does not: its step stays assigned, and rests.
    """
    waiting = waiting_stages(state, run)
    moving = sum(run.under_way.values()) > len(waiting)
    if moving or any(stage.kind == "wait" for stage in run.stages.values()):
        return None
    if not run.stages:
        return Draft(data=rest(run, "failed", "nothing is left to do, and yet it is not done: this is a defect"))
    spent = any(_only_spent(state, run, stage) for stage in run.stages.values())
    reasons = [_why(state, run, stage) for stage in run.stages.values()]
    told = "; ".join(dict.fromkeys(reasons[:20]))
    return Draft(data=rest(run, "budget" if spent else "needs_human", told))


def _only_spent(state: State, run: Run, stage: Stage) -> bool:
    """Is it for want of budget alone that a step is not taken, or does not go on?"""
    if stage.agent:
        return state.agents[stage.agent].waits == "budget"
    if stage.kind in AGENT_KINDS and spent_out(state, run, stage.task):
        return True
    ready = [agent for agent in able(state.agents.values(), run, stage) if not (agent.held or agent.pause)]
    return stage.kind in AGENT_KINDS and bool(ready) and all(agent.spent_out for agent in ready)


def _why(state: State, run: Run, stage: Stage) -> str:
    if stage.kind == "ask":
        return f"{stage.task} waits for a decision: {stage.why} (`quarterdeck approve {stage.task}`, or deny)"
    if stage.obstacle:
        return f"{stage.task} waits to be merged: {stage.obstacle}"
    if stage.agent:
        return _why_it_waits(state, run, stage)
    if stage.kind in AGENT_KINDS:
        return _why_unassigned(state, run, stage)
    return f"{stage.task} waits for its {stage.kind}"


def _why_it_waits(state: State, run: Run, stage: Stage) -> str:
    agent = state.agents[stage.agent]
    if agent.waits == "permission":
        asked = run.asked[agent.asking[0]]
        return f"{stage.task} waits for leave: {wish(asked)} (`quarterdeck approve {name_of(asked)}`, or deny)"
    return f"{stage.task} waits with {agent.spec.name}: {short_of(state, agent)}"


def _why_unassigned(state: State, run: Run, stage: Stage) -> str:
    scope = spent_out(state, run, stage.task)
    if scope:
        whose = (
            f"{stage.task} waits: the budget of {scope}" if scope.startswith(OF_TASK) else f"the budget of the {scope}"
        )
        return f"{whose} is used up (`quarterdeck budget raise {scope} AMOUNT`)"
    crew = able(state.agents.values(), run, stage)
    if not crew:
        return f"{stage.task} waits: no agent of the crew may do its {stage.kind}"
    spent = [agent.spec.name for agent in crew if agent.spent_out]
    if spent:
        names = ", ".join(spent)
        return f"{stage.task} waits: the budget of {names} is used up (`quarterdeck budget raise {spent[0]} AMOUNT`)"
    held = [agent.spec.name for agent in crew if agent.held or (agent.pause and not agent.paused_for)]
    if not held:
        return f"{stage.task} waits for {', '.join(agent.spec.name for agent in crew)}, which waits with another step"
    return f"{stage.task} waits: {', '.join(held)} held by a person (`quarterdeck resume {held[0]}`)"
