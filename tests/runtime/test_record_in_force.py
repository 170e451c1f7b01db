"""The record: nothing leaves before it is durable, and a mind that is ahead of it goes no further."""

import asyncio
import json

import pytest
from support.aio import run

from engine.core import commands as c
from engine.journal.keys import KeyRing
from engine.journal.writer import Journal
from engine.runtime import record as module
from engine.runtime.record import Record, load

UP = c.CameUp(epoch=1, pid=1, version="0", confinement="unconfined")


def opened(folder):
    return Journal.open(folder / "journal", signer=KeyRing(folder / "keys").signer("engine"))


def notices(record, count, start=0):
    return [record.report(c.Noticed(text=f"note {number}")) for number in range(start, start + count)]


def test_what_is_heard_is_on_the_disk_and_a_new_start_knows_it(tmp_path):
    async def first():
        journal = opened(tmp_path)
        record = Record(journal)
        heard = []
        record.listen(lambda event: heard.append((event.seq, _lines(tmp_path) >= event.seq)))
        await asyncio.gather(record.report(UP), *notices(record, 20))
        assert heard == [(seq, True) for seq in range(1, 22)]
        state = record.state
        journal.close()
        return state

    async def second():
        journal = opened(tmp_path)
        try:
            return load(journal).state
        finally:
            journal.close()

    assert run(first()) == run(second())


def _lines(folder):
    return sum(path.read_bytes().count(b"\n") for path in (folder / "journal").glob("*.jsonl"))


def test_followers_get_the_same_from_memory_and_from_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 5)

    async def scenario():
        journal = opened(tmp_path)
        record = Record(journal)
        await asyncio.gather(record.report(UP), *notices(record, 29))
        for since in range(31):
            found = [json.loads(line)["seq"] for line in record.since(since, 7)]
            assert found == list(range(since + 1, min(since + 7, 30) + 1))
        waiter = asyncio.create_task(record.changed(30))
        await asyncio.sleep(0)
        assert not waiter.done()
        record.report(c.Noticed(text="more"))
        await waiter
        assert record.durable == 31
        journal.close()

    run(scenario())


def test_an_event_that_can_not_be_written_is_the_end(tmp_path):
    """What was decided can not be taken back, so nothing may rest on it."""

    async def scenario():
        journal = opened(tmp_path)
        record = Record(journal)
        heard = []
        await record.report(UP)
        record.listen(heard.append)
        with pytest.raises(UnicodeEncodeError):
            record.report(c.Noticed(text="half \ud800 a character"))
        assert record.broken.done()
        with pytest.raises(UnicodeEncodeError):
            record.report(c.Noticed(text="another"))
        assert (heard, record.durable) == ([], 1)
        journal.close()

    run(scenario())
