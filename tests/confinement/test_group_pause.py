"""Group 5: paused means no processor time in the whole cell, and resumed that everything goes on as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
from support.aio import run
from support.in_tiers import CONFINED, EVERY, STRONG, each, tier_by
from support.machine import Machine, machine
from support.oracle import Oracle, until

from engine.processes import tree
from engine.processes.keeper import Keeper

BUSY = ("spin 2", "hydra 6", "moving-target 4 --setsid", "headless 2")


def ticks(keeper: Keeper) -> int:
    """Of the processor, used so far by all that is below the keeper's own processes."""
    own = {keeper.record.pid, keeper.record.init}
    return sum(process.ticks for process in tree.below(keeper.record.pid) if process.pid not in own)


def alive(keeper: Keeper) -> set[tuple[int, int]]:
    return {process.key for process in tree.below(keeper.record.pid) if process.alive}


@each(("namespaces", "landlock"))
def test_a_paused_family_uses_no_processor_time_and_then_goes_on(mechanism):
    tier = tier_by(mechanism)

    async def one(there: Machine, family: str, number: int) -> None:
        name = f"agent-{number}"
        async with there.keeping(tier, name) as keeper, Oracle(there.clone, name) as oracle:
            await keeper.run(there.program(tier, *oracle.argv(*family.split())))
            await oracle.ready()
            assert (await keeper.pause()).awake == 0
            before, family_then = ticks(keeper), alive(keeper)
            await asyncio.sleep(0.5)
            assert (ticks(keeper), alive(keeper)) == (before, family_then), family
            await keeper.resume()
            await until(lambda: ticks(keeper) != before or alive(keeper) != family_then)

    async def scenario(there: Machine) -> None:
        await asyncio.gather(*(one(there, family, number) for number, family in enumerate(BUSY)))

    with machine() as there:
        run(scenario(there))


@each(CONFINED)
def test_output_stops_and_a_child_that_stopped_itself_stays_stopped(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(tier, *oracle.argv("ticking")))
            await oracle.ready()
            await keeper.pause()
            said = len(oracle.text)
            await asyncio.sleep(0.1)
            said = len(oracle.text)  # what was in the pipe has been read
            await asyncio.sleep(0.3)
            assert len(oracle.text) == said
            await keeper.resume()
            await until(lambda: len(oracle.text) > said)
        async with there.keeping(tier) as keeper, Oracle(there.clone, "stopped") as oracle:
            await keeper.run(there.program(tier, *oracle.argv("stopped")))
            await oracle.ready()
            await until(lambda: any(process.stopped for process in tree.below(keeper.record.pid)))
            await keeper.pause()
            await keeper.resume()
            assert sum(process.stopped for process in tree.below(keeper.record.pid)) == 1

    with machine() as there:
        run(scenario(there))


@each(CONFINED)
def test_a_kill_reaches_a_family_that_wakes_each_other_while_it_is_paused(mechanism):
    """SIGCONT from outside, and from a process that was not asleep yet, undoes a pause, and never a kill."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(tier, *oracle.argv("moving-target", "6", "--setsid")))
            await oracle.ready()
            await keeper.pause()
            for process in tree.below(keeper.record.pid):
                tree.send(process, signal.SIGCONT)
            began = time.monotonic()
            assert (await keeper.kill()).gone
            assert await oracle.gone(began, 5) < 1

    with machine() as there:
        run(scenario(there))


@each(STRONG)
def test_the_keepers_own_processes_are_never_paused(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(tier, *oracle.argv("spin", "2")))
            await oracle.ready()
            await keeper.pause()
            for pid in (keeper.record.pid, keeper.record.init):
                found = tree.look(pid)
                assert found
                assert found.alive
                assert not found.stopped
            assert (await keeper.pause()).awake == 0, "it answers, twice as well"

    with machine() as there:
        run(scenario(there))


@pytest.mark.soak
@each(EVERY)
def test_a_hundred_processes_are_paused_in_a_quarter_of_a_second(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> float:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(tier, *oracle.argv("fork-tree", "50")))
            await oracle.ready()
            began = time.monotonic()
            frozen = await keeper.pause()
            assert frozen.processes >= 99
            assert frozen.awake == 0
            return time.monotonic() - began

    with machine() as there:
        assert run(scenario(there)) < 0.25 * max(1.0, os.getloadavg()[0])
