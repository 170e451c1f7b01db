"""The client protocol: how soon an event that is durable is decoded in a client, and what ten viewers cost.

Method: the real engine with its journal in a process of its own lets small events happen at an even pace; sessions in
this process note when each was decoded, on the same monotonic clock. CPU time is that of each whole process meanwhile,
so the engine's holds deciding and journaling too. Best of three rounds for times: the machine may be shared.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from support.aio import run
from support.served import short_folder

from engine.api.session import Session, unix

pytestmark = [pytest.mark.perf, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def source():
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    with short_folder() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "support.event_source", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        )  # fmt: skip
        with process:
            assert process.stdout.readline() == "ready\n"
            yield process, folder / "s"
            process.stdin.close()


async def measured(process, path, *, viewers, rate, count):
    """For each viewer when it had each event; when each was durable; CPU seconds of the engine and of us."""

    async def watch(session):
        had = {}
        while len(had) < count:
            event = await anext(session)
            had[event.seq] = time.monotonic_ns()
        return had

    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(await Session.open(await unix(path))) for _ in range(viewers)]
        since = sessions[0].engine.seq
        for session in sessions:
            await session.subscribe(since)
            await session.status()
        before = time.process_time()
        watching = [asyncio.create_task(watch(session)) for session in sessions]
        process.stdin.write(f"{rate} {count}\n")
        process.stdin.flush()
        seen = await asyncio.gather(*watching)
        ours = time.process_time() - before
    told = json.loads(process.stdout.readline())
    return seen, {int(seq): at for seq, at in told["durable"].items()}, told["cpu"], ours


def late(seen, durable):
    """Milliseconds from durable to decoded, sorted."""
    return sorted((had[seq] - at) / 1e6 for had in seen for seq, at in durable.items())


def test_an_event_is_with_a_client_soon_after_it_is_durable():
    rounds = []
    with source() as (process, path):
        for _ in range(3):
            seen, durable, engine, ours = run(measured(process, path, viewers=1, rate=200, count=1000))
            times = late(seen, durable)
            rounds.append((statistics.median(times), times[int(len(times) * 0.99)], engine, ours))
    p50, p99, engine, ours = min(rounds)
    print(
        f"\n200 events/s, 1 viewer, 5 s: p50 {p50:.2f} ms, p99 {p99:.2f} ms; CPU engine {engine:.2f} s, client {ours:.2f} s"
    )
    assert p50 <= 2


def test_ten_viewers_have_a_thousand_events_a_second_without_loss():
    with source() as (process, path):
        seen, durable, engine, ours = run(measured(process, path, viewers=10, rate=1000, count=5000))
    times = late(seen, durable)
    print(
        f"\n1,000 events/s, 10 viewers, 5 s: p50 {statistics.median(times):.2f} ms, p99 {times[int(len(times) * 0.99)]:.2f}"
        f" ms; CPU engine {engine:.2f} s ({engine / 50_000 * 1e6:.0f} us a delivery), ten clients {ours:.2f} s"
    )
    assert all(sorted(had) == sorted(durable) for had in seen)
    assert len(durable) == 5000
    assert engine < 5
