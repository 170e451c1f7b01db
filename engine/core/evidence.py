"""What is proven: evidence belongs to exactly one tree, command and environment, and nothing else vouches for it.

claimed: an agent says so. verified: checks passed on exactly this. stale: they passed, but on something that has moved
since. refuted: a check or a reviewer found otherwise.
"""

from __future__ import annotations

from typing import Literal

from engine.core.state import Round, Run, Task, evidence_of

Grade = Literal["", "claimed", "verified", "stale", "refuted"]


def required(run: Run, task: Task) -> tuple[str, ...]:
    """The shell lines that must pass for a task: the project's gate, then the task's own."""
    return (*run.check, *task.spec.accept)


def proven(run: Run, task: Task, round_: Round) -> bool:
    """Did every required line pass on exactly the tree that was merged?

    At this round's last gate, as a rule; else at any other time: a merge that is found was made by an engine that died,
    or by a git that outlived it, and the last gate may have been on what the target was meanwhile.
    """
    passed = {gate.command for gate in round_.gates if gate.passed and gate.tree == round_.merged_tree}
    needed = set(required(run, task))
    if not needed <= passed:
        passed = {command for tree, _, command in map(evidence_of, run.evidence) if tree == round_.merged_tree}
    return needed <= passed


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
