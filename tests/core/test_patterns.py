"""How one task goes on, pattern by pattern."""

from __future__ import annotations

import pytest
from support.by_hand import BUILDERS, CREW, ByHand, agent, task

from engine.core import commands as c
from engine.core.errors import Refused
from engine.core.evidence import required
from engine.core.recovery import feedback
from engine.core.values import Limits, Side


def test_a_solo_run_makes_the_goal_its_one_task_and_asks_no_reviewer():
    hand = ByHand.started(crew=CREW, pattern="solo")
    assert list(hand.run.tasks) == ["goal"]
    hand.works("goal/work.1.0")
    hand.checks("goal/check.1.0")
    assert list(hand.assigned()) == ["goal/merge.1.0"]
    hand.merges("goal/merge.1.0")
    assert (hand.run.outcome, hand.run.reason) == ("verified", "1 task merged, each on a green gate")


def test_a_solo_task_is_reviewed_where_it_asks_for_it():
    hand = ByHand.started(task("a", review=True), pattern="solo")
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    assert hand.assigned() == {"a/review.1.0": "rev"}


def test_a_pipeline_goes_from_work_to_check_to_review_to_merge():
    hand = ByHand.started(task("a"))
    assert hand.assigned() == {"a/work.1.0": "ann"}
    hand.works("a/work.1.0")
    assert hand.assigned() == {"a/check.1.0": "engine"}
    hand.checks("a/check.1.0")
    assert hand.assigned() == {"a/review.1.0": "rev"}
    hand.reviews("a/review.1.0")
    assert hand.assigned() == {"a/merge.1.0": "engine"}
    hand.merges("a/merge.1.0")
    assert (hand.task("a").outcome, hand.task("a").commit) == ("done", "m-a.1")


def test_a_task_or_a_run_can_do_without_review():
    for hand in (ByHand.started(task("a", review=False)), ByHand.started(task("a"), review=False)):
        hand.works("a/work.1.0")
        hand.checks("a/check.1.0")
        assert list(hand.assigned()) == ["a/merge.1.0"]


def test_the_first_finished_piece_is_reviewed_while_others_are_worked_on():
    hand = ByHand.started(task("a"), task("b"))
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    assert hand.assigned() == {"b/work.1.0": "bob", "a/review.1.0": "rev"}


def test_a_dependant_begins_when_all_it_comes_after_is_merged():
    hand = ByHand.started(task("a"), task("b"), task("c", "a", "b"))
    hand.does("a")
    assert not any(name.startswith("c/") for name in hand.run.stages)
    hand.does("b")
    assert list(hand.assigned()) == ["c/work.1.0"]


def test_parallel_reviews_are_given_to_two_reviewers_at_once_and_both_must_agree():
    hand = ByHand.started(task("a"), crew=(*CREW, agent("second", "review")), pattern="parallel")
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    assert hand.assigned() == {"a/review.1.0": "rev", "a/review.1.1": "second"}
    hand.reviews("a/review.1.1")
    assert hand.assigned() == {"a/review.1.0": "rev"}, "a review under way keeps its lane"
    hand.reviews("a/review.1.0")
    assert list(hand.assigned()) == ["a/merge.1.0"]


def test_one_rejection_ends_the_round_and_calls_the_other_review_off():
    hand = ByHand.started(task("a"), crew=(*CREW, agent("second", "review")), pattern="parallel")
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.1", "reject", "no")
    assert hand.assigned() == {"a/work.2.0": "ann"}


def test_nobody_takes_both_reviews_of_a_change():
    hand = ByHand.started(task("a"), crew=(*CREW, agent("second", "review")), pattern="parallel")
    hand.do(c.StopAgent(agent="second"))
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0")
    assert hand.waiting() == ["a/review.1.1"]
    assert "second held by a person" in hand.run.reason


