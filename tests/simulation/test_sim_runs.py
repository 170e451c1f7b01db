"""Thousands of small runs in which everything goes wrong, each held against every law after every step."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest
from support.simulation.world import simulate

SEEDS = 2_400
CHUNK = 100


def live(first: int) -> list[str]:
    """Live a chunk of seeds; what was broken, with how to see it again."""
    broken = []
    for seed in range(first, first + CHUNK):
        try:
            simulate(seed)
        except Exception as error:  # noqa: BLE001  whatever it is, the seed is what matters
            again = f"PYTHONPATH=.:tests python -m support.simulation {seed}"
            broken.append(f"seed {seed}: {type(error).__name__}: {error}\n  again: {again}")
    return broken


def live_all(first: int, count: int) -> list[str]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=context) as pool:
        chunks = pool.map(live, range(first, first + count, CHUNK))
        return [line for chunk in chunks for line in chunk]


def test_no_seed_breaks_a_law():
    broken = live_all(0, SEEDS)
    assert not broken, "\n".join(broken[:5])


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_no_seed_of_a_hundred_thousand_breaks_a_law():
    broken = live_all(SEEDS, 100_000)
    assert not broken, "\n".join(broken[:5])


def test_a_seed_always_leads_to_the_same_record():
    assert simulate(7).journal.durable == simulate(7).journal.durable
