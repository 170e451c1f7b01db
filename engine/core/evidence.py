"""What is proven: evidence belongs to exactly one tree, command and environment, and nothing else vouches for it.

claimed: an agent says so. verified: checks passed on exactly this. stale: they passed, but on something that has moved
since. refuted: a check or a reviewer found otherwise.
"""

from __future__ import annotations

from typing import Literal

from engine.core.state import Round, Run, Task, evidence_key

Grade = Literal["", "claimed", "verified", "stale", "refuted"]


def required(run: Run, task: Task) -> tuple[str, ...]:
    """The shell lines that must pass for a task: the project's gate, then the task's own."""
    return (*run.check, *task.spec.accept)


def proven(run: Run, task: Task, round_: Round) -> bool:
    """Did every required line pass on exactly the tree that was merged?"""
    passed = {gate.command for gate in round_.gates if gate.passed and gate.tree == round_.merged_tree}
    recorded = all(
        evidence_key(gate.tree, gate.command, gate.env) in run.evidence for gate in round_.gates if gate.passed
    )
    return bool(round_.gated) and recorded and passed.issuperset(required(run, task))


def grade(run: Run, task: Task) -> Grade:
    """How far a task's latest claim is to be believed."""
    round_ = task.round
    if round_ is None:
        return ""
    if round_.merged:
        return "verified" if proven(run, task, round_) else "stale"
    if round_.change is None:
        return "refuted" if round_.failure else ""
    rejected = any(r.verdict == "reject" and r.patch == round_.change.patch for r in task.reviews)
    if round_.checked is False or round_.gated is False or rejected:
        return "refuted"
    if round_.conflict:
        return "stale"
    return "claimed"
