"""Unfinished work is kept once, whoever asks, and an agent that is being ended begins nothing."""

import asyncio
from types import SimpleNamespace

import pytest
from support.aio import run

from engine.core.values import AgentSpec
from engine.runtime.member import Gone, Member, Unfinished
from workspaces.clones.intake import Empty
from workspaces.errors import GitFailed

LEFT = Unfinished("base", "refs/quarterdeck/kept/R/it/1-9")


class Kept:
    """A clone that takes its time."""

    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    async def keep(self, ref, *, base, message):
        self.calls += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def member(clone):
    spec = AgentSpec(name="builder", runtime="command", does=())
    return Member(spec, clone=clone, place=SimpleNamespace())


def test_whoever_asks_gets_the_same_ref():
    async def scenario():
        clone = Kept("commit")
        one = member(clone)
        assert await asyncio.gather(one.put_aside(LEFT), one.put_aside(LEFT), one.put_aside(LEFT)) == [LEFT.ref] * 3
        assert clone.calls == 1

    run(scenario())


@pytest.mark.parametrize("answer", [Empty(), GitFailed(("commit",), 1, "no")])
def test_nothing_to_keep_is_no_ref(answer):
    assert run(member(Kept(answer)).put_aside(LEFT)) == ""
    assert run(member(Kept(answer)).put_aside(None)) == ""


def test_an_agent_that_is_being_ended_begins_nothing():
    async def scenario():
        one = member(Kept("commit"))
        with one.being_ended(), pytest.raises(Gone):
            async with one.turn():
                pass
        async with one.turn():
            pass

    run(scenario())
