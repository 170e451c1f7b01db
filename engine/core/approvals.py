"""What a person owes a decision on, and what follows from it."""

from __future__ import annotations

from engine.core.guarded import named
from engine.core.leave import wish
from engine.core.stages import MAX_INTERRUPTIONS, Doing, Ended, Want
from engine.core.state import Approval, Review, Round, Run, Task
from engine.core.values import Change, Guarded

ATTEMPTS, CONSENT, INTERRUPTIONS = 0, 1, 2
"""Lanes of the ask stage of a round."""


def waiting_approvals(run: Run) -> list[Approval]:
    """What a person owes, oldest first: decisions about tasks, and leave that agents wait for."""
    asks = [stage for stage in run.stages.values() if stage.kind == "ask"]
    found = [a for ask in asks for a in run.task(ask.task).answers if a.granted is None and a.stage == ask.id]
    found += [
        Approval(stage=asked.id, task=asked.task, what=wish(asked), about="permission", at=asked.at)
        for asked in run.asked.values()
        if asked.allow is None
    ]
    return sorted(found, key=lambda approval: approval.at)


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
    no = withheld(task, round_)
    if no is not None:
        return f"a person does not grant its change of {_files(round_.change)}{f': {no.why}' if no.why else ''}"
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


def withheld(task: Task, round_: Round) -> Approval | None:
    """A person's no to files that act unasked: the author is to leave them, in another round.

    It counts for its round. Whoever hands the same change in again has it asked again, and the person may think anew.
    """
    answer = _answer(task, round_, CONSENT)
    return answer if answer is not None and answer.about == "guarded" and not answer.granted else None


def needs_consent(run: Run, task: Task, round_: Round) -> Doing | Ended | None:
    """A change that needs a person's word to merge. Whatever it was asked for, a yes to this very patch is enough.

    Files that act unasked need it whatever the task's risk; else that says: `confirm` once a task, `review` each patch.
    """
    change = round_.change
    if change is None:
        return None
    consents = [a for a in task.answers if a.about in {"risk", "review", "guarded"} and a.granted is not None]
    if any(a.granted and a.patch == change.patch for a in consents):
        return None
    if change.guarded:
        return _ask(task, round_, change, "guarded", f", which changes {_files(change)}")
    level = run.approvals.get(task.spec.risk, "auto")
    if level == "auto" or (level == "confirm" and any(a.granted for a in consents)):
        return None
    refused = next((a for a in consents if not a.granted and a.patch == change.patch), None)
    if refused is not None:
        return Ended(outcome="failed", reason=refused.why or "a person refused its merge")
    return _ask(task, round_, change, "review" if level == "review" else "risk")


def _ask(task: Task, round_: Round, change: Change, about: str, more: str = "") -> Doing:
    what = f"merge {task.spec.id} ({task.spec.risk} risk, +{change.added} -{change.removed}){more}?"
    want = Want(kind="ask", round=round_.number, lane=CONSENT, why=what, about=about, patch=change.patch)
    return Doing((want,))


def held_files(run: Run, approval: Approval) -> tuple[Guarded, ...]:
    """The files that a decision about such files is on; empty for any other."""
    if approval.about != "guarded":
        return ()
    changes = (round_.change for round_ in run.task(approval.task).rounds)
    return next((made.guarded for made in changes if made is not None and made.patch == approval.patch), ())


def _files(change: Change | None) -> str:
    return named(change.guarded) if change is not None else ""
