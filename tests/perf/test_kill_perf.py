"""What a start, a pause and an end cost in each tier: every family of nasty programs, small and large trees, crowds.

Method. Wall clock. An end is measured from the call until end-of-file of a pipe that only the family holds (`gone`),
so no code under test takes part; beside it stands when the kill came back with its proof (`proof`). Families are
Python processes, so most of it is the kernel taking them down. Starts are of a keeper with `true` in it to its end;
overhead is the difference to the same without a cell. p50 and worst of so many rounds, with the machine's load.

    python -m pytest -n 0 -m perf -s tests/perf/test_kill_perf.py
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

import pytest
from support.aio import run
from support.in_tiers import EVERY, each, tier_by
from support.machine import ROOT, Machine, machine
from support.oracle import Oracle, until

from engine.processes.confinement.tiers import UNCONFINED, Tier
from engine.processes.keeper import Keeper, kill_all

pytestmark = [pytest.mark.perf, pytest.mark.timeout(600)]
FAMILIES = (
    "ignore-term", "daemon", "daemon --scrub", "setsid-children 5", "fork-tree 20 --orphans", "fork-bomb 200", "moving-target 4",
    "moving-target 4 --setsid", "hydra 8", "stopped", "zombie-maker 20", "headless", "blocked-in-vfork", "relay", "own-reaper",
    "nested", "traced", "unreadable", "dies-and-returns",
)  # fmt: skip
ROUNDS = 9
ENGINE = ROOT / "tests/support/celled_engine.py"


def tell(what: str) -> None:
    print(f"\n{what} (load {os.getloadavg()[0]:.1f})", end="")


def spread(seconds: Sequence[float]) -> str:
    """p50 / worst in milliseconds."""
    return f"{statistics.median(seconds) * 1000:5.0f} / {max(seconds) * 1000:.0f} ms"


async def one_end(there: Machine, tier: Tier, family: str, number: int) -> tuple[float, float]:
    """Seconds until the family is gone, and until the proof was there."""
    async with there.keeping(tier, processes=0) as keeper, Oracle(there.clone, f"o{number}") as oracle:
        await keeper.run(there.program(tier, *oracle.argv(*family.split())))
        await oracle.ready(60)
        began = time.monotonic()
        proof = await keeper.kill()
        proven = time.monotonic() - began
        assert proof.gone
        return await oracle.gone(began, 10), proven


def ends(tier: Tier, family: str, rounds: int) -> tuple[list[float], list[float]]:
    async def scenario(there: Machine) -> list[tuple[float, float]]:
        return [await one_end(there, tier, family, number) for number in range(rounds)]

    with machine() as there:
        gone, proven = zip(*run(scenario(there)), strict=True)
    return list(gone), list(proven)


@each(EVERY)
def test_the_end_of_every_family(mechanism):
    tier = tier_by(mechanism)
    tell(f"{tier.label}: p50 / worst of {ROUNDS}; aim 500 ms")
    for family in FAMILIES:
        gone, proven = ends(tier, family, ROUNDS)
        print(f"\n  {family:26} gone {spread(gone):18} proof {spread(proven)}", end="")
        assert max(gone) < 2


@each(EVERY)
def test_the_end_of_trees(mechanism):
    tier = tier_by(mechanism)
    tell(f"{tier.label}: trees, p50 / worst")
    for size, rounds, aim in ((1, 12, 0.1), (10, 12, 0.1), (100, 12, 0.1), (500, 5, 0.5)):
        family = f"fork-tree {size} --orphans"
        gone, proven = ends(tier, family, rounds)
        aimed = f"aim {aim * 1000:.0f} ms p50"
        print(
            f"\n  {size:4} processes  gone {spread(gone):18} proof {spread(proven):18} ({aimed}, {rounds} rounds)",
            end="",
        )
        assert statistics.median(gone) < 4 * aim


async def crowd(there: Machine, tier: Tier, number: int) -> float:
    names = [f"agent-{number}-{place}" for place in range(20)]
    keepers: list[Keeper] = list(await asyncio.gather(*(there.keeper(tier, name, processes=0) for name in names)))
    oracles = [Oracle(there.clone, name) for name in names]
    for keeper, oracle in zip(keepers, oracles, strict=True):
        await oracle.__aenter__()
        await keeper.run(there.program(tier, *oracle.argv("fork-tree", "20", "--orphans")))
    for oracle in oracles:
        await oracle.ready(60)
    began = time.monotonic()
    proofs = await kill_all(keepers)
    seconds = max([await oracle.gone(began, 10) for oracle in oracles])
    assert all(proof.gone for _, proof in proofs)
    await asyncio.gather(*(keeper.close() for keeper in keepers))
    return seconds


@each(EVERY)
def test_the_end_of_a_crowd(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        seconds = [run(crowd(there, tier, number)) for number in range(5)]
    tell(f"{tier.label}: 20 agents x 20 processes gone {spread(seconds)} (aim 500 ms)")
    assert statistics.median(seconds) < 2


@each(EVERY)
def test_the_end_of_an_engine(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine, family: str, number: int) -> float:
        async with Oracle(there.clone, f"o{number}") as oracle:
            told = (json.dumps(asdict(tier), default=str), json.dumps(oracle.argv(*family.split())))
            engine = subprocess.Popen([sys.executable, str(ENGINE), str(ROOT), str(there.base), *told])
            await oracle.ready(30)
            began = time.monotonic()
            engine.send_signal(signal.SIGKILL)
            seconds = await oracle.gone(began, 10)
            engine.wait()
            return seconds

    for family in ("fork-tree 100 --orphans", "daemon --scrub", "setsid-children 5", "moving-target 4 --setsid"):
        with machine() as there:
            seconds = [run(scenario(there, family, number)) for number in range(5)]
        tell(f"{tier.label}: engine -9, {family}: gone {spread(seconds)} (aim 1000 ms)")
        assert max(seconds) < 2


@each(EVERY)
def test_a_pause_of_a_hundred(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine, number: int) -> tuple[float, float]:
        async with there.keeping(tier) as keeper, Oracle(there.clone, f"o{number}") as oracle:
            await keeper.run(there.program(tier, *oracle.argv("fork-tree", "100", "--orphans")))
            await oracle.ready(30)
            began = time.monotonic()
            frozen = await keeper.pause()
            paused = time.monotonic()
            assert (frozen.processes >= 100, frozen.awake) == (True, 0)
            await keeper.resume()
            return paused - began, time.monotonic() - paused

    with machine() as there:
        paused, resumed = zip(*[run(scenario(there, number)) for number in range(7)], strict=True)
    tell(f"{tier.label}: 100 processes paused {spread(paused)}, resumed {spread(resumed)}")
    assert statistics.median(paused) < 1


async def started(there: Machine, tier: Tier, name: str) -> None:
    async with there.keeping(tier, name) as keeper:
        running = await keeper.run(there.program(tier, "true"))
        assert (await running.wait()).code == 0


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    began = time.monotonic()
    await act()
    return time.monotonic() - began


@each(EVERY)
def test_the_start_of_an_agent(mechanism):
    """Beside it what `true` costs in the keeper that is there then: agents use theirs again."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> tuple[list[float], list[float], list[float], float]:
        plain, confined, warm = [], [], []
        for number in range(15):  # by turns, so that a neighbour on the machine burdens both
            plain.append(await timed(lambda number=number: started(there, UNCONFINED, f"plain-{number}")))
            confined.append(await timed(lambda number=number: started(there, tier, f"confined-{number}")))
        async with there.keeping(tier) as keeper:
            for _ in range(30):
                began = time.monotonic()
                await (await keeper.run(there.program(tier, "true"))).wait()
                warm.append(time.monotonic() - began)
        at_once = await timed(lambda: asyncio.gather(*(started(there, tier, f"a{number}") for number in range(100))))
        return plain, confined, warm, at_once

    with machine() as there:
        plain, confined, warm, at_once = run(scenario(there))
    overhead = statistics.median(confined) - statistics.median(plain)
    tell(f"{tier.label}: start, `true` and end {spread(confined)}, warm {spread(warm)}")
    print(f"\n  overhead {overhead * 1000:.0f} ms p50 (aim 60), 100 at once {at_once * 1000:.0f} ms (aim 2500)", end="")
    assert overhead < 0.24
    assert at_once < 10


def test_families_are_what_they_say():
    """A benchmark of nothing would be fast: each family stands, with so many members, until it is killed."""

    async def scenario(there: Machine) -> None:
        async with there.keeping(UNCONFINED) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(UNCONFINED, *oracle.argv("fork-tree", "100", "--orphans")))
            await oracle.ready()
            assert oracle.holders
            assert (await keeper.kill()).processes >= 100
            await until(lambda: not oracle.holders)

    with machine() as there:
        run(scenario(there))
