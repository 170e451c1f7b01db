"""The engine is killed at random points of real runs, and the runs end as if nobody had touched them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree

import pytest
from support.crashing import crashed_run, judge

AT_ONCE = 2
"""Runs at the same time: most of a run is waiting for its own processes."""
SEEDS, PARTS = 26, 4
"""Of the short test; in parts, which can be run beside each other."""


def killed_runs(home: Path, tree: str, seeds: range, blows: int) -> None:
    def one(seed: int) -> None:
        run = crashed_run(home / f"run-{seed}", seed, blows)
        try:
            judge(run, tree)
        except AssertionError as error:
            error.add_note(f"seed {seed}: {run.blows}\n{run.house.log()}")
            raise
        rmtree(run.house.root)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, seeds))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_runs_killed_at_104_points_end_as_if_they_had_not_been(home, tree, part):
    killed_runs(home, tree, range(part, SEEDS, PARTS), 4)


@pytest.mark.soak
@pytest.mark.timeout(6000)
def test_runs_killed_at_1002_points_end_as_if_they_had_not_been(home, tree):
    killed_runs(home, tree, range(1000, 1334), 3)
