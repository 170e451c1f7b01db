"""What a start costs: of a keeper, and of `true` in a keeper that is there already.

Method: wall clock around the awaited call, p50 of many; processor time as the difference of this process and its
children (the keeper's own is read from /proc, since it is reaped only at its end). One run is noisy by half; the
bounds are for a shared machine, the aim is printed beside the figure.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time

import pytest
from support.aio import run
from support.in_tiers import EVERY, each, tier_by
from support.machine import Machine, machine

from engine.processes import tree
from engine.processes.confinement.tiers import Tier
from engine.processes.keeper import Keeper
from engine.processes.values import Program

TICK = 1 / os.sysconf("SC_CLK_TCK")


def used(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.perf
def test_true_in_a_warm_keeper(tmp_path, capsys):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        program = Program(argv=("true",), cwd=tmp_path, env={"PATH": os.environ["PATH"]})
        walls, own = [], used(resource.RUSAGE_SELF)
        found = tree.look(keeper.record.pid)
        assert found
        for _ in range(300):
            began = time.perf_counter()
            ended = await (await keeper.run(program)).wait()
            walls.append(time.perf_counter() - began)
            assert ended.code == 0
        own = (used(resource.RUSAGE_SELF) - own) / 300
        later = tree.look(keeper.record.pid)
        assert later
        theirs = (later.ticks - found.ticks) * TICK / 300
        await keeper.close()
        return statistics.median(walls), own, theirs

    wall, own, theirs = run(scenario())
    with capsys.disabled():
        print(
            f"\nrun(true), warm keeper: p50 {wall * 1000:.2f} ms wall (aim 8), CPU {own * 1000:.2f} ms engine", end=" "
        )
        print(f"+ {theirs * 1000:.2f} ms keeper")
    assert wall < 0.024


@pytest.mark.perf
def test_the_start_of_a_keeper(tmp_path, capsys):
    async def scenario():
        walls, own = [], used(resource.RUSAGE_SELF)
        children = used(resource.RUSAGE_CHILDREN)
        for number in range(30):
            began = time.perf_counter()
            keeper = await Keeper.start(f"a{number}", records=tmp_path)
            walls.append(time.perf_counter() - began)
            await keeper.close()
        return (
            statistics.median(walls),
            (used(resource.RUSAGE_SELF) - own) / 30,
            (used(resource.RUSAGE_CHILDREN) - children) / 30,
        )

    wall, own, theirs = run(scenario())
    with capsys.disabled():
        print(f"\nKeeper.start: p50 {wall * 1000:.1f} ms wall, CPU {own * 1000:.1f} ms engine", end=" ")
        print(f"+ {theirs * 1000:.1f} ms keeper, its end included (aim 12)")
    assert wall < 0.15


async def started(there: Machine, tier: Tier, number: int = 0) -> Keeper:
    ports = {"port": 3128, "models": 3129} if tier.name == "strong" else {}
    return await there.keeper(tier, f"agent-{number}", **ports)


async def ended(*keepers: Keeper) -> None:
    for keeper in keepers:
        for listener in keeper.listeners:
            listener.close()
    await asyncio.gather(*(keeper.close() for keeper in keepers))


async def lag(worst: list[float]) -> None:
    """How late the loop is, at its worst, until it is cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        worst[0] = max(worst[0], time.perf_counter() - began - 0.001)


@pytest.mark.perf
@each(EVERY)
def test_the_start_of_a_keeper_in_its_tier(mechanism, capsys):
    tier = tier_by(mechanism)

    async def scenario(there: Machine):
        walls, worst = [], [0.0]
        for _ in range(30):
            began = time.perf_counter()
            keeper = await started(there, tier)
            walls.append(time.perf_counter() - began)
            await ended(keeper)
        watching = asyncio.create_task(lag(worst))
        began = time.perf_counter()
        keepers = await asyncio.gather(*(started(there, tier, number) for number in range(100)))
        together = time.perf_counter() - began
        watching.cancel()
        await ended(*keepers)
        return walls, together, worst[0]

    with machine() as there:
        walls, together, worst = run(scenario(there))
    with capsys.disabled():
        p50 = statistics.median(walls) * 1000
        print(f"\n{tier.label}: Keeper.start p50 {p50:.1f} ms (aim 60), worst {max(walls) * 1000:.1f} ms;", end=" ")
        print(f"100 at once {together:.2f} s (aim 2.5), loop late by {worst * 1000:.0f} ms at most")
    assert p50 < 3 * 60
    assert together < 3 * 2.5
