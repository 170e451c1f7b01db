"""Which provider can be asked: limits, failures in a row, the probe after them, and a person's impatience."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm.health import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, PACE, Go, Health, Wait

T = ("anthropic", "claude")
NOW = 1_000_000.0


def opened(now: float = NOW) -> Health:
    health = Health()
    for _ in range(FAILURES):
        health.failed(T, now)
    return health


def test_it_opens_after_so_many_failures_in_a_row_and_not_before():
    health = Health()
    assert [health.failed(T, NOW) for _ in range(FAILURES)] == [0.0] * (FAILURES - 1) + [NOW + FIRST_PAUSE]
    assert health.leave(T, NOW) == Wait("opened", NOW + FIRST_PAUSE)


def test_an_answer_that_came_to_its_end_ends_the_row():
    health = Health()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert health.failed(T, NOW) == 0.0
        health.succeeded(T)
    assert health.leave(T, NOW) == Go()


def test_after_the_pause_one_goes_first_and_all_others_wait_for_it():
    health = opened()
    first = health.leave(T, NOW + FIRST_PAUSE)
    assert isinstance(first, Go)
    assert first.probe
    assert health.leave(T, NOW + FIRST_PAUSE) == Wait("probing", 0.0)
    assert health.answered(T, NOW + FIRST_PAUSE)
    assert health.leave(T, NOW + FIRST_PAUSE) == Go()
    assert not health.answered(T, NOW + FIRST_PAUSE)


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest():
    health, now, pauses = opened(), NOW + FIRST_PAUSE, []
    for _ in range(7):
        probe = health.leave(T, now)
        assert isinstance(probe, Go)
        until = health.failed(T, now, probe=probe.probe)
        pauses.append(until - now)
        now = until
    assert pauses == [60, 120, 240, 480, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_once_it_has_answered_a_new_trouble_begins_with_the_first_pause():
    health = opened()
    probe = health.leave(T, NOW + FIRST_PAUSE)
    health.failed(T, NOW, probe=probe.probe)
    health.answered(T, NOW)
    for _ in range(FAILURES - 1):
        health.failed(T, NOW)
    assert health.failed(T, NOW) == NOW + FIRST_PAUSE


def test_who_was_sent_before_it_opened_does_not_make_the_pause_longer():
    health = opened()
    for _ in range(20):
        assert health.failed(T, NOW + 1) == 0.0
    assert health.leave(T, NOW + 1) == Wait("opened", NOW + FIRST_PAUSE)
    probe = health.leave(T, NOW + FIRST_PAUSE)
    assert health.failed(T, NOW + FIRST_PAUSE) == 0.0
    assert health.leave(T, NOW + FIRST_PAUSE) == Wait("probing", 0.0)
    assert health.failed(T, NOW + FIRST_PAUSE, probe=probe.probe) > 0


def test_a_probe_that_is_given_up_leaves_its_place_to_another_but_an_old_one_does_not():
    health = opened()
    first = health.leave(T, NOW + FIRST_PAUSE)
    health.given_up(T, first.probe)
    second = health.leave(T, NOW + FIRST_PAUSE)
    assert second.probe not in {0, first.probe}
    health.given_up(T, first.probe)
    assert health.leave(T, NOW + FIRST_PAUSE) == Wait("probing", 0.0)


def test_a_limit_is_kept_and_is_no_failure():
    health = Health()
    for number in range(FAILURES * 2):
        health.limited(T, NOW + 100 - number)
    assert health.leave(T, NOW + 99) == Wait("limited", NOW + 100)
    assert health.leave(T, NOW + 100) == Go()
    assert health.leave(("anthropic", "other"), NOW) == Go()


def test_after_a_limit_those_who_waited_go_one_after_another_until_one_is_answered():
    health = Health()
    health.limited(T, NOW)
    assert health.leave(T, NOW) == Go()
    assert health.leave(T, NOW) == Wait("limited", NOW + PACE)
    assert health.leave(T, NOW + PACE) == Go()
    assert not health.answered(T, NOW + PACE)
    assert [health.leave(T, NOW + PACE) for _ in range(3)] == [Go()] * 3


def test_an_answer_to_what_was_asked_before_the_limit_does_not_end_it():
    health = Health()
    health.limited(T, NOW + 60)
    health.answered(T, NOW)
    health.succeeded(T)
    assert health.leave(T, NOW) == Wait("limited", NOW + 60)


def test_a_person_who_does_not_want_to_wait_lifts_both():
    health = opened()
    health.limited(T, NOW + 1e6)
    health.lift(T)
    leave = health.leave(T, NOW)
    assert isinstance(leave, Go)
    assert leave.probe


STEPS = st.lists(st.tuples(st.sampled_from(["leave", "ok", "fail", "quit", "limit", "lift"]), st.floats(0, 90)))


@given(STEPS)
def test_at_any_time_there_is_one_probe_at_most_and_never_a_wait_without_end(steps):
    health, now = Health(), NOW
    under_way: list[Go] = []
    for step, seconds in steps:
        now += seconds
        if step == "leave":
            leave = health.leave(T, now)
            if isinstance(leave, Go):
                under_way.append(leave)
        elif step == "limit":
            health.limited(T, now + 50)
        elif step == "lift":
            health.lift(T)
        elif under_way:
            go = under_way.pop(0)
            if step == "ok":
                health.answered(T, now)
                health.succeeded(T)
            elif step == "fail":
                health.failed(T, now, probe=go.probe)
            health.given_up(T, go.probe)
    for go in under_way:
        health.given_up(T, go.probe)
    assert isinstance(health.leave(T, now + LONGEST_PAUSE + 51), Go)
    waits = health.leave(T, now + LONGEST_PAUSE + 51)
    assert isinstance(waits, Go) or waits.until <= now + LONGEST_PAUSE + 51 + PACE


@pytest.mark.parametrize("how", ["answered", "given_up", "succeeded"])
def test_of_one_that_was_never_in_trouble_nothing_is_remembered(how):
    health = Health()
    {
        "answered": lambda: health.answered(T, NOW),
        "given_up": lambda: health.given_up(T, 0),
        "succeeded": lambda: health.succeeded(T),
    }[how]()
    assert not health._lines
