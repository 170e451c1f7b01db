"""Groups 1 and 2: whatever a program does to stay, in every tier a kill is the end of it, and of it alone.

The oracle is a pipe that only the family holds; `support.nasty` and `support.oddities` are the families. What is left out
here of tier unconfined stands in tests/processes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.aio import run
from support.in_tiers import CONFINED, EVERY, STRONG, each, tier_by
from support.machine import Machine, machine
from support.oracle import Oracle, until

from engine.processes.confinement.tiers import Tier
from engine.processes.keeper import Keeper, kill_all
from engine.processes.values import Proof

LIMIT = 1.0  # the promise is 0.5 s on a quiet machine; the soak holds it to that
KNOWN = (
    "ignore-term", "daemon", "daemon --scrub", "setsid-children 5", "fork-tree 20 --orphans", "fork-bomb 60", "moving-target 4",
    "moving-target 4 --setsid", "hydra 8", "stopped", "zombie-maker 20", "ticking",
)  # fmt: skip
ODD = (
    "headless", "threads-that-exec", "blocked-in-vfork", "relay", "own-reaper", "nested", "from-memory", "unreadable", "traced",
    "stops-its-parent", "kills-its-parent", "without-descriptors", "dies-and-returns",
)  # fmt: skip
IN_TURN = [
    *(
        pytest.param(mechanism, KNOWN, id=f"known-{mechanism}") for mechanism in CONFINED
    ),  # the rest is in tests/processes
    *(pytest.param(mechanism, ODD, id=f"odd-{mechanism}") for mechanism in EVERY),
]
RACES = {"moving-target", "hydra", "fork-bomb", "relay", "dies-and-returns", "headless"}


async def standing(oracle: Oracle) -> None:
    """Until the family stands, or has fallen with the keeper that it killed."""
    await until(lambda: b"ready\n" in oracle.text or not oracle.holders, 15)


async def killed(there: Machine, tier: Tier, family: str, number: int = 0) -> tuple[float, Proof]:
    """Seconds from the kill to the end of the family, and what the kill said."""
    async with there.keeping(tier) as keeper, Oracle(there.clone, f"o{number}") as oracle:
        running = await keeper.run(there.program(tier, *oracle.argv(*family.split())))
        await standing(oracle)
        began = time.monotonic()
        proof = await keeper.kill()
        seconds = await oracle.gone(began, 5)
        await asyncio.wait_for(running.wait(), 5)
        return seconds, proof


def wrong(tier: Tier, family: str, seconds: float, proof: Proof, limit: float) -> str:
    """What is not as promised about a kill; empty when all is."""
    said = [
        f"it took {seconds:.3f} s" * (seconds > limit),
        "no proof" * (not proof.gone),
        "counted nobody" * (proof.processes < 1 and family != "kills-its-parent"),
        f"the proof does not name {tier.label}: {proof.text}" * (tier.label not in proof.text),
    ]
    return "; ".join(filter(None, said))


@pytest.mark.parametrize(("mechanism", "families"), IN_TURN)
def test_a_killed_family_is_gone(mechanism, families):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> dict[str, str]:
        found = {}
        for number, family in enumerate(families):
            seconds, proof = await killed(there, tier, family, number)
            if said := wrong(tier, family, seconds, proof, LIMIT):
                found[family] = said
        return found

    with machine() as there:
        assert run(scenario(there)) == {}
        assert list(there.records.iterdir()) == []


@pytest.mark.soak
@pytest.mark.timeout(900)
@each(EVERY)
@pytest.mark.parametrize("family", [*KNOWN, *ODD])
def test_a_killed_family_is_gone_every_time(mechanism, family, capsys):
    tier = tier_by(mechanism)
    repeats = 50 if family.split()[0] in RACES else 20

    async def scenario(there: Machine) -> list[tuple[float, Proof]]:
        return [await killed(there, tier, family, number) for number in range(repeats)]

    with machine() as there:
        told = run(scenario(there))
    worst = max(seconds for seconds, _ in told)
    with capsys.disabled():
        print(f"\n{mechanism:12} {family:26} {repeats} of {repeats}, worst {worst * 1000:.0f} ms", end=" ")
    assert [said for seconds, proof in told if (said := wrong(tier, family, seconds, proof, 0.5))] == []


@each(CONFINED)
def test_a_family_that_outlives_its_program_is_gone_before_the_end_is_told(mechanism):
    """stdout-hold: the main process ends, and a daemon keeps the outputs."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            running = await keeper.run(there.program(tier, *oracle.argv("daemon", "--scrub", "--leave")))
            ended = await asyncio.wait_for(running.wait(), 10)
            assert (ended.code, ended.leftovers) == (7, 1)
            await oracle.gone(time.monotonic(), 0.5)
            assert running.tail() == b"left\n"
            assert keeper.alive, "an end of its own costs no keeper"

    with machine() as there:
        run(scenario(there))


