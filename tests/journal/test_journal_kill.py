"""A real writer, killed for real: every record it told us about is there afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from engine.journal.reader import read
from engine.journal.verify import verify
from engine.journal.writer import Journal

WRITER = """
import asyncio, os, sys
from pathlib import Path
from engine.journal.lock import hold
from engine.journal.writer import Journal
from support.records import events

async def produce(journal, size):
    while True:
        last = journal.next_seq + size - 1
        await journal.append(events(journal.next_seq, size))
        os.write(1, b"%d\\n" % last)

async def main(folder):
    with hold(folder.parent):
        journal = Journal.open(folder)
        journal.segment("run")
        await asyncio.gather(*[produce(journal, size) for size in (1, 2, 7, 1, 30)])

asyncio.run(main(Path(sys.argv[1])))
"""


def one_life(folder: Path, bytes_to_hear: int) -> int:
    """Let a writer run until it told us that much, kill it, and return the highest seq it told us."""
    path = os.pathsep.join(str(Path(__file__).parents[depth]) for depth in (1, 2))
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, env=environment
    ) as writer:
        heard = b""
        while len(heard) < bytes_to_hear:
            piece = os.read(writer.stdout.fileno(), 4096)
            assert piece, "the writer ended by itself"
            heard += piece
        writer.kill()
        heard += writer.stdout.read()
    return max(int(word) for word in heard.rpartition(b"\n")[0].split())


def lives(folder: Path, trials: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(trials):
        told = one_life(folder, random.randint(1, 4000))
        journal = Journal.open(folder)
        assert journal.head.seq >= told
        journal.close()
        report = verify(folder)
        assert report.ok, report.damage
        assert report.unfinished == 0
        assert [item.seq for item in read(folder)] == list(range(1, report.head.seq + 1))


def test_a_killed_writer_loses_nothing_it_told(tmp_path):
    lives(tmp_path / "journal", 5, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_writers_killed_often_lose_nothing_they_told(tmp_path):
    for seed in range(2, 22):
        lives(tmp_path / f"journal-{seed}", 10, seed)
