"""What a person owes a decision on, and what follows from it."""

from __future__ import annotations

from engine.core.stages import MAX_INTERRUPTIONS, Doing, Ended, Want
from engine.core.state import Approval, Review, Round, Run, Task

ATTEMPTS, RISK, INTERRUPTIONS = 0, 1, 2
"""Lanes of the ask stage of a round."""


def last_word(task: Task, patch: str) -> dict[str, Review]:
    """Each reviewer's latest verdict on this patch."""
    return {review.agent: review for review in task.reviews if patch and review.patch == patch}


def _answer(task: Task, round_: Round, lane: int) -> Approval | None:
    ending = f"/ask.{round_.number}.{lane}"
    return next((a for a in reversed(task.answers) if a.stage.endswith(ending) and a.granted is not None), None)


def out_of_attempts(task: Task, round_: Round) -> Doing | Ended:
    """All rounds are used up: the person grants one more, or ends the task."""
    attempts = f"{round_.number} attempt{'s' * (round_.number != 1)}"
    answer = _answer(task, round_, ATTEMPTS)
    if answer is not None and not answer.granted:
        return Ended(outcome="failed", reason=answer.why or f"given up after {attempts}")
    why = f"{attempts} did not get it done: {trouble(task, round_)}"
    return Doing((Want(kind="ask", round=round_.number, lane=ATTEMPTS, why=why, about="attempts"),))


def trouble(task: Task, round_: Round) -> str:
    """Why a round did not lead to a merge, in one line."""
    if round_.failure:
        return round_.failure
    if round_.checked is False:
        return round_.check_reason
    if round_.gated is False:
        return f"on the combined tree, {round_.gate_reason}"
    if round_.conflict:
        return f"conflicts in {', '.join(side.path for side in round_.conflict)}"
    rejected = [r for r in task.reviews if r.round == round_.number and r.verdict == "reject"]
    return f"{rejected[-1].agent} rejected it: {rejected[-1].remarks}" if rejected else "its change was judged before"


def interruption_ask(task: Task, round_: Round) -> Doing | Ended | None:
    """After too many interruptions that nobody is to blame for, a person looks before it begins yet again."""
    if round_.interruptions - round_.excused < MAX_INTERRUPTIONS:
        return None
    lane = INTERRUPTIONS + round_.excused
    answer = _answer(task, round_, lane)
    if answer is not None and not answer.granted:
        return Ended(outcome="failed", reason=answer.why or f"given up after {round_.interruptions} interruptions")
    why = f"interrupted {round_.interruptions} times in round {round_.number}; go on?"
    return Doing((Want(kind="ask", round=round_.number, lane=lane, why=why, about="interruptions"),))


def needs_consent(run: Run, task: Task, round_: Round) -> Doing | Ended | None:
    """A risky change needs a person's word to merge: for `confirm` once a task, for `review` for this very patch."""
    level = run.approvals.get(task.spec.risk, "auto")
    if level == "auto" or round_.change is None:
        return None
    patch = round_.change.patch
    consents = [a for a in task.answers if a.about in {"risk", "review"} and a.granted is not None]
    if level == "confirm" and any(a.granted for a in consents):
        return None
    if any(a.granted and a.patch == patch for a in consents):
        return None
    refused = next((a for a in consents if not a.granted and a.patch == patch), None)
    if refused is not None:
        return Ended(outcome="failed", reason=refused.why or "a person refused its merge")
    what = f"merge {task.spec.id} ({task.spec.risk} risk, +{round_.change.added} -{round_.change.removed})?"
    about = "review" if level == "review" else "risk"
    return Doing((Want(kind="ask", round=round_.number, lane=RISK, why=what, about=about, patch=patch),))
