"""Groups 3 and 4: engine, keeper, sandbox and init die or hang, by kill -9 or SIGSTOP; whatever ran is gone all the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, replace

import pytest
from support.aio import run
from support.in_tiers import EVERY, STRONG, each, tier_by
from support.machine import ROOT, Machine, machine
from support.oracle import Oracle, until

from engine.processes import records, tree
from engine.processes.confinement.tiers import Tier
from engine.processes.keeper import Keeper
from engine.processes.last_resort import kill_recorded, reap_stale

LIMIT = 2.0  # the promise is 1 s on a quiet machine; the soak holds it to that
FAMILIES = ("moving-target 4 --setsid", "headless")
MORE = (
    "nested",
    "fork-tree 10 --orphans",
    "daemon --scrub",
    "hydra 6",
    "unreadable",
    "relay",
    "own-reaper",
    "blocked-in-vfork",
    "traced",
)
LONG = pytest.param((*FAMILIES, *MORE) * 5, marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="at length")
each_family = pytest.mark.parametrize("families", [pytest.param(FAMILIES, id="shortly"), LONG])
ENGINE = ROOT / "tests" / "support" / "celled_engine.py"


@asynccontextmanager
async def engine(there: Machine, tier: Tier, oracle: Oracle, family: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """An engine in a process of its own, whose one agent is a family that stands."""
    told = (json.dumps(asdict(tier), default=str), json.dumps(oracle.argv(*family.split())))
    process = subprocess.Popen([sys.executable, str(ENGINE), str(ROOT), str(there.base), *told])
    try:
        await oracle.ready()
        yield process
    finally:
        process.kill()
        process.wait()


async def clean_again(there: Machine) -> None:
    """A new engine finds the dead dead, and nothing recorded after that."""
    for stale in reap_stale(there.records):
        assert stale.proof.gone
    assert records.read(there.records) == []


@each(EVERY)
@each_family
def test_an_engine_takes_its_agents_along(mechanism, families):
    """By turns it is killed as it runs, and when it hung before."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        for number, family in enumerate(families):
            async with Oracle(there.clone, f"o{number}") as oracle, engine(there, tier, oracle, family) as process:
                if number % 2:
                    process.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                process.kill()
                assert await oracle.gone(began, 10) < LIMIT, family
            await clean_again(there)

    with machine() as there:
        run(scenario(there))


@each(EVERY)
def test_a_kill_without_the_engine_reaches_into_the_cell(mechanism):
    """The engine hangs: `quarterdeck kill` works from the records alone, and holds the agent."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with Oracle(there.clone) as oracle, engine(there, tier, oracle, "hydra 6") as process:
            process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            (killed,) = kill_recorded(there.records, ["me"], reason="test")
            assert killed.proof.gone
            assert killed.proof.processes >= 6
            assert await oracle.gone(began, 10) < LIMIT
            assert records.held(there.records)["me"].how == "killed"

    with machine() as there:
        run(scenario(there))


def between(keeper: Keeper) -> dict[str, int]:
    """The processes between the engine and the program, as far as the tier has them: their pids."""
    chain = {"keeper": keeper.record.pid}
    below = tree.below(keeper.record.pid)
    init = keeper.record.init
    if init:
        chain["init"] = init
        outer = [process.pid for process in below if init in tree.children(process.pid)]
        chain |= dict(zip(["sandbox"], outer, strict=False))
    return chain


LINKS = {
    "namespaces": ("keeper", "init"),
    "bubblewrap": ("keeper", "sandbox", "init"),
    "landlock": ("keeper",),
    "none": ("keeper",),
}
CASES = [(mechanism, who) for mechanism, chain in LINKS.items() for who in chain]


@pytest.mark.parametrize(("mechanism", "who"), CASES)
@pytest.mark.parametrize("how", ["killed", "stopped, then all killed"])
@each_family
def test_whoever_dies_or_hangs_in_between_nothing_is_left(mechanism, who, how, families):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        for number, family in enumerate(families):
            async with there.keeping(tier) as keeper, Oracle(there.clone, f"o{number}") as oracle:
                running = await keeper.run(there.program(tier, *oracle.argv(*family.split())))
                await oracle.ready()
                os.kill(between(keeper)[who], signal.SIGKILL if how == "killed" else signal.SIGSTOP)
                began = time.monotonic()
                if how != "killed":
                    assert (await keeper.kill()).gone
                assert await oracle.gone(began, 10) < LIMIT, family
                await asyncio.wait_for(running.wait(), 5)
                assert (await keeper.kill()).gone
            assert records.read(there.records) == []

    with machine() as there:
        run(scenario(there))


@each(STRONG)
def test_an_init_number_that_belongs_to_a_stranger_by_now_is_not_touched(mechanism):
    """A record that says the right keeper and init, of other start times: another's processes have these numbers."""
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            await keeper.run(there.program(tier, *oracle.argv("ticking")))
            await oracle.ready()
            other = there.base / "records"
            records.write(other, replace(keeper.record, start=1, init_start=1, nonce="none-has-it", cgroup=""))
            (stale,) = reap_stale(other)
            assert stale.proof.gone
            assert stale.proof.processes == 0
            before = oracle.text.count(b"tick")
            await until(lambda: oracle.text.count(b"tick") >= before + 5)

    with machine() as there:
        run(scenario(there))


@each(EVERY)
def test_a_keeper_outlives_the_thread_that_started_it(mechanism):
    """A death signal goes by the thread that forked, and not by its process."""
    tier = tier_by(mechanism)

    async def start(there: Machine, oracle: Oracle) -> Keeper:
        keeper = await there.keeper(tier)
        await keeper.run(there.program(tier, *oracle.argv("ticking")))
        return keeper

    async def look(keeper: Keeper, oracle: Oracle) -> None:
        async with oracle:
            await oracle.ready()
            before = oracle.text.count(b"tick")
            await until(lambda: oracle.text.count(b"tick") >= before + 50)
        await keeper.close()

    with machine() as there, closing(asyncio.new_event_loop()) as loop:
        oracle = Oracle(there.clone)
        with ThreadPoolExecutor(1) as pool:
            keeper = pool.submit(loop.run_until_complete, start(there, oracle)).result()
        loop.run_until_complete(look(keeper, oracle))
