"""What people ask: approvals, budgets, the plan, and what is refused in which words."""

from __future__ import annotations

import msgspec
import pytest
from support.by_hand import CREW, ByHand, agent, task

from engine.core import commands as c
from engine.core.errors import Refused
from engine.core.values import Amount, Limits, Tokens

# -- approvals by risk ---------------------------------------------------------------------------------------------------

LEVELS = {"medium": "confirm", "high": "review"}


def up_to_its_merge(risk: str) -> ByHand:
    hand = ByHand.started(task("a", risk=risk, review=False), approvals=LEVELS)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    return hand


def red_at_the_gate(hand: ByHand) -> None:
    hand.checks("a/merge.1.0", "red")
    hand.works("a/work.2.0")
    hand.checks("a/check.2.0")


def test_low_risk_merges_without_asking():
    assert list(up_to_its_merge("low").assigned()) == ["a/merge.1.0"]


@pytest.mark.parametrize("risk", ["medium", "high"])
def test_risk_is_asked_about_before_the_merge(risk):
    hand = up_to_its_merge(risk)
    assert hand.asked() == [f"merge a ({risk} risk, +0 -0)?"]
    assert hand.run.outcome == "needs_human"
    hand.do(c.Answer(approval="ask.1.1", granted=True))
    assert list(hand.assigned()) == ["a/merge.1.0"]


def test_a_confirmed_task_is_not_asked_about_again_and_a_reviewed_change_is():
    for risk, again in (("medium", False), ("high", True)):
        hand = up_to_its_merge(risk)
        hand.do(c.Answer(approval="a", granted=True))
        red_at_the_gate(hand)
        assert bool(hand.asked()) is again


def test_a_refused_merge_fails_and_a_retry_is_a_new_round():
    hand = up_to_its_merge("high")
    hand.do(c.Answer(approval="a", granted=False, why="too risky"))
    assert (hand.task("a").outcome, hand.task("a").reason) == ("failed", "too risky")
    hand.do(c.RetryTask(task="a"))
    assert list(hand.assigned()) == ["a/work.2.0"]


def test_a_question_that_was_taken_back_and_asked_again_is_one_question():
    hand = up_to_its_merge("high")
    hand.do(c.AddTasks(tasks=(task("b"),)))
    hand.do(c.CancelTask(task="a"))
    hand.do(c.RetryTask(task="a"))
    assert len(hand.asked()) == 1
    hand.do(c.Answer(approval="a", granted=True))
    assert "a/merge.1.0" in hand.assigned()


def test_an_answer_to_nothing_names_what_waits():
    hand = up_to_its_merge("high")
    with pytest.raises(Refused, match=r'no approval "b": there is r/a/ask\.1\.1'):
        hand.do(c.Answer(approval="b", granted=True))


# -- budgets -------------------------------------------------------------------------------------------------------------


def spend(hand: ByHand, who: str, tokens: int, usd: str = "0") -> None:
    hand.do(c.Spent(agent=who, task="a", tokens=Tokens(input=tokens), usd=usd))


def test_a_run_at_its_line_starts_nothing_and_asks_for_money():
    hand = ByHand.started(task("a"), limits=Limits(budget=Amount(usd="1")), review=False)
    spend(hand, "ann", 10, "0.60")
    assert hand.run.outcome is None
    spend(hand, "ann", 10, "0.40")
    assert hand.kinds() == ["usage_booked", "budget_reached"]
    hand.gives_up("a/work.1.0")
    assert hand.run.outcome == "budget"
    assert "quarterdeck budget raise run" in hand.run.reason


def test_a_raise_takes_the_run_up_and_one_that_is_too_small_does_not():
    hand = ByHand.started(task("a"), limits=Limits(budget=Amount(tokens=10)), review=False)
    spend(hand, "ann", 30)
    hand.gives_up("a/work.1.0")
    hand.do(c.RaiseBudget(scope="run", amount=Amount(tokens=5)))
    assert (hand.run.outcome, hand.assigned()) == ("budget", {})
    hand.do(c.RaiseBudget(scope="run", amount=Amount(tokens=50)))
    assert (hand.run.outcome, list(hand.assigned())) == (None, ["a/work.2.0"])


def test_an_agent_at_its_line_is_passed_over():
    crew = (agent("ann", budget=Amount(tokens=5)), agent("bob"))
    hand = ByHand.started(task("a"), crew=crew, review=False)
    spend(hand, "ann", 5)
    hand.gives_up("a/work.1.0")
    assert hand.assigned() == {"a/work.2.0": "bob"}


