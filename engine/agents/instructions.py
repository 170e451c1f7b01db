"""What an agent is told: the document behind QUARTERDECK_TASK, one builder a role.

Pure. The fields are the contract with every program that is an agent, so they are only ever added to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.core.values import AgentSpec, Feedback, TaskSpec


def work_instructions(
    spec: TaskSpec,
    *,
    run: str,
    goal: str,
    target: str,
    base: str,
    attempt: int,
    feedback: Sequence[Feedback] = (),
    write: Sequence[str] | None = None,
) -> dict[str, Any]:
    """A round of work. `base` is the commit the clone starts from; `feedback` is what earlier rounds left to mend.

    `write` are globs of what may change, None where that is not limited.
    """
    return _common(spec, role="work", run=run, goal=goal, target=target, base=base, attempt=attempt) | {
        "feedback": [_feedback(item) for item in feedback],
        "write": None if write is None else list(write),
    }


def review_instructions(
    spec: TaskSpec,
    *,
    run: str,
    goal: str,
    target: str,
    base: str,
    attempt: int,
    diff: Path,
    author: str,
    summary: str = "",
    feedback: Sequence[Feedback] = (),
) -> dict[str, Any]:
    """A review of the change that round `attempt` left. `diff` is the path of it as a patch against `base`."""
    return _common(spec, role="review", run=run, goal=goal, target=target, base=base, attempt=attempt) | {
        "change": {"diff": str(diff), "author": author, "summary": summary},
        "feedback": [_feedback(item) for item in feedback],
    }


def plan_instructions(
    spec: TaskSpec,
    *,
    run: str,
    goal: str,
    target: str,
    base: str,
    attempt: int,
    crew: Sequence[AgentSpec],
    feedback: Sequence[Feedback] = (),
) -> dict[str, Any]:
    """A plan for the goal, by somebody who should know what the crew can do."""
    return _common(spec, role="plan", run=run, goal=goal, target=target, base=base, attempt=attempt) | {
        "crew": [{"name": agent.name, "does": list(agent.does)} for agent in crew],
        "feedback": [_feedback(item) for item in feedback],
    }


def _common(spec: TaskSpec, *, role: str, run: str, goal: str, target: str, base: str, attempt: int) -> dict[str, Any]:
    return {
        "id": spec.id,
        "title": spec.title,
        "prompt": spec.prompt,
        "kind": spec.kind,
        "accept": list(spec.accept),
        "touches": list(spec.touches),
        "role": role,
        "attempt": attempt,
        "run": run,
        "goal": goal,
        "target": target,
        "base": base,
    }


def _feedback(item: Feedback) -> dict[str, Any]:
    return {
        "attempt": item.attempt,
        "kind": item.kind,
        "text": item.text,
        "by": item.by,
        "sides": [{"path": side.path, "ours": side.ours, "theirs": side.theirs} for side in item.sides],
    }
