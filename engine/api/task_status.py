"""One task as `status --json` shows it. Pure; the words are the core's own."""

from __future__ import annotations

from typing import Any

from engine.api.sums import amount, usage
from engine.core.budgets import of_task as budget_of
from engine.core.standing import of_task
from engine.core.state import Run, State, Task


def task_status(state: State, run: Run, task: Task, *, now: float, live: bool) -> dict[str, Any]:
    """The object of one task. `live`: an engine is there, so what is assigned is at work."""
    stands = of_task(state, run, task, live=live)
    return {
        "id": task.spec.id,
        "title": task.spec.title,
        "kind": task.spec.kind,
        "state": stands.word,
        "after": list(task.spec.after),
        "agent": stands.agent or None,
        "attempts": task.round.number if task.round is not None else 0,
        "outcome": stands.graded or None,
        "evidence": stands.evidence,
        "tokens": usage(task.tokens),
        "usd": task.usd,
        "budget": amount(budget_of(run, task).limit),
        "commit": stands.commit or None,
        "reason": task.reason or None,
        "since": stands.since,
        "age": round(max(0.0, now - stands.since), 3),
        "event": stands.event,
        "version": task.version,
    }
