"""Time that counts: a deadline without its pauses, and how long nothing was done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.clocks import Deadline, Idleness


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=30)


@given(STEPS)
def test_only_the_time_in_which_it_is_not_frozen_counts(steps):
    clock, worked = Clock(), 0
    deadline = Deadline(100.0, clock)
    for frozen, seconds in steps:
        (deadline.stand if frozen else deadline.go_on)()
        clock.now += seconds
        worked += 0 if frozen else seconds
        assert deadline.left == 100.0 - worked


def test_to_stand_or_go_on_twice_changes_nothing():
    clock = Clock()
    deadline = Deadline(10.0, clock)
    clock.now += 3
    deadline.stand()
    deadline.stand()
    clock.now += 100
    deadline.go_on()
    deadline.go_on()
    clock.now += 2
    deadline.go_on()
    assert deadline.left == 5.0


def test_idle_is_who_uses_no_processor():
    clock = Clock()
    idle = Idleness(clock)
    assert idle.seconds(50) == 0
    clock.now += 60
    assert idle.seconds(50) == 60
    clock.now += 60
    assert idle.seconds(50 + 30) == 0, "that was work"
    clock.now += 5
    assert idle.seconds(50 + 30) == 5


def test_a_timer_that_ticks_is_idle_all_the_same():
    clock = Clock()
    idle = Idleness(clock)
    idle.seconds(0)
    for minute in range(1, 61):
        clock.now += 60
        assert idle.seconds(6 * minute) == minute * 60, "a thousandth of a processor"


def test_a_process_that_ended_took_its_ticks_with_it_and_was_no_idleness():
    clock = Clock()
    idle = Idleness(clock)
    idle.seconds(500)
    clock.now += 60
    assert idle.seconds(20) == 0


def test_who_prints_is_not_idle():
    clock = Clock()
    idle = Idleness(clock)
    idle.seconds(5)
    clock.now += 60
    idle.restart()
    assert idle.seconds(5) == 0
