"""Small records for tests: events that look like real ones, and journals filled with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.core.events import Event, NoticeGiven, StageClosed, TaskEnded
from engine.journal.files import REAL
from engine.journal.writer import Journal

FACTS = (
    ("notice_given", NoticeGiven(text="3 uncommitted files are not seen by agents")),
    ("stage_closed", StageClosed(stage="r1/parse/work.1.0", result="claimed")),
    ("task_ended", TaskEnded(outcome="done", reason="merged", commit="c" * 40)),
)


def event(seq: int, *, text: str | None = None) -> Event:
    """The event `seq`; with `text`, a notice that says it."""
    kind, data = FACTS[seq % len(FACTS)] if text is None else ("notice_given", NoticeGiven(text=text))
    return Event(
        seq=seq, at=1_790_000_000.25 + seq, kind=kind, data=data, run="r1", task="parse", cause=seq - 1 or None
    )


def events(first: int, count: int) -> list[Event]:
    """`count` events from seq `first`."""
    return [event(seq) for seq in range(first, first + count)]


async def fill(folder: Path, batches: Iterable[int], *, files=REAL, signer=None) -> None:
    """Append batches of these sizes, each durable before the next, and close."""
    journal = Journal.open(folder, files=files, signer=signer)
    try:
        for size in batches:
            await journal.append(events(journal.next_seq, size))
    finally:
        journal.close()


def segment_of(folder: Path) -> Path:
    """The last segment."""
    return max(folder.glob("*.jsonl"))
