"""What should be under way is the same by following events as by looking at a state: a restart does what a change does."""

import pytest
from support.plays import the_good_one, the_stuck_one

from engine.core import commands as c
from engine.core.decide import Mind
from engine.runtime.wanted import Wanted


def stopped_and_paused():
    play = the_stuck_one()
    play.do(c.PauseAgent(agent="builder-1"))
    play.do(c.Froze(agent="builder-1", processes=2))
    play.do(c.StopAgent(agent="builder-2"))
    play.do(c.Ended(agent="builder-2", proof="gone", processes=0))
    play.do(c.ResumeAgent(agent="builder-1"))
    play.do(c.StopAgent(agent="reviewer"))
    return play


@pytest.mark.parametrize("story", [the_good_one, the_stuck_one, stopped_and_paused])
def test_following_events_and_looking_at_the_state_agree_after_each_event(story):
    mind, followed = Mind(), Wanted()
    events = story().events
    assert len(events) > 30
    for event in events:
        mind.replay([event])
        followed.take(event)
        looked = Wanted.of(mind.state)
        assert followed.effects == looked.effects, event
        assert followed.frozen == looked.frozen, event
