"""Leave for tools: who answers, what is remembered of it, and what the run does meanwhile."""

from __future__ import annotations

import pytest
from support.by_hand import ByHand, agent, task

from engine.core import commands as c
from engine.core import events as e
from engine.core.approvals import waiting_approvals
from engine.core.errors import Refused
from engine.core.values import Limits

ASKS = {"execute": "confirm", "execute:pytest *": "auto", "edit": "review"}


def started(*names: str, agents: int = 4) -> ByHand:
    crew = (agent("ann-1", pool="ann", asks=ASKS), agent("ann-2", pool="ann", asks=ASKS), agent("bob", asks=ASKS))
    tasks = [task(name) for name in names or ("a",)]
    return ByHand.started(*tasks, crew=crew, limits=Limits(agents=agents), review=False)


def asks(hand: ByHand, line: str, *, name: str = "a", ask: str = "1", **more: object) -> list[str]:
    stage = hand.stage(f"{name}/work.1.0")
    report = c.AskedLeave(
        stage=stage.id,
        lease=stage.lease,
        id=ask,
        **{"tool": "execute", "command": line, **more},  # type: ignore[arg-type]
    )
    hand.do(report, actor="engine")
    return hand.kinds()


def given(hand: ByHand) -> list[tuple[str, bool, str]]:
    return [(d.ask, d.allow, d.by) for event in hand.last if isinstance(d := event.data, e.PermissionGiven)]


def comes_up(hand: ByHand) -> None:
    hand.do(c.CameUp(epoch=2, pid=2, version="0", confinement="unconfined"), actor="engine")


# -- who answers -------------------------------------------------------------------------------------------------------


def test_what_the_policy_lets_through_is_answered_at_once():
    hand = started()
    asks(hand, "pytest -q")
    assert given(hand) == [("1", True, "policy")]
    assert (hand.agent("ann-1").waits, waiting_approvals(hand.run), hand.run.asked) == ("", [], {})


def test_what_it_does_not_waits_for_a_person_and_the_run_rests_with_the_step_assigned():
    hand = started()
    assert asks(hand, "make") == ["permission_asked", "run_ended"]
    assert (hand.run.outcome, list(hand.assigned())) == ("needs_human", ["a/work.1.0"])
    assert hand.agent("ann-1").waits == "permission"
    name = hand.last[0].data.id.rpartition("/")[2]
    assert hand.run.reason == f"a waits for leave: ann-1 wants to run make (`quarterdeck approve {name}`, or deny)"


@pytest.mark.parametrize("allow", [True, False])
def test_a_person_s_answer_goes_to_who_asked_and_the_run_goes_on(allow):
    hand = started()
    asks(hand, "make", ask="q-7")
    lease = hand.stage("a/work.1.0").lease
    hand.do(c.Answer(approval="a", granted=allow, why="because"))
    assert hand.kinds() == ["run_resumed", "permission_given"]
    answer = hand.last[1].data
    assert (answer.ask, answer.lease, answer.allow, answer.why) == ("q-7", lease, allow, "because")
    assert hand.agent("ann-1").waits == ""


def test_others_work_on_meanwhile_and_then_the_run_rests():
    hand = started("a", "b")
    asks(hand, "make")
    assert hand.run.outcome is None
    hand.does("b")
    assert hand.run.outcome == "needs_human"


def test_a_question_can_be_named_by_its_end():
    hand = started()
    asks(hand, "make")
    asks(hand, "make install", ask="2")
    with pytest.raises(Refused, match='no approval "a"'):
        hand.do(c.Answer(approval="a", granted=True))
    hand.do(c.Answer(approval=waiting_approvals(hand.run)[1].stage.rpartition("/")[2], granted=True))
    assert given(hand) == [("2", True, "person")]
    assert hand.agent("ann-1").waits == "permission"


def test_the_same_question_told_twice_is_one():
    hand = started()
    asks(hand, "make")
    assert asks(hand, "make") == []


def test_a_question_under_an_old_lease_is_none():
    hand = started()
    old = hand.stage("a/work.1.0").lease
    comes_up(hand)
    stage = hand.stage("a/work.1.0").id
    hand.do(c.AskedLeave(stage=stage, lease=old, id="1", tool="execute", command="make"), actor="engine")
    assert hand.kinds() == []


def test_a_question_is_void_with_its_step():
    hand = started()
    asks(hand, "make")
    hand.crashes("a/work.1.0")
    assert (waiting_approvals(hand.run), hand.agent("ann-1").waits, hand.run.asked) == ([], "", {})
    assert hand.run.outcome is None


def test_what_no_record_can_hold_is_made_sound():
    hand = started()
    asks(hand, "make \ud800", paths=("\udfff",), title="\udfff", why="\ud800")
    assert e.decode(e.encode(hand.last[0])) == hand.last[0]


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_an_answer_is_remembered_for_the_same_question_in_the_same_task():
    hand = started()
    asks(hand, "make")
    hand.do(c.Answer(approval="a", granted=True))
    comes_up(hand)
    asks(hand, "make", ask="9")
    assert given(hand) == [("9", True, "rule")]
    assert "run_ended" in asks(hand, "make install", ask="10")


def test_it_is_not_remembered_in_another_task():
    hand = started("a", "b")
    asks(hand, "make")
    hand.do(c.Answer(approval="a", granted=True))
    asks(hand, "make", name="b")
    assert given(hand) == []


