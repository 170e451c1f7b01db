"""Shapes of work for the coordination benchmarks, and the makespan that nothing can beat by much: list scheduling.

`ideal` is longest-bottom-level-first with zero reaction time; a tool's tax is its makespan over that.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """`seconds` of work after all of `after`; `lane` jobs of one name run one at a time."""

    name: str
    seconds: float
    after: tuple[str, ...] = ()


def layered(count: int, *, layers: int = 12, low: float = 0.2, high: float = 2.0, seed: int = 1) -> list[Job]:
    """A random graph in layers: one to three dependencies each, on the layer before."""
    rng = random.Random(seed)
    rows: list[list[str]] = [[] for _ in range(layers)]
    jobs = []
    for number in range(count):
        row = number * layers // count
        before = rows[row - 1] if row else []
        after = tuple(rng.sample(before, min(len(before), rng.randint(1, 3))))
        name = f"t{number}"
        rows[row].append(name)
        jobs.append(Job(name, round(rng.uniform(low, high), 3), after))
    return jobs


def ideal(jobs: Sequence[Job], places: int) -> float:
    """Seconds that list scheduling takes on so many places."""
    seconds = {job.name: job.seconds for job in jobs}
    followers: dict[str, list[str]] = {job.name: [] for job in jobs}
    for job in jobs:
        for name in job.after:
            followers[name].append(job.name)
    level = bottom_levels(jobs, followers)
    left = {job.name: len(job.after) for job in jobs}
    ready = [(-level[name], name) for name, count in left.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < places:
            name = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + seconds[name], name))
        now, done = heapq.heappop(running)
        for name in followers[done]:
            left[name] -= 1
            if not left[name]:
                heapq.heappush(ready, (-level[name], name))
    return now


def bottom_levels(jobs: Sequence[Job], followers: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Seconds from the start of each job to the end of the longest chain behind it. Jobs come after what they need."""
    found: dict[str, float] = {}
    for job in reversed(jobs):
        found[job.name] = job.seconds + max((found[name] for name in followers[job.name]), default=0.0)
    return found
