"""A limit that was reached is a fact about the step that reached it, and part of what is said of its agent."""

from __future__ import annotations

import pytest
from support.by_hand import ByHand, task

from engine.core import commands as c
from engine.core import events as e
from engine.core.limits import each, reached, shown
from engine.core.standing import of_agent
from engine.core.values import Limited, Limits
from tui.headless.gist import gist

SLOWED = Limited(limit="output", value="2MB", done="slowed")
TOO_MUCH = Limited(limit="memory", value="4GB", used="4.31GB", done="ended")
WORK = "a/work.1.0"


def bite(hand: ByHand, limit: Limited, stage: str = WORK, lease: int | None = None) -> list[e.Event]:
    given = hand.stage(stage).lease if lease is None else lease
    return hand.do(c.Bit(stage=f"r/{stage}", lease=given, limit=limit), actor="engine")


def begun() -> ByHand:
    hand = ByHand.started(task("a", review=False))
    stage = hand.stage(WORK)
    hand.do(c.Began(stage=stage.id, lease=stage.lease, pid=7, tree="/t"))
    return hand


def evidence(hand: ByHand, name: str) -> str:
    return of_agent(hand.mind.state, hand.agent(name), live=True).evidence


def test_it_is_told_of_the_task_the_round_and_the_agent():
    hand = begun()
    (event,) = bite(hand, SLOWED)
    assert (event.kind, event.task, event.attempt, event.agent) == ("limit_reached", "a", 1, "ann")
    assert event.data == e.LimitReached(stage=f"r/{WORK}", limit=SLOWED)
    assert e.decode(e.encode(event)) == event


def test_the_agent_that_is_held_by_a_limit_says_so_until_it_gets_something_else():
    hand = begun()
    bite(hand, SLOWED)
    said = "work of a: its program runs as process 7; it prints more than 2MB a second and is slowed down"
    assert evidence(hand, "ann") == said
    hand.works(WORK)
    hand.checks("a/check.1.0", "red")
    assert hand.assigned() == {"a/work.2.0": "ann"}
    assert "slowed" not in evidence(hand, "ann")


def test_a_round_that_a_limit_broke_is_tried_again_after_a_wait_like_any_that_broke():
    hand = begun()
    bite(hand, TOO_MUCH)
    hand.finish(WORK, c.Broke(reason=f"{reached(TOO_MUCH)} ([limits] memory)", blame="agent"))
    assert hand.waiting() == ["a/wait.1.0"]
    assert hand.task("a").round.failure == "it used 4.31GB of memory, more than 4GB ([limits] memory)"


def test_what_comes_late_is_no_fact():
    hand = begun()
    lease = hand.stage(WORK).lease
    assert bite(hand, SLOWED, lease=lease + 1) == []
    hand.works(WORK)
    assert hand.do(c.Bit(stage=f"r/{WORK}", lease=lease, limit=SLOWED)) == []


def test_a_check_that_reached_a_limit_is_nobodys():
    hand = ByHand.started(task("a"), based=False)
    (event,) = bite(hand, TOO_MUCH, "_/check.0.0")
    assert (event.kind, event.task, event.agent) == ("limit_reached", "_", "engine")


def test_one_that_was_frozen_for_idleness_says_so_until_it_is_resumed():
    hand = begun()
    bite(hand, Limited(limit="freeze_idle", value="15m", done="frozen"))
    hand.do(c.PauseAgent(agent="ann"), actor="engine")
    hand.do(c.Froze(agent="ann", processes=3))
    assert evidence(hand, "ann") == "its processes are frozen; it used no processor and printed nothing for 15m"
    hand.do(c.ResumeAgent(agent="ann"))
    assert evidence(hand, "ann") == "work of a: its program runs as process 7"


@pytest.mark.parametrize(
    ("limit", "face", "text"),
    [
        (SLOWED, "wait", "it prints more than 2MB a second and is slowed down ([limits] output)"),
        (TOO_MUCH, "bad", "it used 4.31GB of memory, more than 4GB ([limits] memory)"),
        (
            Limited(limit="processes", value="512", used="505", done="refused"),
            "wait",
            "it has 505 of 512 processes, and more are refused ([limits] processes)",
        ),
        (Limited(limit="pigs", value="3", used="4", done="cut"), "wait", "pigs: 4 of 3, cut ([limits] pigs)"),
    ],
)
def test_it_is_one_line_for_a_person(limit, face, text):
    hand = begun()
    (event,) = bite(hand, limit)
    told = gist(event, hand.mind.state)
    assert (told.face, told.word, told.text) == (face, "limit", text)


def test_a_run_that_was_recorded_before_there_were_limits_had_none():
    line = (
        b'{"seq":1,"at":0,"kind":"run_started","run":"r","data":{"goal":"g","pattern":"solo","target":"main",'
        b'"base":"b","crew":[],"limits":{"agents":2},"check":["true"]}}'
    )
    data = e.decode(line).data
    assert isinstance(data, e.RunStarted)
    assert data.limits == Limits(agents=2)
    assert dict(shown(data.limits))["memory"] == "unlimited"


GIVEN = Limits(
    processes=512, memory=4_000_000_000, disk=8_000_000_000, file=1 << 31, output=2_000_000, log=64_000_000, time=5400.0,
    nice=5, freeze_idle=900.0,
)  # fmt: skip


def test_limits_are_shown_as_they_are_written():
    assert shown(GIVEN) == (
        ("processes", "512"),
        ("memory", "4GB"),
        ("disk", "8GB"),
        ("file", "2GiB"),
        ("output", "2MB a second"),
        ("log", "64MB"),
        ("time", "90m"),
        ("nice", "5"),
        ("freeze_idle", "15m"),
    )


def test_what_each_agent_may_use_is_one_line():
    assert each(GIVEN) == ("512 processes, 4GB of memory, 8GB on disk, 90m an attempt, frozen after 15m of idleness")
    assert each(Limits()) == ""
