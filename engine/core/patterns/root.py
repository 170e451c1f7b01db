"""The run as the root task: the gate on the base, then a plan where one is wanted, then the children until all end."""

from __future__ import annotations

from engine.core.approvals import interruption_ask
from engine.core.stages import MAX_INFRASTRUCTURE_FAILURES, Doing, Ended, View, Want, based


def coordinate(view: View, *, plans: bool) -> Doing | Ended:
    """What the run itself is at, for every pattern whose tasks are independent of each other's results."""
    run = view.run
    if not based(run):
        return _base(view)
    plan = _plan(view) if plans and not run.planned else None
    if isinstance(plan, Doing) or run.unended:
        return plan if isinstance(plan, Doing) else Doing()
    return plan or _sum_up(view)


def _base(view: View) -> Doing | Ended:
    first = view.task.rounds[0] if view.task.rounds else None
    if first is not None and first.checked is False:
        return Ended(
            outcome="failed",
            reason=f"the gate is red on the base, before any work: {first.check_reason}; mend it, or start with "
            "--allow-red",
        )
    asked = interruption_ask(view.task, first) if first is not None else None
    return asked or Doing((Want(kind="check", round=0),))


def _plan(view: View) -> Doing | Ended:
    latest = view.round
    number = latest.number if latest else 0
    if number and latest is not None and latest.failure:
        if number >= min(view.run.limits.attempts, MAX_INFRASTRUCTURE_FAILURES):
            return Ended(outcome="failed", reason=f"no plan after {number} attempts: {latest.failure}")
        number += 1
    asked = interruption_ask(view.task, latest) if number and latest is not None and not latest.failure else None
    return asked or Doing((Want(kind="plan", round=max(number, 1), needs=("plan",)),))


def _sum_up(view: View) -> Ended:
    tasks = view.run.tasks.values()
    if not tasks:
        return Ended(outcome="failed", reason="a plan without tasks")
    bad = [task for task in tasks if task.outcome in {"failed", "blocked"}]
    if bad:
        told = "; ".join(f"{task.spec.id} {task.outcome}: {task.reason}" for task in bad[:3])
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        return Ended(outcome="failed", reason=f"{told}{more}")
    done = [task for task in tasks if task.outcome == "done"]
    if not done:
        return Ended(outcome="failed", reason="nothing was merged: every task was cancelled")
    return Ended(outcome="done", reason=f"{len(done)} task{'s' * (len(done) != 1)} merged, each on a green gate")
