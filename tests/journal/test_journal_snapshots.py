from __future__ import annotations

import pytest
from support.aio import run
from support.records import events, fill, segment_of

from engine.journal.chain import Head
from engine.journal.files import RealFiles
from engine.journal.snapshots import Snapshots
from engine.journal.writer import Journal


@pytest.fixture
def saved(tmp_path):
    """A record of 9 events with snapshots at 3, 6 and 9."""

    async def scenario():
        journal = Journal.open(tmp_path)
        for _ in range(3):
            await journal.append(events(journal.next_seq, 3))
            journal.offer_snapshot(journal.head.seq, b"state %d" % journal.head.seq)
        journal.close()

    run(scenario())
    return tmp_path


def latest(folder):
    journal = Journal.open(folder)
    try:
        return journal.latest_snapshot()
    finally:
        journal.close()


def test_the_newest_is_found_and_two_are_kept(saved):
    assert latest(saved) == (9, b"state 9")
    assert len(list((saved / "snapshots").iterdir())) == 2


def test_a_record_without_one(tmp_path):
    run(fill(tmp_path, [2]))
    assert latest(tmp_path) is None


def test_a_damaged_one_is_passed_over(saved):
    newest = max((saved / "snapshots").iterdir())
    whole = newest.read_bytes()
    for bit in range(0, len(whole) * 8, 23):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        newest.write_bytes(flipped)
        assert latest(saved) == (6, b"state 6")
    for size in range(0, len(whole), 9):
        newest.write_bytes(whole[:size])
        assert latest(saved) == (6, b"state 6")


def test_one_that_goes_while_a_reader_looks_is_passed_over(saved):
    class Late(RealFiles):
        def names(self, folder):
            return sorted([*super().names(folder), f"{99:018}.snapshot"])

    assert Snapshots(Late(), saved).latest(Head(9, "")) == (9, b"state 9")


def test_one_ahead_of_the_record_is_passed_over(saved):
    path = segment_of(saved)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:7]))
    assert latest(saved) == (6, b"state 6")


def test_one_of_another_history_is_passed_over(saved, tmp_path):
    other = tmp_path / "other"
    run(fill(other, [9, 1]))
    (saved / "snapshots").rename(other / "snapshots")
    assert latest(other) is None


def test_a_snapshot_waits_for_its_event_to_be_durable(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        waiter = journal.append(events(1, 500))
        journal.offer_snapshot(500, b"state")
        assert journal.durable.seq == 500
        await waiter
        journal.close()

    run(scenario())
    assert latest(tmp_path) == (500, b"state")


def test_a_state_after_an_event_that_is_not_there_is_refused(saved):
    journal = Journal.open(saved)
    with pytest.raises(ValueError, match="no event 10"):
        journal.offer_snapshot(10, b"state")
    journal.close()


def test_an_older_state_can_be_offered_too(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        await journal.append(events(1, 20))
        journal.offer_snapshot(7, b"seven")
        journal.offer_snapshot(0, b"zero")
        journal.close()

    run(scenario())
    assert latest(tmp_path) == (7, b"seven")
