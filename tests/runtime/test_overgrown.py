"""A clone that held more than it may is emptied once its work was put aside, however the turn ends."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest
from support.aio import run

from engine.core.values import AgentSpec
from engine.processes.errors import KeeperLost
from engine.runtime.member import Member

KEPT = "kept: its clone holds more than it may"


class Trace:
    """A clone, a place and what was left there, which write down what is done to them."""

    def __init__(self, *, lost: bool = False) -> None:
        self.done: list[str] = []
        self._lost = lost

    async def clear_up(self, why: str) -> None:
        self.done.append(f"kept: {why}")

    async def discard(self) -> None:
        self.done.append("emptied")

    async def clear(self, *, home: bool) -> None:
        if self._lost:
            raise KeeperLost("builder", "it is gone")
        self.done.append(f"cleared, home {home}")


def member(trace: Trace) -> Member:
    spec = AgentSpec(name="builder", runtime="command", does=())
    found = Member(spec, clone=trace, place=trace)  # type: ignore[arg-type]
    found.leavings = trace  # type: ignore[assignment]
    found.setup_key = "had its setup"
    return found


@pytest.mark.parametrize("error", [None, ValueError, asyncio.CancelledError])
def test_it_is_emptied_at_the_end_of_the_turn_and_has_had_no_setup(error):
    async def scenario():
        trace = Trace()
        one = member(trace)
        with pytest.raises(error) if error else nullcontext():
            async with one.turn():
                one.overgrown = True
                if error:
                    raise error
        assert trace.done == [KEPT, "emptied", "cleared, home True"]
        assert (one.overgrown, one.setup_key) == (False, "")
        async with one.turn():
            pass
        assert len(trace.done) == 3

    run(scenario())


def test_a_keeper_that_is_lost_leaves_nothing_to_clear():
    async def scenario():
        trace = Trace(lost=True)
        one = member(trace)
        async with one.turn():
            one.overgrown = True
        assert trace.done == [KEPT, "emptied"]

    run(scenario())


def test_one_that_did_not_grow_too_large_is_left_as_it_is():
    async def scenario():
        trace = Trace()
        one = member(trace)
        async with one.turn():
            pass
        assert (trace.done, one.setup_key) == ([], "had its setup")

    run(scenario())