def test_parallel_makes_do_with_one_reviewer():
    hand = ByHand.started(task("a"), pattern="parallel")
    hand.does("a")
    assert hand.task("a").outcome == "done"


def test_a_failed_review_is_tried_again_in_a_lane_of_its_own_and_three_times_at_most():
    hand = ByHand.started(task("a"))
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    for lane in range(3):
        hand.crashes(f"a/review.1.{lane}")
    assert (hand.task("a").outcome, hand.task("a").reason) == ("failed", "no verdict after 3 tries at a review")


def test_a_verdict_on_another_change_does_not_count():
    hand = ByHand.started(task("a"))
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.finish("a/review.1.0", c.Reviewed(verdict="approve", patch="something else"))
    assert hand.assigned() == {"a/review.1.1": "rev"}


def test_a_review_survives_a_round_that_leaves_the_patch_as_it_was():
    hand = ByHand.started(task("a"))
    hand.works("a/work.1.0", patch="same")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0")
    hand.finish("a/merge.1.0", c.Conflicted(parent="p", sides=(Side(path="x", ours="1", theirs="2"),)))
    hand.works("a/work.2.0", patch="same")
    hand.checks("a/check.2.0")
    assert list(hand.assigned()) == ["a/merge.2.0"]


# -- retries -------------------------------------------------------------------------------------------------------------


def fails_its_check(hand: ByHand) -> None:
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0", "2 tests failed")


def is_rejected(hand: ByHand) -> None:
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0", "reject", "name it better")


def fails_its_gate(hand: ByHand) -> None:
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0")
    hand.checks("a/merge.1.0", "red together")


def conflicts(hand: ByHand) -> None:
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.reviews("a/review.1.0")
    hand.finish("a/merge.1.0", c.Conflicted(parent="p", sides=(Side(path="x.py", ours="1", theirs="2"),)))


@pytest.mark.parametrize(
    ("trouble", "kind", "told"),
    [
        (fails_its_check, "check", "2 tests failed"),
        (is_rejected, "review", "name it better"),
        (fails_its_gate, "gate", "red together"),
        (conflicts, "conflict", "the target changed the same lines in x.py; bring both intentions together"),
    ],
)
def test_what_went_wrong_goes_back_to_the_author_at_once(trouble, kind, told):
    hand = ByHand.started(task("a"))
    trouble(hand)
    assert hand.assigned() == {"a/work.2.0": "ann"}
    (item,) = feedback(hand.task("a"))
    assert (item.attempt, item.kind, item.text.startswith(told)) == (1, kind, True)


def test_an_agent_that_gave_up_tries_again_at_once_and_a_crash_waits_longer_each_time():
    hand = ByHand.started(task("a"), limits=Limits(attempts=5))
    hand.gives_up("a/work.1.0")
    assert hand.assigned() == {"a/work.2.0": "ann"}
    for number, seconds in ((2, 1.0), (3, 2.0), (4, 4.0)):
        hand.crashes(f"a/work.{number}.0")
        assert hand.assigned() == {}
        assert hand.stage(f"a/wait.{number}.0").due == seconds
        hand.finish(f"a/wait.{number}.0", c.Waited())
    assert hand.assigned() == {"a/work.5.0": "ann"}


def test_used_up_attempts_are_a_question_for_a_person():
    hand = ByHand.started(task("a"), limits=Limits(attempts=1))
    hand.gives_up("a/work.1.0")
    assert hand.asked() == ["1 attempt did not get it done: too hard"]
    assert hand.run.outcome == "needs_human"
    assert "quarterdeck approve a" in hand.run.reason


def test_a_yes_grants_one_more_round_and_its_words_are_told_to_the_agent():
    hand = ByHand.started(task("a"), limits=Limits(attempts=1))
    hand.gives_up("a/work.1.0")
    hand.do(c.Answer(approval="a", granted=True, why="use the other parser"))
    assert (hand.run.outcome, hand.assigned()) == (None, {"a/work.2.0": "ann"})
    assert feedback(hand.task("a"))[-1].text == "use the other parser"
    hand.gives_up("a/work.2.0")
    assert hand.asked() == ["2 attempts did not get it done: too hard"]


