"""Figures of the journal.

Durable events: 16 producers, each appends one event and waits until it is durable before the next; chain on, real
files and real syncs in a folder on a disk (`QUARTERDECK_PERF_DIR`, else pytest's), 3 s. Replay: 1,000,000 events of the
usual mixture, sealed and written beforehand; read, split, decoded and typed, one pass, page cache warm, no snapshot.
Syncs of a virtual disk vary from machine to machine: the figure of one lone producer, printed beside, says how much.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import msgspec
import pytest
from support.aio import run
from support.records import FACTS, event

from engine.core.events import Event, encode
from engine.journal import chain
from engine.journal.reader import read, read_verified
from engine.journal.writer import Journal

pytestmark = pytest.mark.perf
MILLION = 1_000_000


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    base = os.environ.get("QUARTERDECK_PERF_DIR") or tmp_path_factory.mktemp("perf")
    with TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


async def produce(folder: Path, producers: int, seconds: float) -> tuple[float, list[float]]:
    """Durable events a second, and the latency of each."""
    journal = Journal.open(folder)
    latencies: list[float] = []
    end = perf_counter() + seconds

    async def producer() -> None:
        while (start := perf_counter()) < end:
            await journal.append([event(journal.next_seq)])
            latencies.append(perf_counter() - start)

    start = perf_counter()
    await asyncio.gather(*[producer() for _ in range(producers)])
    rate = len(latencies) / (perf_counter() - start)
    journal.close()
    return rate, sorted(latencies)


def test_durable_events_a_second(disk, capsys):
    rates = {}
    for producers in (1, 16, 64):
        rate, latencies = run(produce(disk / f"producers-{producers}", producers, 3.0))
        rates[producers] = rate
        p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
        with capsys.disabled():
            print(f"\n{producers:3} producers: {rate:8,.0f} durable events/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    assert rates[16] >= 5_000


@pytest.fixture(scope="module")
def million(disk):
    folder = disk / "million"
    folder.mkdir()
    prev = chain.GENESIS
    bodies = [encode(event(seq)).split(b',"at"', 1)[1] for seq in range(len(FACTS))]
    with (folder / "000001-run.jsonl").open("wb") as file:
        for seq in range(1, MILLION + 1):
            line, prev = chain.seal(b'{"seq":%d,"at"%b' % (seq, bodies[seq % len(FACTS)]), prev)
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return folder


def timed(events) -> tuple[float, float, Event | None]:
    start, cpu, last = perf_counter(), process_time(), None
    for last in events:  # noqa: B007  the last one is looked at
        pass
    return perf_counter() - start, process_time() - cpu, last


def test_replay_of_a_million_events(million, capsys):
    size = (million / "000001-run.jsonl").stat().st_size
    seconds, cpu, last = timed(read(million))
    checked, _, _ = timed(read_verified(million))
    with capsys.disabled():
        print(f"\nreplay of {MILLION:,} events ({size / MILLION:.0f} bytes each): {seconds:.2f} s ({cpu:.2f} s CPU)")
        print(f"the same with the chain checked: {checked:.2f} s")
    assert last is not None
    assert last.seq == MILLION
    assert seconds <= 8.0


def test_opening_and_the_way_to_the_end_of_a_million_events(million, capsys):
    start = perf_counter()
    journal = Journal.open(million)
    opened = perf_counter() - start
    start = perf_counter()
    journal.offer_snapshot(MILLION - 500, msgspec.json.encode({"tasks": "x" * 5_000_000}))
    saved = perf_counter() - start
    start = perf_counter()
    seq, _ = journal.latest_snapshot() or (0, b"")
    rest = sum(1 for _ in journal.replay(seq))
    loaded = perf_counter() - start
    journal.close()
    with capsys.disabled():
        print(f"\nopen {opened * 1000:.0f} ms; save a snapshot of 5 MB {saved * 1000:.0f} ms; ", end="")
        print(f"load it and read the 500 events after it {loaded * 1000:.0f} ms")
    assert rest == 500
    assert opened + loaded <= 0.5
