"""Paused means that nobody uses the processor, and resumed that everything goes on as it was."""

from __future__ import annotations

import asyncio
import os

import pytest
from support.aio import run
from support.oracle import Oracle, until

from engine.processes import tree
from engine.processes.errors import Busy
from engine.processes.keeper import Keeper
from engine.processes.values import Program

FAMILIES = [("spin", "2"), ("hydra", "6"), ("moving-target", "4"), ("moving-target", "4", "--setsid")]


def ticks(keeper: Keeper) -> dict[tuple[int, int], int]:
    return {process.key: process.ticks for process in tree.below(keeper.record.pid) if process.alive}


def program(argv: tuple[str, ...], folder) -> Program:
    return Program(argv=argv, cwd=folder, env=dict(os.environ))


@pytest.mark.soak  # in every tier: tests/confinement
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_a_paused_family_uses_no_processor_time_and_then_goes_on(family, tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        async with Oracle(tmp_path) as oracle:
            await keeper.run(program(oracle.argv(*family), tmp_path))
            await oracle.ready()
            frozen = await keeper.pause()
            assert frozen.awake == 0
            before = ticks(keeper)
            assert len(before) >= frozen.processes >= 2  # the dead that nobody has reaped are not frozen
            await asyncio.sleep(0.5)
            assert ticks(keeper) == before
            await keeper.resume()
            await until(lambda: ticks(keeper) != before)
        await keeper.close()

    run(scenario())


def test_a_child_that_stopped_itself_stays_stopped_after_resume(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        async with Oracle(tmp_path) as oracle:
            await keeper.run(program(oracle.argv("stopped"), tmp_path))
            await oracle.ready()
            await until(lambda: any(process.stopped for process in tree.below(keeper.record.pid)))
            await keeper.pause()
            assert all(process.stopped for process in tree.below(keeper.record.pid))
            await keeper.resume()
            states = [process.stopped for process in tree.below(keeper.record.pid)]
            assert sorted(states) == [False, True]
        await keeper.close()

    run(scenario())


def test_a_shell_does_not_notice_that_its_job_was_paused(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        go = tmp_path / "go"
        os.mkfifo(go)
        ready = asyncio.Event()
        script = f"set -m; (echo up; read line < {go}) & wait; echo done"
        running = await keeper.run(program(("bash", "-c", script), tmp_path), on_output=lambda _: ready.set())
        await asyncio.wait_for(ready.wait(), 10)
        for _ in range(3):
            await keeper.pause()
            await keeper.resume()
        handle = os.open(go, os.O_RDWR | os.O_NONBLOCK)
        os.write(handle, b"\n")
        assert (await asyncio.wait_for(running.wait(), 10)).code == 0
        os.close(handle)
        assert b"Stopped" not in running.tail()
        assert running.tail().endswith(b"done\n")
        await keeper.close()

    run(scenario())


def test_nothing_is_started_in_a_paused_keeper(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        assert (await keeper.pause()).processes == 0
        with pytest.raises(Busy, match="paused"):
            await keeper.run(program(("true",), tmp_path))
        await keeper.resume()
        assert (await keeper.call(["true"], cwd=tmp_path)).code == 0
        await keeper.close()

    run(scenario())