def test_a_no_ends_the_task_and_blocks_what_comes_after_it():
    hand = ByHand.started(task("a"), task("b", "a"), limits=Limits(attempts=1))
    hand.gives_up("a/work.1.0")
    hand.do(c.Answer(approval="a/ask.1.0", granted=False, why="not worth it"))
    assert (hand.task("a").outcome, hand.task("a").reason) == ("failed", "not worth it")
    assert (hand.task("b").outcome, hand.task("b").reason) == ("blocked", "it needs a, which did not get done")
    assert hand.run.outcome == "failed"


def test_an_interruption_is_no_attempt_and_the_fifth_is_a_question():
    hand = ByHand.started(task("a"), limits=Limits(attempts=1))
    for _ in range(4):
        hand.finish("a/work.1.0", c.Interrupted(reason="the keeper was lost"))
    assert list(hand.assigned()) == ["a/work.1.0"]
    hand.finish("a/work.1.0", c.Interrupted(reason="the keeper was lost"))
    assert hand.asked() == ["interrupted 5 times in round 1; go on?"]
    hand.do(c.Answer(approval="a", granted=True))
    assert list(hand.assigned()) == ["a/work.1.0"]


def test_a_check_of_the_base_that_is_always_interrupted_is_a_question_too():
    hand = ByHand.started(task("a"), based=False)
    for _ in range(5):
        hand.finish("_/check.0.0", c.Interrupted(reason="the keeper was lost"))
    assert hand.run.outcome == "needs_human"
    hand.do(c.Answer(approval="_", granted=True))
    assert list(hand.assigned()) == ["_/check.0.0"]
    given, ended = (
        next(event for event in hand.last if event.kind == kind) for kind in ("approval_given", "stage_closed")
    )
    assert ended.cause == given.seq  # and so `why` reaches back to what was asked


def test_a_merge_that_breaks_is_made_again_three_times_at_most():
    hand = ByHand.started(task("a", review=False))
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    for lane in range(3):
        hand.finish(f"a/merge.1.{lane}", c.Broke(reason="git would not"))
    assert (hand.task("a").outcome, hand.task("a").reason) == ("failed", "it could not be merged: git would not")


# -- the run as a whole --------------------------------------------------------------------------------------------------


def test_nothing_begins_before_the_gate_has_run_on_the_base():
    hand = ByHand.started(task("a"), based=False)
    assert hand.assigned() == {"_/check.0.0": "engine"}


def test_a_red_base_ends_the_run_before_any_work():
    hand = ByHand.started(task("a"), based=False)
    hand.checks("_/check.0.0", "1 failed")
    assert hand.run.outcome == "failed"
    assert "the gate is red on the base, before any work: 1 failed" in hand.run.reason
    assert "--allow-red" in hand.run.reason


def test_a_red_base_may_be_allowed():
    hand = ByHand.started(task("a"), based=False, allow_red=True)
    hand.checks("_/check.0.0", "1 failed")
    assert list(hand.assigned()) == ["a/work.1.0"]


def test_without_a_check_a_run_is_refused():
    with pytest.raises(Refused, match="no check is configured"):
        ByHand.started(task("a"), check=(), based=False)


PLANNERS = (*CREW, agent("plan", "plan"))


