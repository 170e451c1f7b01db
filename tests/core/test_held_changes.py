"""A change of files that act unasked waits for a person, whatever its task's risk; a no sends it back to its author."""

from __future__ import annotations

import pytest
from support.by_hand import CREW, ByHand, task

from engine.core import commands as c
from engine.core import events as e
from engine.core.recovery import feedback
from engine.core.values import Limits, Side

CI = ".github/workflows/ci.yml"
RUNS = f"{CI} (it runs on a push, where secrets are)"


def held(*names: str, patch: str = "", **fields: object) -> ByHand:
    """A change that waits for its approval."""
    hand = ByHand.started(task("a", review=False), **fields)
    hand.works("a/work.1.0", "a.py", *(names or (CI,)), patch=patch)
    hand.checks("a/check.1.0")
    return hand


def test_it_waits_after_its_check_and_review_and_before_its_merge():
    hand = ByHand.started(task("a"))
    hand.works("a/work.1.0", CI)
    assert list(hand.assigned()) == ["a/check.1.0"]
    hand.checks("a/check.1.0")
    assert list(hand.assigned()) == ["a/review.1.0"]
    hand.reviews("a/review.1.0")
    assert (hand.assigned(), hand.waiting()) == ({}, ["a/ask.1.1"])
    assert hand.run.outcome == "needs_human"


def test_the_question_names_the_files_and_why():
    hand = held(CI, ".envrc")
    (asked,) = [event.data for event in hand.last if isinstance(event.data, e.ApprovalAsked)]
    assert (asked.about, asked.patch) == ("guarded", "p-a.1")
    assert asked.what == (
        "merge a (low risk, +0 -0), which changes .envrc (it runs when the folder is entered or opened); " + RUNS + "?"
    )


@pytest.mark.parametrize("level", ["auto", "confirm", "review"])
def test_a_yes_merges_it_and_is_enough_whatever_the_risk_asks_for(level):
    hand = held(approvals={"low": level})
    hand.do(c.Answer(approval="a", granted=True))
    assert list(hand.assigned()) == ["a/merge.1.0"]


def test_a_change_of_other_files_is_not_held():
    hand = held("src/a.py")
    assert list(hand.assigned()) == ["a/merge.1.0"]


def test_a_no_is_feedback_that_says_which_files_to_leave():
    hand = held(CI)
    hand.do(c.Answer(approval="a", granted=False, why="the pipeline is ours"))
    assert hand.assigned() == {"a/work.2.0": "ann"}
    (item,) = feedback(hand.task("a"))
    assert (item.attempt, item.kind) == (1, "person")
    assert item.text == (
        f"a person does not grant the change of {RUNS}: leave these as they are at the base. "
        "They say: the pipeline is ours"
    )


def test_a_no_without_a_reason_says_so_too():
    hand = held()
    hand.do(c.Answer(approval="a", granted=False))
    assert [item.text for item in feedback(hand.task("a"))] == [
        f"a person does not grant the change of {RUNS}: leave these as they are at the base"
    ]


def test_the_next_round_without_those_files_is_merged_unasked():
    hand = held()
    hand.do(c.Answer(approval="a", granted=False))
    hand.works("a/work.2.0", "a.py")
    hand.checks("a/check.2.0")
    assert list(hand.assigned()) == ["a/merge.2.0"]


def test_a_no_when_attempts_are_used_up_is_the_person_s_to_go_on_from():
    hand = held(limits=Limits(attempts=1))
    hand.do(c.Answer(approval="a", granted=False, why="no"))
    assert hand.asked() == [f"1 attempt did not get it done: a person does not grant its change of {RUNS}: no"]
    hand.do(c.Answer(approval="a", granted=False))
    assert hand.task("a").outcome == "failed"


def test_the_same_change_handed_in_again_is_asked_again_and_may_be_granted_then():
    hand = held(patch="same")
    hand.do(c.Answer(approval="a", granted=False))
    hand.works("a/work.2.0", CI, patch="same")
    hand.checks("a/check.2.0")
    assert hand.waiting() == ["a/ask.2.1"]
    hand.do(c.Answer(approval="a", granted=True))
    assert list(hand.assigned()) == ["a/merge.2.0"]


def test_a_yes_is_for_exactly_this_patch():
    hand = held(patch="one")
    hand.do(c.Answer(approval="a", granted=True))
    hand.finish("a/merge.1.0", c.Conflicted(parent="p", sides=(Side(path=CI, ours="1", theirs="2"),)))
    hand.works("a/work.2.0", CI, patch="other")
    hand.checks("a/check.2.0")
    assert hand.waiting() == ["a/ask.2.1"]


def test_a_yes_holds_when_a_later_round_leaves_the_patch_as_it_was():
    hand = held(patch="one")
    hand.do(c.Answer(approval="a", granted=True))
    hand.finish("a/merge.1.0", c.Conflicted(parent="p", sides=(Side(path="a.py", ours="1", theirs="2"),)))
    hand.works("a/work.2.0", CI, patch="one")
    hand.checks("a/check.2.0")
    assert list(hand.assigned()) == ["a/merge.2.0"]


def test_a_yes_to_the_risk_of_an_earlier_patch_does_not_let_it_through():
    hand = ByHand.started(task("a", review=False, risk="medium"), approvals={"medium": "confirm"})
    hand.works("a/work.1.0", "a.py")
    hand.checks("a/check.1.0")
    hand.do(c.Answer(approval="a", granted=True))
    hand.checks("a/merge.1.0", "red together")
    hand.works("a/work.2.0", "a.py", CI)
    hand.checks("a/check.2.0")
    assert hand.asked()[0].startswith("merge a (medium risk, +0 -0), which changes .github/")


def test_the_no_to_a_mere_risk_ends_the_task_as_ever():
    hand = held("a.py", approvals={"low": "review"})
    hand.do(c.Answer(approval="a", granted=False, why="not this"))
    assert (hand.task("a").outcome, hand.task("a").reason) == ("failed", "not this")


def test_it_is_still_held_after_the_engine_ended():
    hand = held()
    hand.do(c.GoesDown(reason="down"))
    hand.do(c.CameUp(epoch=2, pid=2, version="0", confinement="unconfined"))
    hand.do(c.ResumeRun())
    assert hand.waiting() == ["a/ask.1.1"]
    hand.do(c.Answer(approval="a", granted=True))
    assert list(hand.assigned()) == ["a/merge.1.0"]


def test_a_reviewer_that_rejects_sends_it_back_before_a_person_is_asked():
    hand = ByHand.started(task("a"), crew=CREW)
    hand.works("a/work.1.0", CI)
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0", "reject", "no")
    assert hand.assigned() == {"a/work.2.0": "ann"}
