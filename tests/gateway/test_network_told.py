"""A refused host is a fact about the step in which it was asked for, and has words."""

from support.by_hand import ByHand, task

from engine.core import commands as c
from engine.core import events as e
from tui.headless.gist import gist

BARRED = c.Barred(agent="ann", host="example.org", port=443, why="no entry allows it")


def test_it_is_told_of_the_task_the_round_and_the_agent():
    hand = ByHand.started(task("a", review=False))
    (event,) = hand.do(BARRED, actor="engine")
    assert (event.kind, event.task, event.attempt, event.agent) == ("network_refused", "a", 1, "ann")
    assert event.data == e.NetworkRefused(host="example.org", port=443, why="no entry allows it")
    assert event.cause == hand.stage("a/work.1.0").assigned
    assert e.decode(e.encode(event)) == event


def test_of_who_has_nothing_to_do_it_is_told_without_a_task():
    hand = ByHand.started(task("a", review=False))
    hand.finish("a/work.1.0", c.Broke(reason="it ended", blame="agent"))
    (event,) = hand.do(BARRED, actor="engine")
    assert (event.kind, event.task, event.agent) == ("network_refused", "", "ann")
    (event,) = hand.do(c.Barred(agent="setup", host="::1", port=80, why="no entry allows it"), actor="engine")
    assert event.agent == "setup"
    assert gist(event, hand.mind.state)[1:3] == ("network", "[::1]:80 refused: no entry allows it")


def test_it_changes_nothing():
    hand = ByHand.started(task("a", review=False))
    hand.do(BARRED, actor="engine")
    assert hand.assigned() == {"a/work.1.0": "ann"}