def test_a_run_whose_only_able_agent_is_at_its_line_rests_for_its_budget():
    hand = ByHand.started(task("a"), crew=(agent("ann", budget=Amount(tokens=5)),), review=False)
    spend(hand, "ann", 5)
    hand.gives_up("a/work.1.0")
    assert hand.run.outcome == "budget"
    assert "the budget of ann is used up" in hand.run.reason
    hand.do(c.RaiseBudget(scope="ann", amount=Amount(tokens=5)))
    assert hand.assigned() == {"a/work.2.0": "ann"}


# -- the plan changes while it runs --------------------------------------------------------------------------------------


def test_a_task_can_be_added_while_the_run_goes_on():
    hand = ByHand.started(task("a"), review=False)
    hand.do(c.AddTasks(tasks=(task("b", "a"),)))
    hand.does("a")
    hand.does("b")
    assert hand.run.outcome == "verified"


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ((task("b"), task("b")), 'task "b": given to two tasks'),
        ((task("a"),), 'task "a": the run has this task already'),
        ((task("b", "nowhere"),), 'task "b": there is no task "nowhere"'),
        ((task("b", needs=("cobol",)),), 'task "b": nobody does "cobol"'),
        ((task("b", agent="zoe"),), 'task "b": there is no agent "zoe"'),
    ],
)
def test_a_bad_addition_is_refused_whole_and_changes_nothing(tasks, told):
    hand = ByHand.started(task("a"))
    before = msgspec.msgpack.encode(hand.mind.state)
    with pytest.raises(Refused, match=told):
        hand.do(c.AddTasks(tasks=(task("good"), *tasks)))
    assert msgspec.msgpack.encode(hand.mind.state) == before


def test_a_revision_is_read_by_the_next_round_and_takes_nothing_back():
    hand = ByHand.started(task("a"))
    hand.do(c.ReviseTask(spec=task("a", prompt="better words")))
    assert hand.kinds() == ["task_revised"]
    assert hand.task("a").spec.prompt == "better words"


def test_a_revision_that_closes_a_circle_is_refused():
    hand = ByHand.started(task("a"), task("b", "a"))
    with pytest.raises(Refused, match="cycle: a -> b -> a"):
        hand.do(c.ReviseTask(spec=task("a", "b")))


def test_a_revision_that_adds_a_dependency_waits_for_it():
    hand = ByHand.started(task("a"), task("b"), review=False)
    hand.do(c.ReviseTask(spec=task("b", "a")))
    assert list(hand.assigned()) == ["a/work.1.0"]
    hand.does("a")
    assert list(hand.assigned()) == ["b/work.1.0"]


def test_a_cancelled_task_gives_its_place_back_and_blocks_its_dependants():
    hand = ByHand.started(task("a"), task("b", "a"), task("c"))
    hand.do(c.CancelTask(task="a", note="not now"))
    assert (hand.task("a").outcome, hand.task("a").reason) == ("cancelled", "not now")
    assert hand.task("b").outcome == "blocked"
    assert list(hand.assigned()) == ["c/work.1.0"]


def test_a_retry_brings_back_what_it_blocked():
    hand = ByHand.started(task("a"), task("b", "a"))
    hand.do(c.CancelTask(task="a"))
    assert hand.run.outcome == "failed"
    hand.do(c.RetryTask(task="a"))
    assert hand.run.outcome is None
    hand.does("a")
    assert list(hand.assigned()) == ["b/work.1.0"]


def at_its_merge() -> ByHand:
    hand = ByHand.started(task("a"), review=False)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    return hand


def test_a_cancellation_waits_for_a_merge_under_way_and_comes_too_late_when_it_is_made():
    hand = at_its_merge()
    hand.do(c.CancelTask(task="a"))
    assert list(hand.assigned()) == ["a/merge.1.0"]
    hand.merges("a/merge.1.0")
    assert hand.task("a").outcome == "done"


def test_a_cancellation_during_a_merge_counts_when_the_merge_comes_to_nothing():
    hand = at_its_merge()
    hand.do(c.CancelTask(task="a"))
    hand.checks("a/merge.1.0", "red together")
    assert hand.task("a").outcome == "cancelled"


def test_a_merge_cut_off_after_its_gate_is_carried_through_before_it_can_be_cancelled():
    hand = at_its_merge()
    hand.gate_passes("a/merge.1.0")
    hand.do(c.StopRun())
    hand.do(c.CancelTask(task="a"))
    assert list(hand.assigned()) == ["a/merge.1.0"], "the target may have moved: only the merge can say"
    hand.finish("a/merge.1.0", hand.made("a/merge.1.0", found=True))
    assert hand.task("a").outcome == "done"


