"""What a start costs: of a keeper, and of `true` in a keeper that is there already.

Method: wall clock around the awaited call, p50 of many; processor time as the difference of this process and its
children (the keeper's own is read from /proc, since it is reaped only at its end). One run is noisy by half; the
bounds are for a shared machine, the aim is printed beside the figure.
"""

from __future__ import annotations

import os
import resource
import statistics
import time

import pytest
from support.aio import run

from engine.processes import tree
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
