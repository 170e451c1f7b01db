"""Records the fixture of a released format: `python tests/journal/record_fixture.py NEW_FOLDER`.

Run once for each release that changes what lines look like, with the tests' import path
(`PYTHONPATH=tests:.`), into `tests/journal/fixtures/vX.Y/`. A recorded fixture is never recorded again: it shows that
this version still reads what that one wrote. Beside the record lie `export.jsonl` and `events.json`, what it held.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from support.records import events

from engine.core.events import AttemptClaimed, Event, RunStarted
from engine.core.values import AgentSpec, Change, Limits
from engine.journal.archive import export
from engine.journal.keys import KeyRing
from engine.journal.writer import Journal


def rich(seq: int) -> list[Event]:
    """Two events with deep facts."""
    crew = (AgentSpec(name="builder-1", runtime="command", does=("implement",), pool="builder"),)
    started = RunStarted(
        goal="Größe prüfen", pattern="solo", target="main", base="b" * 40, crew=crew, limits=Limits(), check=("true",)
    )
    change = Change(commit="c" * 40, tree="d" * 40, base="b" * 40, patch="e" * 40, files=("src/a.py",), added=3)
    claimed = AttemptClaimed(stage="r1/parse/work.1.0", change=change, summary='said "done"\n', confidence=0.5)
    return [
        Event(seq=seq, at=1_790_000_000.5, kind="run_started", data=started, run="r1", actor="person"),
        Event(seq=seq + 1, at=1_790_000_001.0, kind="attempt_claimed", data=claimed, run="r1", task="parse", attempt=1),
    ]


async def record(folder: Path, signer) -> None:
    journal = Journal.open(folder, signer=signer)
    await journal.append(events(1, 2))
    journal.segment("r1")
    await journal.append(rich(3))
    journal.checkpoint(1_790_000_002.0)
    await journal.append(events(5, 40))
    journal.segment("r2")
    await journal.append(events(45, 3))
    journal.checkpoint(1_790_000_003.5)
    journal.close()
    export(folder, folder / "export.jsonl")
    (folder / "events.json").write_bytes(msgspec.json.encode(list(journal.replay())) + b"\n")


if __name__ == "__main__":
    with TemporaryDirectory() as keys:
        asyncio.run(record(Path(sys.argv[1]), KeyRing(Path(keys)).signer("record")))