@each(CONFINED)
def test_a_kill_counts_while_paused_twice_at_once_and_during_a_start(mechanism):
    tier = tier_by(mechanism)

    async def paused(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone, "paused") as oracle:
            await keeper.run(there.program(tier, *oracle.argv("fork-tree", "10", "--orphans")))
            await oracle.ready()
            assert (await keeper.pause()).processes >= 10
            began = time.monotonic()
            proofs = await asyncio.gather(keeper.kill(), keeper.kill())
            assert all(proof.gone for proof in proofs)
            assert await oracle.gone(began, 5) < LIMIT

    async def starting(there: Machine) -> None:
        async with there.keeping(tier) as keeper:
            start = asyncio.create_task(keeper.run(there.program(tier, "sleep", "1000")))
            await asyncio.sleep(0)
            assert (await keeper.kill()).gone
            (begun,) = await asyncio.gather(start, return_exceptions=True)
            if not isinstance(begun, BaseException):
                assert (await asyncio.wait_for(begun.wait(), 5)).signal in {signal.SIGKILL, None}

    async def scenario(there: Machine) -> None:
        await paused(there)
        await starting(there)

    with machine() as there:
        run(scenario(there))
        assert list(there.records.iterdir()) == []


@asynccontextmanager
async def with_a_ticking_neighbour(there: Machine, tier: Tier) -> AsyncIterator[Keeper]:
    """A keeper, and an agent beside it that has to be ticking still in the end."""
    async with there.keeping(tier, "one") as one, there.keeping(tier, "two") as two, Oracle(there.clone) as oracle:
        await two.run(there.program(tier, *oracle.argv("ticking")))
        await oracle.ready()
        yield one
        before = oracle.text.count(b"tick")
        await until(lambda: oracle.text.count(b"tick") >= before + 5)


@each(CONFINED)
def test_a_neighbour_goes_on_ticking(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with with_a_ticking_neighbour(there, tier) as keeper, Oracle(there.clone, "victim") as oracle:
            await keeper.run(there.program(tier, *oracle.argv("setsid-children")))
            await oracle.ready()
            began = time.monotonic()
            await keeper.kill()
            await oracle.gone(began, 5)

    with machine() as there:
        run(scenario(there))


WITH_ALL_ITS_MIGHT = """
import os, signal, sys
assert os.readlink("/proc/self/ns/pid") != sys.argv[1], "here it would reach the whole machine"
for pid in (1, os.getppid(), -1):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except OSError:
            pass
print("done", flush=True)
"""


@each(STRONG)
def test_killing_everybody_and_init_reaches_nobody_outside(mechanism):
    tier = tier_by(mechanism)
    outside = str(Path("/proc/self/ns/pid").readlink())

    async def scenario(there: Machine) -> None:
        async with with_a_ticking_neighbour(there, tier) as keeper:
            argv = (sys.executable, "-I", "-S", "-c", WITH_ALL_ITS_MIGHT, outside)
            running = await keeper.run(there.program(tier, *argv))
            assert (await asyncio.wait_for(running.wait(), 10)).code == 0
            assert running.tail() == b"done\n"
            assert keeper.alive

    with machine() as there:
        run(scenario(there))


async def crowd(there: Machine, tier: Tier, agents: int, processes: int) -> tuple[float, list[Proof]]:
    """So many agents with so many processes each, all killed at once: seconds until the last process is gone."""
    names = [f"agent-{number}" for number in range(agents)]
    keepers: list[Keeper] = await asyncio.gather(*(there.keeper(tier, name, processes=0) for name in names))
    oracles = [Oracle(there.clone, name) for name in names]
    for keeper, oracle in zip(keepers, oracles, strict=True):
        await oracle.__aenter__()
        await keeper.run(there.program(tier, *oracle.argv("fork-tree", str(processes))))
    for oracle in oracles:
        await oracle.ready(60)
    began = time.monotonic()
    proofs = await kill_all(keepers)
    seconds = max([await oracle.gone(began, 5) for oracle in oracles])
    await asyncio.gather(*(keeper.close() for keeper in keepers))
    return seconds, [proof for _, proof in proofs]


@each(CONFINED)
def test_all_are_killed_together(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        seconds, proofs = run(crowd(there, tier, 4, 8))
    assert seconds < LIMIT
    assert all(proof.gone and proof.processes >= 8 for proof in proofs)


@pytest.mark.soak
@each(EVERY)
@pytest.mark.parametrize(("agents", "processes"), [(1, 500), (20, 20)])
def test_large_trees_and_crowds_are_gone_within_a_second(mechanism, agents, processes):
    tier = tier_by(mechanism)
    with machine() as there:
        seconds, proofs = run(crowd(there, tier, agents, processes))
    assert seconds < 1
    assert all(proof.gone and proof.processes >= processes for proof in proofs)
