"""Checkpoints kept as git notes: they show that the record beside them was cut; those of another record do not."""

import asyncio
import shutil

import pytest
from support import repos
from support.stand_in import record

from engine.journal.keys import KeyRing
from engine.journal.writer import Journal
from tui import door


def checkpointed(place, events):
    """A record with a signed checkpoint; its note."""

    async def write():
        journal = Journal.open(place.journal, signer=KeyRing(place.keys).signer("engine"))
        try:
            await journal.append(events)
            return journal.checkpoint(1.0).note
        finally:
            journal.close()

    return asyncio.run(write())


@pytest.fixture
def noted(repo, good):
    """A record whose checkpoint is in a note as well."""
    place = door.layout(door.find(str(repo)))
    place.create()
    note = checkpointed(place, good.events)
    note_file = repo.parent / "note"
    note_file.write_text(note)
    repos.git(repo, "notes", "--ref=quarterdeck", "add", "-F", str(note_file), "HEAD")
    return place


def test_a_record_that_agrees_with_the_notes_holds(quarterdeck, noted):
    code, out, _ = quarterdeck("audit", "verify")
    assert code == 0
    assert "another record" not in out


def test_a_record_that_was_cut_with_its_checkpoints_is_found_out(quarterdeck, noted):
    segment = next(path for path in sorted(noted.journal.glob("*.jsonl")))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:-5]))
    (noted.journal / "checkpoints").unlink()
    code, _, err = quarterdeck("audit", "verify")
    assert code == 5
    assert "a signed checkpoint says that event" in err


def test_notes_of_another_record_are_counted_and_not_held_against_this_one(quarterdeck, repo, good, noted):
    shutil.rmtree(noted.state)
    record(repo, good.events[:10])
    code, out, _ = quarterdeck("audit", "verify")
    assert code == 0
    assert "1 checkpoint among git's notes: of another record" in out


def test_a_note_of_a_person_is_none_of_our_business(quarterdeck, repo, noted):
    repos.git(repo, "notes", "--ref=quarterdeck", "add", "-f", "-m", "remember the milk", "HEAD")
    assert quarterdeck("audit", "verify")[0] == 0
