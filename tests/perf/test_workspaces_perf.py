"""What one attempt and its merge cost on a small repository.

Method: one agent works a chain of attempts, each merged before the next, in a repository of 30 files; the target is
checked out nowhere but in the person's work tree, and moved by the person after every other attempt, so that probes are
real. A shell stands for the agent (it appends a line), so what is measured is all ours: `sh` and git inside the clone
(unconfined, without a keeper), git in the repository, and Python. CPU is this process and its children (`os.times`),
wall is `perf_counter`; p50 over the rounds after two for warming up.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from support.aio import run
from support.clones import Bench, bench
from support.repos import save

from workspaces.clones.intake import Change
from workspaces.merge.advance import Advanced, advance
from workspaces.merge.commit import Merge, commit
from workspaces.merge.probe import Combined, probe
from workspaces.merge.trailers import Trailers

T = TypeVar("T")
ROUNDS = 22


class Meter:
    """Milliseconds of wall and CPU by step."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    async def measure(self, step: str, work: Awaitable[T]) -> T:
        wall, cpu = time.perf_counter(), _cpu()
        result = await work
        self.wall.setdefault(step, []).append((time.perf_counter() - wall) * 1000)
        self.cpu.setdefault(step, []).append((_cpu() - cpu) * 1000)
        return result

    def p50(self, step: str) -> tuple[float, float]:
        return statistics.median(self.wall[step][2:]), statistics.mean(self.cpu[step][2:])


def _cpu() -> float:
    return sum(os.times()[:4])


async def chain(b: Bench, meter: Meter) -> list[int]:
    """Give the git processes of ours that each round took."""
    trailers, counts, start = Trailers(b.repo.git), [], await b.repo.tip("main")
    committer = await b.repo.committer()
    for number in range(ROUNDS):
        before, tip = b.repo.git.started, await b.repo.tip("main")
        await meter.measure("prepare", b.clone.prepare(tip))
        b.edit({f"f{number}": "changed\n", f"new{number}": "new\n"})
        ref = f"refs/quarterdeck/attempts/R/T{number}/1"
        change = await meter.measure("submit", b.clone.submit(ref, base=tip, message="work\n"))
        assert isinstance(change, Change)
        if number % 2:
            tip = save(b.root, {"person": f"{number}\n"})
        await meter.measure("find", trailers.find(start, tip, f"R/T{number}/1"))
        combined = await meter.measure("probe", probe(b.repo.git, change, tip))
        assert isinstance(combined, Combined)
        merge = Merge(
            tree=combined.tree,
            parent=tip,
            author=b.clone.who,
            committer=committer,
            message="work",
            trailer=f"R/T{number}/1",
            at=number,
        )
        new = await meter.measure("commit", commit(b.repo.git, merge))
        assert await meter.measure("advance", advance(b.repo, "main", tip, new)) == Advanced(new)
        trailers.advanced(start, tip, new, f"R/T{number}/1")
        counts.append(b.repo.git.started - before)
    return counts


@pytest.mark.perf
def test_an_attempt_and_its_merge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    b, meter = bench(tmp_path, {f"f{number}": "line\n" * 20 for number in range(30)}), Meter()
    counts = run(chain(b, meter))
    with capsys.disabled():
        print("\nstep      wall p50 ms   cpu mean ms")
        for step in meter.wall:
            wall, cpu = meter.p50(step)
            print(f"{step:<9} {wall:11.1f} {cpu:13.1f}")
        total = sum(meter.p50(step)[1] for step in meter.cpu)
        print(f"cpu of all: {total:.1f} ms; git processes of ours: {min(counts)} quiet, {max(counts)} beside a person")
    assert min(counts) == 5, "unpack, diff, ref; commit, advance"
    assert max(counts) == 7, "and the log and a probe, when the person moved the target"
    assert b.inside.calls == 2 * ROUNDS
    assert total < 150
