"""How one task goes on, in every pattern whose work is one change by one author: work, check, review, merge.

Each function answers one question about the facts so far; the first that is still open says what should be under way.
"""

from __future__ import annotations

from itertools import count, islice

from engine.core.approvals import interruption_ask, last_word, needs_consent, out_of_attempts, withheld
from engine.core.evidence import proven
from engine.core.recovery import backoff
from engine.core.stages import MAX_INFRASTRUCTURE_FAILURES, Doing, Ended, View, Want
from engine.core.state import Review, Round


def progress(view: View, *, reviewers: int) -> Doing | Ended:
    """The steps of one task. `reviewers` is how many must agree; 0 means that none is asked."""
    round_ = view.round
    if round_ is not None and round_.merged:
        return _merged(view, round_)
    if round_ is not None and view.merging:
        return _merge(round_)
    ended = _over(view)
    if ended is not None:
        return ended
    if not view.ready:
        return Doing()
    if round_ is None:
        return _work(view, 1)
    interrupted = interruption_ask(view.task, round_)
    if interrupted is not None:
        return interrupted
    if round_.again or round_.failure or round_.checked is False or round_.gated is False or round_.conflict:
        return _again(view, round_)
    if round_.change is None:
        return _work(view, round_.number)
    if round_.checked is None:
        return Doing((Want(kind="check", round=round_.number),))
    return _judge(view, round_, reviewers)


def _over(view: View) -> Ended | None:
    if view.task.unwanted is not None:
        return Ended(outcome="cancelled", reason=view.task.unwanted)
    if view.blocked_by is not None:
        return Ended(outcome="blocked", reason=f"it needs {view.blocked_by}, which did not get done")
    return None


def _merged(view: View, round_: Round) -> Ended:
    if not proven(view.run, view.task, round_):
        return Ended(outcome="failed", reason=f"merged as {round_.merged} without evidence for exactly its tree")
    return Ended(outcome="done", commit=round_.merged)


def _work(view: View, number: int) -> Doing:
    spec = view.task.spec
    pin = view.task.pin or spec.agent
    return Doing((Want(kind="work", round=number, needs=(spec.kind, *spec.needs), pin=pin),))


def _again(view: View, round_: Round) -> Doing | Ended:
    """The next round, or the person: when attempts are used up it is theirs to say."""
    if round_.number >= view.run.limits.attempts + view.task.granted:
        return out_of_attempts(view.task, round_)
    if round_.blame == "agent" and not round_.waited:
        return Doing((Want(kind="wait", round=round_.number, due=backoff(view.task)),))
    return _work(view, round_.number + 1)


def _judge(view: View, round_: Round, reviewers: int) -> Doing | Ended:
    verdicts = _verdicts(view, round_)
    if any(review.verdict == "reject" for review in verdicts):
        return _again(view, round_)
    missing = reviewers - len(verdicts)
    if missing > 0:
        return _review(view, round_, missing)
    if withheld(view.task, round_) is not None:
        return _again(view, round_)
    ask = needs_consent(view.run, view.task, round_)
    if ask is not None:
        return ask
    if round_.merge_failures >= MAX_INFRASTRUCTURE_FAILURES:
        return Ended(outcome="failed", reason=f"it could not be merged: {round_.merge_reason}")
    return _merge(round_)


def _merge(round_: Round) -> Doing:
    return Doing((Want(kind="merge", round=round_.number, lane=round_.merge_failures),))


def _verdicts(view: View, round_: Round) -> list[Review]:
    """The last word of each reviewer on exactly this patch, in whatever round it was said."""
    patch = round_.change.patch if round_.change else ""
    return list(last_word(view.task, patch).values())


def _review(view: View, round_: Round, missing: int) -> Doing | Ended:
    if round_.review_failures >= MAX_INFRASTRUCTURE_FAILURES:
        return Ended(outcome="failed", reason=f"no verdict after {round_.review_failures} tries at a review")
    patch = round_.change.patch if round_.change else ""
    avoid = tuple(sorted({round_.author, *last_word(view.task, patch)}))
    return Doing(
        tuple(
            Want(kind="review", round=round_.number, lane=lane, needs=("review",), avoid=avoid, patch=patch)
            for lane in _review_lanes(view, round_, missing)
        )
    )


def _review_lanes(view: View, round_: Round, missing: int) -> list[int]:
    """Reviews under way keep their lanes, whichever ends first."""
    open_ = [stage.lane for stage in view.open if stage.kind == "review" and stage.round == round_.number]
    ended = round_.review_failures + sum(review.round == round_.number for review in view.task.reviews)
    fresh = (lane for lane in count(ended) if lane not in open_)
    return [*open_, *islice(fresh, missing)][:missing]
