"""Who gets what, and in which order."""

from __future__ import annotations

import pytest
from support.by_hand import ByHand, agent, task

from engine.core import commands as c
from engine.core.errors import Refused
from engine.core.values import Limits

ONE = Limits(agents=1)


def first(*tasks) -> str:
    """Which of the tasks is begun first where there is one place."""
    hand = ByHand.started(*tasks, crew=(agent("ann"),), limits=ONE, review=False)
    (stage,) = hand.assigned()
    return stage.partition("/")[0]


def test_the_higher_priority_goes_first():
    assert first(task("a"), task("b", priority=1)) == "b"


def test_what_the_higher_priority_waits_for_goes_first():
    assert first(task("a", priority=1), task("b"), task("c", "b", priority=2)) == "b"


def test_the_longest_way_to_the_end_goes_first():
    assert first(task("short"), task("long"), task("next", "long"), task("last", "next")) == "long"


def test_otherwise_the_order_of_the_plan_counts():
    assert first(task("z"), task("a")) == "z"


def test_a_raised_priority_counts_at_once():
    hand = ByHand.started(task("now"), task("a"), task("b"), crew=(agent("ann"),), limits=ONE, review=False)
    hand.do(c.ReviseTask(spec=task("b", priority=3)))
    hand.works("now/work.1.0")
    assert "b/work.1.0" in hand.assigned()


def test_a_review_goes_before_new_work():
    both = agent("both", "implement", "review")
    hand = ByHand.started(task("a"), task("b"), task("c"), crew=(agent("ann"), both), limits=ONE)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.works("b/work.1.0")
    assert hand.assigned() == {"a/review.1.0": "both", "b/check.1.0": "engine"}


def test_never_more_agents_at_once_than_the_limit_and_checks_do_not_count():
    crew = [agent(f"a{n}") for n in range(5)]
    hand = ByHand.started(*(task(f"t{n}") for n in range(5)), crew=crew, limits=Limits(agents=2), review=False)
    assert len(hand.assigned()) == 2
    hand.works("t0/work.1.0")
    assert sorted(hand.assigned()) == ["t0/check.1.0", "t1/work.1.0", "t2/work.1.0"]


def test_merges_are_made_one_at_a_time():
    hand = ByHand.started(task("a"), task("b"), review=False)
    for name in "ab":
        hand.works(f"{name}/work.1.0")
        hand.checks(f"{name}/check.1.0")
    assert (list(hand.assigned()), hand.waiting()) == (["a/merge.1.0"], ["b/merge.1.0"])
    hand.merges("a/merge.1.0")
    assert list(hand.assigned()) == ["b/merge.1.0"]


# -- routing -------------------------------------------------------------------------------------------------------------


def test_a_step_goes_to_who_has_all_it_needs():
    crew = (agent("ann"), agent("bob", "implement", "python"))
    hand = ByHand.started(task("a", needs=("python",)), crew=crew, review=False)
    assert hand.assigned() == {"a/work.1.0": "bob"}


@pytest.mark.parametrize(("pin", "holder"), [("bob", "bob"), ("pool", "zoe")])
def test_a_pin_names_an_agent_or_its_pool(pin, holder):
    crew = (agent("ann"), agent("bob"), agent("zoe", pool="pool"))
    hand = ByHand.started(task("a", agent=pin), crew=crew, review=False)
    assert hand.assigned() == {"a/work.1.0": holder}


def test_a_next_round_goes_back_to_its_author_though_another_did_less():
    hand = ByHand.started(task("a"), review=False)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0", "red")
    assert hand.assigned() == {"a/work.2.0": "ann"}


def test_another_takes_the_next_round_where_the_author_is_held():
    hand = ByHand.started(task("a"), review=False)
    hand.works("a/work.1.0")
    hand.do(c.StopAgent(agent="ann"))
    hand.checks("a/check.1.0", "red")
    assert hand.assigned() == {"a/work.2.0": "bob"}


def test_of_equals_the_one_who_did_least():
    hand = ByHand.started(task("a"), task("b", "a"), review=False)
    hand.does("a")
    assert hand.assigned() == {"b/work.1.0": "bob"}


