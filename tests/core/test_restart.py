"""What holds across the end of an engine, and that every account of a state is the same one."""

from __future__ import annotations

import msgspec
import pytest
from support.by_hand import CREW, ByHand, agent, task

from engine.core import commands as c
from engine.core import events as e
from engine.core.decide import Mind
from engine.core.state import State
from engine.core.values import Limits, Tokens
from engine.runtime.wanted import Effect, Wanted


def comes_up(hand: ByHand, **held: str) -> None:
    hand.do(c.CameUp(epoch=2, pid=2, version="0", confinement="unconfined", held=held), actor="engine")  # type: ignore[arg-type]


def test_what_a_dead_engine_had_under_way_is_begun_again_under_a_new_lease_and_counted_as_interrupted():
    hand = ByHand.started(task("a"))
    lease = hand.stage("a/work.1.0").lease
    comes_up(hand)
    assert hand.assigned() == {"a/work.1.0": "ann"}
    assert hand.stage("a/work.1.0").lease > lease
    assert hand.task("a").rounds[0].interruptions == 1
    hand.do(c.Finished(stage="r/a/work.1.0", lease=lease, result=c.Broke(reason="late")))
    assert hand.kinds() == ["result_ignored"]


def test_an_engine_that_ends_in_order_leaves_a_run_that_waits_to_be_resumed():
    hand = ByHand.started(task("a"))
    hand.do(c.GoesDown(reason="down"), actor="engine")
    assert (hand.run.outcome, hand.assigned()) == ("stopped", {})
    comes_up(hand)
    assert (hand.run.outcome, hand.assigned()) == ("stopped", {})
    hand.do(c.ResumeRun())
    assert hand.assigned() == {"a/work.1.0": "ann"}
    assert hand.task("a").rounds[0].interruptions == 0


def test_work_that_an_earlier_engine_took_in_keeps_its_author():
    hand = ByHand.started(task("a"), crew=(*CREW, agent("both", "implement", "review")))
    hand.do(c.StopAgent(agent="ann"))
    hand.do(c.Ended(agent="ann", proof="gone", processes=1))
    assert hand.assigned() == {"a/work.1.0": "bob"}
    found = c.Worked(change=hand._change("a/work.1.0", ""), author="ann")
    hand.finish("a/work.1.0", found)
    assert hand.task("a").rounds[0].author == "ann"
    hand.checks("a/check.1.0")
    assert hand.stage("a/review.1.0").avoid == ("ann",)


def test_a_merge_that_was_made_before_the_crash_is_found_and_not_made_again():
    hand = ByHand.started(task("a"), review=False)
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.gate_passes("a/merge.1.0")
    comes_up(hand)
    assert list(hand.assigned()) == ["a/merge.1.0"]
    hand.finish("a/merge.1.0", hand.made("a/merge.1.0", found=True))
    assert hand.task("a").outcome == "done"


def test_a_hold_written_while_no_engine_was_there_is_honoured():
    hand = ByHand.started(task("a"))
    comes_up(hand, ann="kill")
    assert (hand.agent("ann").held, hand.assigned()) == ("kill", {"a/work.1.0": "bob"})


def test_a_hold_written_meanwhile_outlives_the_pause_of_a_paused_agent():
    hand = ByHand.started(task("a"))
    hand.do(c.PauseAgent(agent="ann"))
    comes_up(hand, ann="kill")
    assert hand.agent("ann").held == "kill"
    assert hand.agent("ann").pause == ""


def test_a_pause_ends_with_the_engine_and_the_run_goes_on():
    hand = ByHand.started(task("a"), crew=(agent("ann"),), review=False, based=False)
    hand.do(c.PauseAgent(agent="ann"))
    hand.checks("_/check.0.0")
    assert hand.run.outcome == "needs_human"
    comes_up(hand)
    assert hand.assigned() == {"a/work.1.0": "ann"}


def test_a_second_result_is_written_down_and_ignored():
    hand = ByHand.started(task("a"))
    lease = hand.stage("a/work.1.0").lease
    hand.works("a/work.1.0")
    hand.do(c.Finished(stage="r/a/work.1.0", lease=lease, result=c.Broke(reason="again")))
    assert hand.last[0].data == e.ResultIgnored(stage="r/a/work.1.0", lease=lease, reason="the stage is closed")
    assert list(hand.assigned()) == ["a/check.1.0"]


def test_nothing_is_decided_while_no_engine_is_up():
    hand = ByHand.started(task("a"))
    hand.do(c.GoesDown(reason="down"), actor="engine")
    hand.do(c.ResumeRun())
    assert hand.assigned() == {}


# -- accounts of a state -------------------------------------------------------------------------------------------------


def busy() -> ByHand:
    hand = ByHand.started(task("a", risk="high"), task("b"), task("c", "a", "b"), approvals={"high": "review"})
    hand.works("a/work.1.0")
    hand.checks("a/check.1.0")
    hand.crashes("b/work.1.0")
    hand.do(c.Spent(agent="ann", task="a", tokens=Tokens(input=7), usd="0.10"))
    hand.do(c.PauseAgent(agent="rev"))
    return hand


def test_the_record_the_snapshot_and_the_live_state_agree():
    hand = busy()
    replayed = Mind()
    replayed.replay(map(e.decode, map(e.encode, hand.all)))
    assert replayed.state == hand.mind.state
    packed = msgspec.msgpack.encode(hand.mind.state)
    assert msgspec.msgpack.decode(packed, type=State) == hand.mind.state


@pytest.mark.parametrize("cut", range(3, 20, 4))
def test_a_snapshot_and_its_tail_agree_with_the_whole(cut):
    hand = busy()
    first, whole = Mind(), Mind()
    first.replay(hand.all[:cut])
    whole.replay(hand.all)
    second = Mind(msgspec.msgpack.decode(msgspec.msgpack.encode(first.state), type=State))
    second.replay(hand.all[cut:])
    assert second.state == whole.state


def test_what_is_wanted_is_the_same_by_state_and_by_events():
    hand = busy()
    folded = Wanted()
    for event in hand.all:
        folded.take(event)
    assert folded == Wanted.of(hand.mind.state)
    assert Effect("r/b/wait.1.0", 0) in folded.effects
    assert folded.frozen == {"rev"}


def test_why_a_task_was_merged_leads_back_to_the_start_over_a_restart_and_a_retry():
    hand = ByHand.started(task("a"), task("b", "a"), limits=Limits(attempts=1), review=False)
    hand.does("a")
    hand.gives_up("b/work.1.0")
    comes_up(hand)
    hand.do(c.RetryTask(task="b"))
    hand.does("b", 2)
    causes = {event.seq: event for event in hand.all}
    at = next(event for event in hand.all if event.kind == "merge_done" and event.task == "b")
    chain = [at.kind]
    while at.cause is not None:
        assert at.cause < at.seq
        at = causes[at.cause]
        chain.append(at.kind)
    assert chain[-1] == "run_started"
    assert {"task_retried", "attempt_failed", "task_ended"} <= set(chain)
