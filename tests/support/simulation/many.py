"""Many seeds on all the cores there are, at most two; what broke, with how to see it again."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from support.simulation.world import simulate

CHUNK = 100


def live(first: int) -> list[str]:
    """Live a chunk of seeds through."""
    broken = []
    for seed in range(first, first + CHUNK):
        try:
            simulate(seed)
        except Exception as error:  # noqa: BLE001  whatever it is, the seed is what matters
            again = f"PYTHONPATH=.:tests python -m support.simulation {seed}"
            broken.append(f"seed {seed}: {type(error).__name__}: {error}\n  again: {again}")
    return broken


def live_all(first: int, count: int) -> list[str]:
    """Live `count` seeds through, from `first` on."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=context) as pool:
        return [line for chunk in pool.map(live, range(first, first + count, CHUNK)) for line in chunk]