def test_a_goal_without_a_plan_is_planned_first_and_the_plan_becomes_tasks():
    hand = ByHand.started(crew=PLANNERS)
    assert hand.assigned() == {"_/plan.1.0": "plan"}
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("a"), task("b", "a")), summary="two steps"))
    assert list(hand.run.tasks) == ["a", "b"]
    assert hand.task("a").source == "planner"
    assert hand.assigned() == {"a/work.1.0": "ann"}


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ((), "a plan without tasks"),
        ((task("a", "b"), task("b", "a")), "cycle: a -> b -> a"),
        ((task("a", "nowhere"),), 'there is no task "nowhere"'),
        ((task("a"), task("a")), "given to two tasks"),
    ],
)
def test_a_bad_plan_is_refused_whole_and_planned_again_with_the_reason(tasks, told):
    hand = ByHand.started(crew=PLANNERS)
    hand.finish("_/plan.1.0", c.Planned(tasks=tasks))
    assert hand.run.tasks == {}
    assert hand.assigned() == {"_/plan.2.0": "plan"}
    assert told in feedback(hand.task("_"))[0].text


def test_a_planner_can_not_take_the_review_of_its_tasks_away():
    hand = ByHand.started(crew=PLANNERS)
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("a", review=True), task("b", review=False))))
    assert hand.run.tasks == {}
    assert 'task "b": a planner can not take its review away' in feedback(hand.task("_"))[0].text


def test_a_planner_may_say_that_nobody_reviews_where_nobody_would():
    hand = ByHand.started(crew=PLANNERS, review=False)
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("a", review=False),)))
    assert list(hand.run.tasks) == ["a"]


def test_a_person_s_plan_may_take_a_review_away():
    assert ByHand.started(task("a", review=False)).run.tasks["a"].spec.review is False


def test_lines_that_a_planner_adds_come_besides_the_gate():
    hand = ByHand.started(crew=PLANNERS, check=("gate",))
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("a", accept=("true", "gate")),)))
    assert required(hand.run, hand.task("a")) == ("gate", "true", "gate")


def test_a_planner_that_never_gets_it_right_fails_the_run():
    hand = ByHand.started(crew=PLANNERS)
    for number in (1, 2, 3):
        hand.finish(f"_/plan.{number}.0", c.Planned(tasks=()))
    assert (hand.run.outcome, hand.run.reason) == ("failed", "no plan after 3 attempts: a plan without tasks")


def test_a_task_added_while_the_planner_is_at_work_leaves_it_its_work():
    hand = ByHand.started(crew=PLANNERS)
    hand.do(c.AddTasks(tasks=(task("mine"),)))
    assert hand.assigned() == {"_/plan.1.0": "plan", "mine/work.1.0": "ann"}
    hand.does("mine")
    assert hand.run.outcome is None
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("a", "mine"),)))
    hand.does("a")
    assert hand.run.outcome == "verified"


def test_a_plan_that_repeats_a_task_of_the_run_is_refused():
    hand = ByHand.started(crew=PLANNERS)
    hand.do(c.AddTasks(tasks=(task("mine"),)))
    hand.finish("_/plan.1.0", c.Planned(tasks=(task("mine"),)))
    assert "the run has this task already" in feedback(hand.task("_"))[0].text


def test_a_run_whose_every_task_was_cancelled_did_nothing_and_failed():
    hand = ByHand.started(task("a"))
    hand.do(c.CancelTask(task="a"))
    assert (hand.run.outcome, hand.run.reason) == ("failed", "nothing was merged: every task was cancelled")


def test_a_merge_without_evidence_for_its_tree_is_never_done():
    hand = ByHand.started(task("a", review=False), crew=BUILDERS)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.gate_passes("a/merge.1.0")
    hand.finish("a/merge.1.0", c.MergeMade(commit="m", tree="another", parent="p"))
    assert hand.task("a").outcome == "failed"
    assert "without evidence" in hand.task("a").reason


def test_the_tasks_own_lines_must_pass_on_the_merged_tree_too():
    hand = ByHand.started(task("a", review=False, accept=("more",)), crew=BUILDERS)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.gate_passes("a/merge.1.0", "true", "more")
    hand.finish("a/merge.1.0", hand.made("a/merge.1.0"))
    assert hand.task("a").outcome == "done"