def test_the_author_never_reviews_its_own_change():
    crew = (agent("ann", "implement", "review"), agent("bob", "implement", "review"))
    hand = ByHand.started(task("a"), crew=crew)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    assert hand.assigned() == {"a/review.1.0": "bob"}


def test_the_only_reviewer_leaves_the_work_to_others():
    crew = (agent("ann", "implement", "review"), agent("bob"))
    hand = ByHand.started(task("a"), task("b"), crew=crew)
    assert hand.assigned() == {"a/work.1.0": "bob"}


def test_the_only_reviewer_takes_work_that_nobody_reviews_or_nobody_else_can_do():
    crew = (agent("ann", "implement", "review", "sql"), agent("bob"))
    hand = ByHand.started(task("a", needs=("sql",)), task("b", review=False), task("c"), crew=crew)
    assert hand.assigned() == {"a/work.1.0": "ann", "b/work.1.0": "bob"}


def test_reassigned_work_is_taken_back_and_begun_again_there():
    hand = ByHand.started(task("a"), review=False)
    lease = hand.stage("a/work.1.0").lease
    hand.do(c.ReassignTask(task="a", to="bob"))
    assert hand.assigned() == {"a/work.1.0": "bob"}
    assert hand.stage("a/work.1.0").lease > lease
    assert hand.task("a").rounds[0].interruptions == 0


def test_reassigning_to_who_has_it_already_takes_nothing_back():
    hand = ByHand.started(task("a"), review=False)
    hand.do(c.ReassignTask(task="a", to="ann"))
    assert hand.kinds() == ["task_reassigned"]


def test_an_agent_that_can_not_do_it_is_not_assigned():
    hand = ByHand.started(task("a"))
    with pytest.raises(Refused, match='agent "rev" does not do implement'):
        hand.do(c.ReassignTask(task="a", to="rev"))


# -- holds and pauses ----------------------------------------------------------------------------------------------------


def test_a_held_or_paused_agent_gets_nothing_until_it_is_resumed():
    for taken_out in (c.StopAgent(agent="ann"), c.PauseAgent(agent="ann")):
        hand = ByHand.started(task("a"), crew=(agent("ann"),), based=False, review=False)
        hand.do(taken_out)
        hand.checks("_/check.0.0")
        assert hand.assigned() == {}
        assert "`quarterdeck resume ann`" in hand.run.reason
        hand.do(c.ResumeAgent(agent="ann"))
        assert (hand.run.outcome, hand.assigned()) == (None, {"a/work.1.0": "ann"})


def test_a_paused_agent_keeps_its_step_and_the_run_goes_on():
    hand = ByHand.started(task("a"), review=False)
    hand.do(c.PauseAgent(agent="ann"))
    hand.do(c.Froze(agent="ann", processes=3))
    assert (hand.agent("ann").pause, hand.run.outcome) == ("frozen", None)
    assert hand.assigned() == {"a/work.1.0": "ann"}


def test_the_work_of_a_stopped_or_killed_agent_goes_to_another_uncounted():
    for ended in (
        c.Ended(agent="ann", proof="gone", processes=1),
        c.Killed(agent="ann", gone=True, proof="gone", processes=1, ms=3.0),
    ):
        hand = ByHand.started(task("a"), review=False)
        hand.do(c.StopAgent(agent="ann"))
        hand.do(ended)
        assert hand.assigned() == {"a/work.1.0": "bob"}
        assert hand.task("a").rounds[0].interruptions == 0
        assert hand.agent("ann").proof == "gone"


def test_an_agent_that_would_not_die_keeps_its_step_until_it_is_gone():
    hand = ByHand.started(task("a"), review=False)
    hand.do(c.Killed(agent="ann", gone=False, proof="in D state", processes=1, ms=900.0))
    assert hand.assigned() == {"a/work.1.0": "ann"}
    hand.do(c.Killed(agent="ann", gone=True, proof="gone", processes=0, ms=1.0))
    assert hand.assigned() == {"a/work.1.0": "bob"}


def test_an_agent_is_ending_until_its_end_is_proven():
    hand = ByHand.started(task("a"), review=False)
    hand.do(c.StopAgent(agent="ann"))
    hand.works("a/work.1.0")
    assert hand.agent("ann").ending
    hand.do(c.Ended(agent="ann", proof="gone", processes=0))
    assert not hand.agent("ann").ending