def test_a_merge_that_waits_for_a_person_can_be_cancelled():
    hand = at_its_merge()
    hand.gate_passes("a/merge.1.0")
    hand.finish("a/merge.1.0", c.Obstructed(reason="a: x.py is edited in your checkout", paths=("x.py",)))
    assert (hand.run.outcome, hand.run.reason) == (
        "needs_human",
        "a waits to be merged: a: x.py is edited in your checkout",
    )
    hand.do(c.CancelTask(task="a"))
    assert hand.task("a").outcome == "cancelled"


def test_a_merge_goes_on_when_the_way_is_clear():
    hand = at_its_merge()
    hand.finish("a/merge.1.0", c.Obstructed(reason="edited", paths=("x.py",)))
    hand.do(c.Cleared(stage="r/a/merge.1.0"))
    assert (hand.run.outcome, list(hand.assigned())) == (None, ["a/merge.1.0"])
    hand.merges("a/merge.1.0")
    assert hand.run.outcome == "verified"


def test_a_task_is_not_revised_while_it_is_merged():
    hand = at_its_merge()
    with pytest.raises(Refused, match='task "a" is being merged; add a new task'):
        hand.do(c.ReviseTask(spec=task("a", accept=("more",))))


# -- what is refused -----------------------------------------------------------------------------------------------------


def test_a_stale_version_is_refused_with_what_it_is_now():
    hand = ByHand.started(task("a"))
    seen = hand.task("a").version
    hand.do(c.ReviseTask(spec=task("a", prompt="new"), version=seen))
    with pytest.raises(Refused) as refused:
        hand.do(c.CancelTask(task="a", version=seen))
    told = f'task "a" has changed since you looked (version {seen}, now {seen + 1}: under way); look again'
    assert (refused.value.code, refused.value.reason) == ("stale", told)


def test_a_stale_agent_is_told_by_its_state():
    hand = ByHand.started(task("a"))
    seen = hand.agent("ann").version
    hand.do(c.PauseAgent(agent="ann", version=seen))
    with pytest.raises(Refused, match=f"version {seen}, now {seen + 1}: asked"):
        hand.do(c.StopAgent(agent="ann", version=seen))


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (c.CancelTask(task="x"), 'no task "x": there is a, b'),
        (c.ReviseTask(spec=task("x")), 'no task "x": there is a, b'),
        (c.PauseAgent(agent="x"), 'no agent "x": there is ann, bob, rev'),
        (c.RaiseBudget(scope="x", amount=Amount(usd="1")), 'no agent "x"'),
        (c.Answer(approval="x", granted=True), 'no approval "x": there is none'),
        (c.SteerAgent(agent="ann", text=" "), "there is nothing to say"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(request_, told):
    hand = ByHand.started(task("a"), task("b"))
    with pytest.raises(Refused, match=told):
        hand.do(request_)


def test_a_second_run_is_refused_with_the_ways_on():
    hand = ByHand.started(task("a"))
    with pytest.raises(Refused, match="run r is under way here; go on with `quarterdeck run --resume`"):
        hand.do(
            c.StartRun(
                run="s", goal="g", pattern="solo", target="m", base="b", crew=CREW, limits=Limits(), check=("true",)
            )
        )


def test_an_unknown_pattern_is_named_with_those_there_are():
    with pytest.raises(Refused, match='no pattern "chaos": there is parallel, pipeline, solo'):
        ByHand.started(task("a"), pattern="chaos", based=False)


def test_asking_anything_before_the_first_run_is_refused():
    hand = ByHand()
    for request in (c.StopRun(), c.CancelTask(task="a"), c.AddTasks(tasks=(task("a"),)), c.ResumeRun()):
        with pytest.raises(Refused, match="there is no run here yet"):
            hand.do(request)


def test_who_takes_a_run_up_may_take_that_nothing_confines_and_that_stays_so():
    hand = ByHand.started(task("a"))
    for accepted, holds in ((False, False), (True, True), (False, True)):
        hand.do(c.StopRun(reason="enough"))
        hand.do(c.ResumeRun(unconfined=accepted))
        assert hand.run.unconfined is holds


def test_a_merged_task_and_a_finished_run_are_over():
    hand = ByHand.started(task("a"), review=False)
    hand.does("a")
    for request in (c.RetryTask(task="a"), c.CancelTask(task="a"), c.AddTasks(tasks=(task("b"),)), c.StopRun()):
        with pytest.raises(Refused) as refused:
            hand.do(request)
        assert refused.value.code == "over"
