"""Nothing of a killed engine stays: agents that do not want to end are gone within a second, whoever comes next."""

from __future__ import annotations

import asyncio
import shlex
import time
from pathlib import Path

import pytest
from support.crashing import Crashing, judge, make_project, outside
from support.lives import a_house, slay
from support.oracle import Oracle

from engine.processes import records

LIMIT = 3.0
"""Seconds; the promise is 1 on a machine that has nothing else to do."""
FAMILIES = [
    ("daemon", "--scrub"),
    ("fork-tree", "10", "--orphans"),
    pytest.param(("ignore-term",), marks=pytest.mark.soak),
    pytest.param(("setsid-children", "5"), marks=pytest.mark.soak),
]


@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_agents_of_a_killed_engine_are_gone_at_once_and_its_successor_proves_it(folder, tree, family):
    asyncio.run(killed_with(family, folder, tree))


async def killed_with(family: tuple[str, ...], folder: Path, tree: str) -> None:
    async with Oracle(outside(folder / "repo")) as oracle:
        nasty = f"[ ! -p {oracle.path} ] || exec {shlex.join(oracle.argv(*family))}; exec sh build.sh"
        with a_house(make_project(folder / "repo", "sh", "-c", nasty)) as house:
            run = Crashing(house)
            with run.living() as (pid, _):
                await oracle.ready(60)
                began = time.monotonic()
                slay(pid)
                await oracle.gone(began, LIMIT)
            assert records.read(house.layout.processes)
            oracle.path.unlink()
            run.to_the_end()
            judge(run, tree)
            assert not records.read(house.layout.processes)
