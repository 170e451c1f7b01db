"""One task as `status --json` shows it. Pure."""

from __future__ import annotations

from typing import Any

from engine.core.approvals import trouble
from engine.core.evidence import Grade, grade, required
from engine.core.state import Round, Run, Stage, Task

_UNDER_WAY = {"merge": "merging", "check": "checking", "review": "reviewing", "work": "running"}
"""The state of a task while a step of this kind is under way; of several, the first counts."""


def task_status(run: Run, task: Task, *, now: float, live: bool) -> dict[str, Any]:
    """The object of one task. `live`: an engine is there, so what is assigned is at work."""
    graded = grade(run, task)
    word, stage = _state(run, task, live=live)
    since = _since(run, task, stage)
    return {
        "id": task.spec.id,
        "title": task.spec.title,
        "kind": task.spec.kind,
        "state": word,
        "after": list(task.spec.after),
        "agent": _agent(task, stage, live=live),
        "attempts": task.round.number if task.round is not None else 0,
        "outcome": graded or None,
        "evidence": _evidence(run, task, graded, stage),
        "commit": task.commit or (task.round.merged if task.round is not None else "") or None,
        "reason": task.reason or None,
        "since": since,
        "age": round(max(0.0, now - since), 3),
        "event": task.last or task.added,
        "version": task.version,
    }


def _state(run: Run, task: Task, *, live: bool) -> tuple[str, Stage | None]:
    """Its state, and the open step that it comes from."""
    if task.outcome is not None:
        return task.outcome, None
    stages = [run.stages[name] for name in task.open]
    waits = next((stage for stage in stages if stage.kind == "ask" or stage.obstacle), None)
    if waits is not None:
        return "needs_human", waits
    under_way = {stage.kind: stage for stage in stages if stage.agent and live}
    for kind, word in _UNDER_WAY.items():
        if kind in under_way:
            return word, under_way[kind]
    first = stages[0] if stages else None
    if first is None or first.kind == "wait":
        return "waiting", first
    return ("ready" if first.kind == "work" else "claimed"), first


def _since(run: Run, task: Task, stage: Stage | None) -> float:
    return (stage.since if stage is not None else task.at) or run.started


def _agent(task: Task, stage: Stage | None, *, live: bool) -> str | None:
    if live and stage is not None and stage.agent not in {"", "engine"}:
        return stage.agent
    return (task.round.author if task.round is not None else "") or task.pin or task.spec.agent


def _evidence(run: Run, task: Task, graded: Grade, stage: Stage | None) -> str:
    """What its state rests on, in a sentence."""
    if stage is not None and (stage.why or stage.obstacle):
        return stage.obstacle or stage.why
    if task.round is not None and graded:
        return _graded(run, task, task.round, graded)
    if task.outcome is not None:
        return task.reason
    if task.unmet:
        return f"waits for {', '.join(task.unmet)}"
    if stage is not None and stage.kind == "wait":
        return f"tried again after {stage.due:g} s"
    if stage is None:
        return "waits for the check of the base"
    return f"held by {stage.agent}" if stage.agent else "waits for a free agent"


def _graded(run: Run, task: Task, round_: Round, graded: Grade) -> str:
    if graded == "verified":
        commands = ", ".join(f"`{command}`" for command in required(run, task))
        return f"{commands} passed on tree {round_.merged_tree[:12]}, which is what was merged"
    if graded == "refuted":
        return trouble(task, round_)
    if graded == "stale":
        return trouble(task, round_) if round_.conflict else "what was merged is not what the checks passed on"
    return f"{round_.author} says so in round {round_.number}; {_so_far(task, round_)}"


def _so_far(task: Task, round_: Round) -> str:
    patch = round_.change.patch if round_.change is not None else ""
    approved = [review.agent for review in task.reviews if review.patch == patch and review.verdict == "approve"]
    said = ["its check passed" if round_.checked else "not checked yet"]
    return ", ".join(said + ([f"approved by {', '.join(approved)}"] if approved else []))
