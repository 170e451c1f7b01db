"""The engine is killed while somebody between it and the programs stands still: what can be gone is gone, the rest waits
for the next engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from support.aio import run
from support.in_tiers import EVERY, tier_by
from support.machine import ROOT, Machine, machine
from support.oracle import Oracle, until

from engine.processes import records, tree
from engine.processes.confinement.tiers import Tier
from engine.processes.last_resort import reap_stale
from engine.processes.records import Record

ENGINE = ROOT / "tests" / "support" / "celled_engine.py"
LIMIT = 2.0  # the promise is 1 s on a quiet machine


@asynccontextmanager
async def engine(there: Machine, tier: Tier, oracle: Oracle, *family: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """An engine in a process of its own, whose one agent is a family that stands."""
    told = (json.dumps(asdict(tier), default=str), json.dumps(oracle.argv(*family)))
    process = subprocess.Popen([sys.executable, str(ENGINE), str(ROOT), str(there.base), *told])
    try:
        await oracle.ready()
        yield process
    finally:
        process.kill()
        process.wait()


def runs(pid: int) -> bool:
    found = tree.look(pid)
    return bool(found and found.alive)


def between(record: Record) -> set[int]:
    """The pids of all that is of the sandbox itself: keeper, the outer process of bubblewrap, the first inside."""
    return {record.pid, *({record.init} if record.init else ())} | {
        process.pid for process in tree.below(record.pid) if record.init in tree.children(process.pid)
    }


STANDING = ["nobody", "keeper", "init", "group", "all"]


@pytest.mark.parametrize("standing", STANDING)
@pytest.mark.parametrize(
    "mechanism", [EVERY[0], *(pytest.param(mechanism, marks=pytest.mark.soak) for mechanism in EVERY[1:])]
)
def test_when_the_engine_is_killed_all_go_that_can(mechanism, standing):
    tier = tier_by(mechanism)

    async def scenario(there: Machine) -> None:
        async with Oracle(there.clone) as oracle, engine(there, tier, oracle, "hydra", "6") as process:
            (record,) = records.read(there.records)
            if standing == "init" and not record.init:
                pytest.skip("there is no init")
            if standing == "group" and not record.cgroup:
                pytest.skip("there is no control group")
            if standing == "group":
                Path(record.cgroup, "cgroup.freeze").write_text("1")
            pids = between(record)
            stopped = {"nobody": set(), "group": set(), "keeper": {record.pid}, "init": {record.init}, "all": pids}[
                standing
            ]
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            process.kill()
            process.wait()
            if standing == "all" or (standing == "keeper" and not record.init):
                assert oracle.holders, "nobody was there to end them"
                (stale,) = reap_stale(there.records)
                assert stale.proof.gone
                assert stale.proof.processes >= 7
            assert await oracle.gone(began, 10) < LIMIT
            await until(lambda: not any(map(runs, pids - ({record.pid} & stopped))))
            reap_stale(there.records)
            await until(lambda: not any(map(runs, pids)))
            assert records.read(there.records) == []

    with machine() as there:
        run(scenario(there))