def test_another_try_that_a_person_grants_is_asked_anew():
    hand = started()
    asks(hand, "make")
    hand.do(c.Answer(approval="a", granted=False))
    hand.do(c.CancelTask(task="a"))
    hand.do(c.RetryTask(task="a"))
    asks(hand, "make", ask="2")
    assert given(hand) == []


def test_a_rule_answers_for_the_pool_in_every_task_and_in_later_runs():
    hand = started("a", "b")
    asks(hand, "make")
    hand.do(c.Answer(approval="a", granted=True, always=True))
    assert "rule_made" in hand.kinds()
    pools = {stage: hand.agent(who).spec.pool for stage, who in hand.assigned().items()}
    asks(hand, "make", name="b")
    assert bool(given(hand)) == (pools["b/work.1.0"] == "ann")
    hand.do(c.StopRun())
    state = hand.mind.state
    assert state.rules == {"ann": {"execute: make": True}}


def test_a_rule_that_is_taken_back_is_asked_about_again():
    hand = started()
    asks(hand, "make")
    hand.do(c.Answer(approval="a", granted=False, always=True))
    hand.do(c.DropRule(pool="ann", signature="execute: make"))
    hand.do(c.RetryTask(task="a"))
    asks(hand, "make", ask="2")
    assert given(hand) == []
    with pytest.raises(Refused, match='no rule "ann: execute: make"'):
        hand.do(c.DropRule(pool="ann", signature="execute: make"))


def test_a_rule_answers_those_who_ask_the_same_already():
    hand = started("a", "b")
    asks(hand, "make", name="a")
    asks(hand, "make", name="b", ask="2")
    hand.do(c.Answer(approval="a", granted=False, always=True))
    assert given(hand) == [("1", False, "person"), ("2", False, "rule")]


def test_without_always_only_the_same_task_is_answered_with_it():
    hand = started("a", "b")
    asks(hand, "make", name="a")
    asks(hand, "make", name="a", ask="1b")
    asks(hand, "make", name="b", ask="2")
    hand.do(c.Answer(approval=waiting_approvals(hand.run)[0].stage, granted=True))
    assert given(hand) == [("1", True, "person"), ("1b", True, "rule")]


def test_what_is_to_be_seen_each_time_is_asked_each_time():
    hand = started()
    edit = {"tool": "edit", "paths": ("x.py",), "command": ""}
    asks(hand, "", **edit)
    with pytest.raises(Refused, match="wants each of these seen"):
        hand.do(c.Answer(approval="a", granted=True, always=True))
    hand.do(c.Answer(approval="a", granted=True))
    asks(hand, "", ask="2", **edit)
    assert given(hand) == []


def test_what_nothing_tells_apart_is_never_remembered():
    hand = started()
    asks(hand, "")
    with pytest.raises(Refused, match="names no command and no path"):
        hand.do(c.Answer(approval="a", granted=True, always=True))
    hand.do(c.Answer(approval="a", granted=True))
    asks(hand, "", ask="2")
    assert given(hand) == []


def test_a_decision_about_a_task_is_never_once_and_for_all():
    hand = ByHand.started(task("a"), limits=Limits(attempts=1), review=False)
    hand.gives_up("a/work.1.0")
    with pytest.raises(Refused, match="leave --always out"):
        hand.do(c.Answer(approval="a", granted=True, always=True))


# -- over the end of an engine -----------------------------------------------------------------------------------------


def test_who_waited_for_leave_is_begun_again_and_asks_again():
    hand = started()
    asks(hand, "make")
    assert hand.run.outcome == "needs_human"
    comes_up(hand)
    assert (hand.run.outcome, list(hand.assigned())) == (None, ["a/work.1.0"])
    assert "run_ended" in asks(hand, "make", ask="2")


def test_what_was_asked_under_an_engine_that_is_gone_can_still_be_answered_for_when_it_is_asked_again():
    hand = started()
    asks(hand, "make")
    name = waiting_approvals(hand.run)[0].stage
    comes_up(hand)
    assert [one.stage for one in waiting_approvals(hand.run)] == [name]
    hand.do(c.Answer(approval=name, granted=True))
    asks(hand, "make", ask="9")
    assert given(hand) == [("9", True, "rule")]


def test_asked_again_it_is_one_question():
    hand = started()
    asks(hand, "make")
    comes_up(hand)
    asks(hand, "make", ask="9")
    assert len(waiting_approvals(hand.run)) == 1
    hand.do(c.Answer(approval="a", granted=False))
    assert given(hand) == [("9", False, "person")]


def test_not_what_is_to_be_seen_each_time_nor_what_was_asked_at_a_step_that_is_over():
    hand = started("a", "b")
    asks(hand, "", tool="edit", paths=("x",))
    asks(hand, "make", name="b")
    comes_up(hand)
    assert [one.task for one in waiting_approvals(hand.run)] == ["b"]
    hand.works("b/work.1.0")
    assert waiting_approvals(hand.run) == []


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_who_answers_is_kept_by_task():
    hand = started()
    stage = hand.stage("a/work.1.0")
    opened = c.Opened(stage=stage.id, lease=stage.lease, session="s-1", version="2.1", model="m-5")
    hand.do(opened, actor="engine")
    ann = hand.agent("ann-1")
    assert (ann.sessions, ann.program, ann.model_used) == ({"a": "s-1"}, "2.1", "m-5")
    hand.do(c.Opened(stage=stage.id, lease=stage.lease - 1, session="old"), actor="engine")
    assert ann.sessions == {"a": "s-1"}
