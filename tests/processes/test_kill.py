"""Kill means gone: each family of escapees, judged by the end-of-file of a pipe that only the family holds."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.aio import run
from support.oracle import Oracle, until

from engine.processes import tree
from engine.processes.keeper import Keeper, kill_all
from engine.processes.values import Program

LIMIT = 1.0  # the promise is 0.5 s on a quiet machine; the soak holds it to that
FAMILIES = [
    ("ignore-term",),
    ("daemon",),
    ("daemon", "--scrub"),
    ("setsid-children", "5"),
    ("fork-tree", "20", "--orphans"),
    ("fork-bomb", "60"),
    ("moving-target", "4"),
    ("moving-target", "4", "--setsid"),
    ("hydra", "8"),
    ("stopped",),
    ("zombie-maker", "20"),
]
RACES = {"moving-target", "hydra", "fork-bomb"}


def program(argv: tuple[str, ...], folder: Path) -> Program:
    return Program(argv=argv, cwd=folder, env=dict(os.environ))


@asynccontextmanager
async def keeping(folder: Path, name: str = "builder"):
    keeper = await Keeper.start(name, records=folder / "records")
    try:
        yield keeper
    finally:
        await keeper.close()


async def kill_once(keeper: Keeper, folder: Path, family: tuple[str, ...], number: int) -> float:
    async with Oracle(folder, f"oracle{number}") as oracle:
        running = await keeper.run(program(oracle.argv(*family), folder))
        await oracle.ready()
        began = time.monotonic()
        proof = await keeper.kill()
        seconds = await oracle.gone(began, 5)
        assert proof.gone
        assert proof.processes >= 1
        assert "ECHILD" in proof.text
        assert "unconfined" in proof.text
        assert (await running.wait()).signal == signal.SIGKILL
        assert tree.below(keeper.record.pid) == []
        return seconds


@pytest.mark.soak  # in every tier: tests/confinement
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_a_killed_family_is_gone(family, tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            for number in range(2):
                assert await kill_once(keeper, tmp_path, family, number) < LIMIT

    run(scenario())


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_a_killed_family_is_gone_every_time(family, tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            repeats = 50 if family[0] in RACES else 20
            seconds = [await kill_once(keeper, tmp_path, family, number) for number in range(repeats)]
            assert max(seconds) < 0.5

    run(scenario())


def test_a_paused_family_can_be_killed(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            await keeper.run(program(oracle.argv("fork-tree", "10", "--orphans"), tmp_path))
            await oracle.ready()
            assert (await keeper.pause()).processes >= 10
            began = time.monotonic()
            assert (await keeper.kill()).processes >= 10
            assert await oracle.gone(began, 5) < LIMIT
            assert (await keeper.call(["true"], cwd=tmp_path)).code == 0, "a killed keeper is not paused any more"

    run(scenario())


def test_killing_twice_at_once_gives_two_proofs(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            await keeper.run(program(oracle.argv("hydra", "6"), tmp_path))
            await oracle.ready()
            began = time.monotonic()
            proofs = await asyncio.gather(keeper.kill(), keeper.kill())
            assert all(proof.gone for proof in proofs)
            assert await oracle.gone(began, 5) < LIMIT
            idle = await keeper.kill()
            assert idle.gone
            assert idle.processes == 0

    run(scenario())


def test_a_kill_while_a_program_starts_leaves_nothing(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            for _ in range(5):
                starting = asyncio.create_task(keeper.run(program(("sleep", "1000"), tmp_path)))
                await asyncio.sleep(0)
                assert (await keeper.kill()).gone
                running = await starting
                assert (await running.wait()).signal == signal.SIGKILL
                assert tree.below(keeper.record.pid) == []

    run(scenario())


def test_a_cancelled_start_leaves_nothing(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            starting = asyncio.create_task(keeper.run(program(("sleep", "1000"), tmp_path)))
            await asyncio.sleep(0)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            assert (await keeper.kill()).gone
            assert tree.below(keeper.record.pid) == []
            assert (await keeper.call(["true"], cwd=tmp_path)).code == 0

    run(scenario())


def test_a_neighbour_goes_on_ticking(tmp_path):
    async def scenario():
        async with (
            keeping(tmp_path, "one") as one,
            keeping(tmp_path, "two") as two,
            Oracle(tmp_path, "one") as first,
            Oracle(tmp_path, "two") as second,
        ):
            await one.run(program(first.argv("setsid-children"), tmp_path))
            await two.run(program(second.argv("ticking"), tmp_path))
            await first.ready()
            await second.ready()
            began = time.monotonic()
            await one.kill()
            await first.gone(began, 5)
            before = second.text.count(b"tick")
            await until(lambda: second.text.count(b"tick") >= before + 5)
            assert second.holders

    run(scenario())


def test_all_are_killed_together(tmp_path):
    async def scenario():
        keepers = await asyncio.gather(
            *(Keeper.start(f"agent-{number}", records=tmp_path / "records") for number in range(6))
        )
        oracles = [Oracle(tmp_path, keeper.name) for keeper in keepers]
        for keeper, oracle in zip(keepers, oracles, strict=True):
            await oracle.__aenter__()
            await keeper.run(program(oracle.argv("fork-tree", "8"), tmp_path))
            await oracle.ready()
        began = time.monotonic()
        proofs = await kill_all(keepers)
        assert [name for name, _ in proofs] == [keeper.name for keeper in keepers]
        assert all(proof.gone and proof.processes >= 8 for _, proof in proofs)
        for oracle in oracles:
            assert await oracle.gone(began, 5) < 2 * LIMIT
        await asyncio.gather(*(keeper.close() for keeper in keepers))
        assert list((tmp_path / "records").iterdir()) == []

    run(scenario())


def test_a_program_that_ends_on_sigterm_is_stopped_gently(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            script = "trap 'echo saved; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
            ready = asyncio.Event()
            running = await keeper.run(program(("sh", "-c", script), tmp_path), on_output=lambda _: ready.set())
            await asyncio.wait_for(ready.wait(), 10)
            proof = await keeper.stop(10)
            assert proof.gone
            assert "SIGTERM" in proof.text
            assert (await running.wait()).code == 5
            assert running.tail().endswith(b"saved\n")

    run(scenario())


def test_a_paused_program_wakes_up_to_be_stopped_gently(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"
            ready = asyncio.Event()
            running = await keeper.run(program(("sh", "-c", script), tmp_path), on_output=lambda _: ready.set())
            await asyncio.wait_for(ready.wait(), 10)
            await keeper.pause()
            await keeper.stop(10)
            assert (await running.wait()).code == 5

    run(scenario())


def test_one_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            running = await keeper.run(program(oracle.argv("ignore-term"), tmp_path))
            await oracle.ready()
            began = time.monotonic()
            assert (await keeper.stop(0.2)).gone
            assert 0.2 <= await oracle.gone(began, 5) < 0.2 + LIMIT
            assert (await running.wait()).signal == signal.SIGKILL

    run(scenario())
