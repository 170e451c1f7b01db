"""Effects are begun once, end once, and clean up in peace."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from support.aio import run
from support.plays import Play

from engine.core import commands as c
from engine.core.values import AgentSpec, TaskSpec
from engine.processes.errors import KeeperLost
from engine.runtime import effects as module
from engine.runtime.effects import Effects
from engine.runtime.member import Gone
from engine.runtime.wanted import Wanted


class Recorded:
    """A record in memory: decides for real, and keeps what was reported."""

    def __init__(self):
        self.play = Play().begin(
            tasks=(TaskSpec(id="it", title="It"),),
            crew=(AgentSpec(name="builder", runtime="command", does=("implement",)),),
            pattern="solo",
        )
        self.play.check("_")
        self.broken = asyncio.get_running_loop().create_future()
        self.reports = []
        self.told = asyncio.Event()

    @property
    def state(self):
        return self.play.mind.state

    def report(self, report):
        self.reports.append(report)
        self.told.set()

    async def result(self):
        await self.told.wait()
        return self.reports[-1].result


@pytest.fixture
def hand(monkeypatch):
    """Replaces the hand that works."""

    def replace(function):
        monkeypatch.setitem(module.HANDS, "work", function)

    return replace


def at_work(tmp_path):
    record = Recorded()
    member = SimpleNamespace(ending=False)
    world = SimpleNamespace(members={"builder": member}, layout=SimpleNamespace(processes=tmp_path), run_id="01JDEMO")
    return record, member, Effects(record, world), Wanted.of(record.state)


async def a_turn():
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_a_person_ended_is_not_begun_again_before_that_is_recorded(hand, tmp_path):
    async def scenario():
        record, member, effects, wanted = at_work(tmp_path)
        begun = []

        async def ended_by_person(desk):
            begun.append(desk.lease)
            member.ending = True
            raise Gone

        hand(ended_by_person)
        for _ in range(3):  # any event leads to another look
            effects.reconcile(wanted)
            await a_turn()
        assert (len(begun), record.reports) == (1, [])
        await effects.close()

    run(scenario())


def test_how_a_hand_cleans_up_is_not_broken_off_by_the_next_look(hand, tmp_path):
    async def scenario():
        _, _, effects, wanted = at_work(tmp_path)
        cleaning, done = asyncio.Event(), asyncio.Event()
        cleaned = []

        async def careful(_):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cleaning.set()
                await done.wait()
                cleaned.append(True)
                raise

        hand(careful)
        effects.reconcile(wanted)
        await a_turn()
        effects.reconcile(Wanted())
        await cleaning.wait()
        effects.reconcile(Wanted())
        closing = asyncio.create_task(effects.close())
        await a_turn()
        done.set()
        await closing
        assert cleaned == [True]

    run(scenario())


def test_every_end_of_a_hand_is_told_that_of_a_defect_too(hand, tmp_path, caplog):
    async def scenario(error):
        record, _, effects, wanted = at_work(tmp_path)

        async def fails(_):
            raise error

        hand(fails)
        effects.reconcile(wanted)
        return await record.result()

    with caplog.at_level(logging.CRITICAL):
        defect = run(scenario(ZeroDivisionError("by zero")))
    assert defect == c.Broke(reason="ZeroDivisionError: by zero", blame="agent")
    lost = run(scenario(KeeperLost("builder", "it is gone")))
    assert isinstance(lost, c.Interrupted)


def test_nothing_is_reported_to_a_record_that_is_broken(hand, tmp_path):
    async def scenario():
        record, _, effects, wanted = at_work(tmp_path)

        async def works(_):
            return c.Broke(reason="no")

        hand(works)
        record.broken.set_result(OSError("the disk is full"))
        effects.reconcile(wanted)
        await a_turn()
        assert record.reports == []
        await effects.close()

    run(scenario())
