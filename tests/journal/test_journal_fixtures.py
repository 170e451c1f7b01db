"""Records that earlier releases wrote stay readable; `record_fixture.py` says how they were made."""

from __future__ import annotations

import shutil
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest
from support.aio import run
from support.records import events

from engine.core.events import encode
from engine.journal.reader import read
from engine.journal.verify import verify
from engine.journal.writer import Journal

RECORDED = sorted((Path(__file__).parent / "fixtures").glob("v*"))


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_a_released_record_still_verifies(folder):
    key = b64decode((folder / "public.key").read_bytes())
    for record in (folder, folder / "export.jsonl"):
        report = verify(record, key)
        assert report.damage is None
        assert report.notes == ()
        assert report.checkpoints > 0


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_a_released_record_still_replays_to_the_same_events(folder):
    expected = msgspec.json.decode((folder / "events.json").read_bytes())
    found = [msgspec.json.decode(encode(item)) for item in read(folder)]
    assert [{name: item[name] for name in then} for item, then in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_a_released_record_goes_on(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "journal")

    async def scenario():
        journal = Journal.open(copy)
        assert journal.notices == ()
        await journal.append(events(journal.next_seq, 2))
        journal.close()

    run(scenario())
    assert verify(copy).ok
