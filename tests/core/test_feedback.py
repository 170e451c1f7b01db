"""What a person says with a retry reaches the author."""

from __future__ import annotations

from support.by_hand import ByHand, task

from engine.core import commands as c
from engine.core.recovery import feedback


def test_the_note_of_a_retry_is_feedback_for_the_next_round() -> None:
    hand = ByHand.started(task("one"))
    hand.mind.decide(c.RetryTask(task="one", note="keep the old name"), at=9.0, actor="person")
    run = hand.mind.state.run
    assert run is not None
    assert [(item.kind, item.text) for item in feedback(run.tasks["one"])] == [("person", "keep the old name")]
