from __future__ import annotations

import asyncio
import json
import stat
from threading import Event as Flag

import pytest
from support.aio import run
from support.powerloss import FailingFiles
from support.records import event, events, fill, segment_of

from engine.core.events import encode
from engine.journal import chain
from engine.journal.errors import AppendFailed, JournalDamaged, OpenFailed, OutOfOrder
from engine.journal.files import RealFiles
from engine.journal.reader import read, read_lines, read_verified
from engine.journal.verify import verify
from engine.journal.writer import Journal


def test_what_was_appended_is_replayed(tmp_path):
    run(fill(tmp_path, [1, 3, 2]))
    journal = Journal.open(tmp_path)
    assert list(journal.replay()) == events(1, 6)
    assert list(journal.replay(verify=True)) == events(1, 6)
    assert journal.head.seq == 6
    assert journal.next_seq == 7
    assert journal.notices == ()
    journal.close()


def test_an_empty_record_has_an_origin(tmp_path):
    journal = Journal.open(tmp_path / "deep" / "journal")
    assert journal.head == chain.ORIGIN
    assert list(journal.replay()) == []
    journal.close()
    assert verify(tmp_path / "deep" / "journal").ok


def test_folder_and_files_are_for_the_owner_only(tmp_path):
    folder = tmp_path / "journal"
    run(fill(folder, [1]))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(segment_of(folder).stat().st_mode) == 0o600


def test_lines_keep_every_public_field(tmp_path):
    run(fill(tmp_path, [3]))
    for line, item in zip(read_lines(tmp_path), events(1, 3), strict=True):
        fields = json.loads(line)
        public = json.loads(encode(item))
        assert {name: fields[name] for name in public} == public


def test_the_chain_goes_on_over_a_restart_and_over_segments(tmp_path):
    async def scenario():
        for number in range(3):
            journal = Journal.open(tmp_path)
            journal.segment(f"run-{number}")
            await journal.append(events(journal.next_seq, 4))
            journal.close()

    run(scenario())
    names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert names == ["000001-run-0.jsonl", "000002-run-1.jsonl", "000003-run-2.jsonl"]
    report = verify(tmp_path)
    assert report.ok
    assert report.head.seq == 12
    assert list(read(tmp_path)) == events(1, 12)


def test_segments_can_be_begun_within_one_batch(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        journal.append(events(1, 2))
        journal.segment("a")
        journal.append(events(3, 2))
        journal.segment("b/../c")
        await journal.append(events(5, 1))
        journal.close()

    run(scenario())
    names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert names == ["000001-engine.jsonl", "000002-a.jsonl", "000003-b-..-c.jsonl"]
    assert verify(tmp_path).ok
    assert list(read(tmp_path)) == events(1, 5)


def test_a_segment_that_got_nothing_leaves_no_file(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        journal.segment("a")
        journal.segment("b")
        await journal.append(events(1, 1))
        journal.close()

    run(scenario())
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["000001-b.jsonl"]


@pytest.mark.parametrize("since", [0, 1, 3, 4, 5, 11, 12, 99])
def test_reading_begins_after_any_seq(tmp_path, since):
    async def scenario():
        journal = Journal.open(tmp_path)
        for run_name in "abc":
            journal.segment(run_name)
            await journal.append(events(journal.next_seq, 4))
        journal.close()

    run(scenario())
    expected = [item for item in events(1, 12) if item.seq > since]
    assert list(read(tmp_path, since)) == expected


def test_reading_from_the_middle_of_a_long_segment(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        for seq in range(1, 2001):
            journal.append([event(seq, text="x" * (seq * 37 % 700))])
        journal.append([event(2001, text="y" * 300_000)])
        await journal.append(events(2002, 1000))
        journal.close()

    run(scenario())
    for since in (0, 1, 17, 999, 1500, 1999, 2000, 2001, 2002, 2900, 3000, 3001, 3002):
        assert [item.seq for item in read(tmp_path, since)] == list(range(since + 1, 3002))


def test_an_event_out_of_order_is_refused_and_nothing_is_queued(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        with pytest.raises(OutOfOrder):
            journal.append([event(1), event(3)])
        with pytest.raises(OutOfOrder):
            journal.append([event(2)])
        await journal.append(events(1, 2))
        journal.close()

    run(scenario())
    assert list(read(tmp_path)) == events(1, 2)


class GatedFiles(RealFiles):
    """Real files whose syncs wait for a flag, counted."""

    def __init__(self) -> None:
        self.gate = Flag()
        self.syncing = Flag()
        self.syncs = 0
        self.writes = 0

    def write(self, handle, data):
        self.writes += 1
        return super().write(handle, data)

    def sync(self, handle):
        self.syncs += 1
        self.syncing.set()
        assert self.gate.wait(10)
        super().sync(handle)


def test_what_queues_during_a_sync_shares_the_next_one(tmp_path):
    async def scenario():
        files = GatedFiles()
        journal = Journal.open(tmp_path, files=files)
        first = journal.append(events(1, 1))
        await asyncio.get_running_loop().run_in_executor(None, files.syncing.wait)
        rest = [journal.append([event(seq)]) for seq in range(2, 102)]
        assert not first.done()
        files.gate.set()
        await asyncio.gather(first, *rest)
        journal.close()
        return files

    files = run(scenario())
    assert files.syncs == 2
    assert files.writes == 2


def test_a_lone_event_waits_for_nobody(tmp_path):
    async def scenario():
        files = GatedFiles()
        files.gate.set()
        journal = Journal.open(tmp_path, files=files)
        for seq in range(1, 6):
            await journal.append([event(seq)])
        journal.close()
        return files.syncs

    assert run(scenario()) == 5


def test_nothing_is_told_before_the_sync(tmp_path):
    async def scenario():
        files = GatedFiles()
        journal = Journal.open(tmp_path, files=files)
        waiter = journal.append(events(1, 1))
        await asyncio.get_running_loop().run_in_executor(None, files.syncing.wait)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiter.done()
        assert journal.head.seq == 1
        assert journal.durable.seq == 0
        files.gate.set()
        await waiter
        assert journal.durable.seq == 1
        journal.close()

    run(scenario())


def test_an_empty_append_waits_for_all_before_it(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        before = journal.append(events(1, 50))
        await journal.append([])
        assert before.done()
        assert journal.durable.seq == 50
        journal.close()

    run(scenario())


def test_a_waiter_that_was_cancelled_does_not_take_the_event_back(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        journal.append(events(1, 1)).cancel()
        await journal.append(events(2, 1))
        journal.close()

    run(scenario())
    assert list(read(tmp_path)) == events(1, 2)


def test_close_writes_what_is_queued_and_refuses_the_rest(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        queued = journal.append(events(1, 10))
        journal.close()
        await queued
        with pytest.raises(AppendFailed):
            await journal.append(events(11, 1))
        journal.close()

    run(scenario())
    assert list(read(tmp_path)) == events(1, 10)


def test_a_short_write_is_finished(tmp_path):
    class Sips(RealFiles):
        def write(self, handle, data):
            return super().write(handle, data[:7])

    run(fill(tmp_path, [3, 2], files=Sips()))
    assert verify(tmp_path).head.seq == 5


def test_a_failed_sync_is_never_tried_again(tmp_path):
    async def scenario():
        files = FailingFiles(RealFiles())
        journal = Journal.open(tmp_path, files=files)
        await journal.append(events(1, 1))
        files.fail_at, files.once = len(files.calls) + 2, True  # the write passes, its sync does not
        failing = journal.append(events(2, 2))
        also = journal.append(events(4, 1))
        for waiter in (failing, also, journal.append(events(5, 1)), journal.append([])):
            with pytest.raises(AppendFailed, match="sync, fails"):
                await waiter
        calls = list(files.calls)
        with pytest.raises(AppendFailed):
            await journal.append(events(6, 1))
        with pytest.raises(AppendFailed):
            _ = journal.durable
        with pytest.raises(AppendFailed):
            journal.offer_snapshot(1, b"state")
        journal.close()
        assert files.calls == calls
        assert calls[-1] == "sync"

    run(scenario())


def test_a_disk_that_fails_at_any_call_loses_nothing_that_was_told(tmp_path):
    """Fail the n-th call for every n, until one run passes; afterwards the record opens and holds what was told."""

    async def attempt(folder, fail_at, code):
        files = FailingFiles(RealFiles(), fail_at, code)
        told = 0
        try:
            journal = Journal.open(folder, files=files)
        except OpenFailed:
            return told, False
        try:
            for number in range(3):
                journal.segment(f"run-{number}")
                for size in (1, 4):
                    first = journal.next_seq
                    await journal.append(events(first, size))
                    told = first + size - 1
        except AppendFailed:
            with pytest.raises(AppendFailed):
                await journal.append([])
            return told, False
        finally:
            journal.close()
        return told, True

    import errno

    for code in (errno.ENOSPC, errno.EIO):
        fail_at, done = 1, False
        while not done:
            folder = tmp_path / f"{code}-{fail_at}" / "journal"
            told, done = run(attempt(folder, fail_at, code))
            journal = Journal.open(folder)
            assert list(journal.replay(verify=True)) == events(1, journal.head.seq)
            assert journal.head.seq >= told
            journal.close()
            assert verify(folder).ok
            fail_at += 1
        assert fail_at > 20


def test_a_missing_segment_is_refused(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        for name in "abc":
            journal.segment(name)
            await journal.append(events(journal.next_seq, 2))
        journal.close()

    run(scenario())
    (tmp_path / "000002-b.jsonl").unlink()
    with pytest.raises(JournalDamaged, match="segment 000002"):
        Journal.open(tmp_path)
    assert not verify(tmp_path).ok


def test_a_reader_sees_a_growing_prefix_while_the_engine_writes(tmp_path):
    async def scenario():
        journal = Journal.open(tmp_path)
        done = Flag()

        def watch():
            seen = 0
            while not done.is_set():
                found = [item.seq for item in read(tmp_path)]
                assert found == list(range(1, len(found) + 1))
                assert len(found) >= seen
                seen = len(found)
            return seen

        watching = asyncio.get_running_loop().run_in_executor(None, watch)
        for number in range(150):
            if number % 40 == 0:
                journal.segment(f"run-{number}")
            await journal.append(events(journal.next_seq, 1 + number % 9))
        done.set()
        await watching
        journal.close()

    run(scenario())


def test_a_reader_stops_before_an_incomplete_line(tmp_path):
    run(fill(tmp_path, [5]))
    path = segment_of(tmp_path)
    whole = path.read_bytes()
    for size in range(len(whole) - 300, len(whole)):
        path.write_bytes(whole[:size])
        assert list(read(tmp_path)) == events(1, 4)


@pytest.mark.parametrize("end", [b"garbage\n", bytes(700) + b"\n{}\n", None])
def test_a_reader_stops_before_an_end_that_a_crash_damaged(tmp_path, end):
    run(fill(tmp_path, [5]))
    path = segment_of(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + (whole.splitlines(keepends=True)[-1] if end is None else end))
    assert list(read(tmp_path)) == events(1, 5)
    assert list(read_verified(tmp_path)) == events(1, 5)
    assert list(read(tmp_path, 4)) == events(5, 1)


def test_a_reader_does_not_skip_a_missing_line(tmp_path):
    run(fill(tmp_path, [5]))
    path = segment_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(JournalDamaged, match="seq 4 stands where 3 is due"):
        list(read(tmp_path))


def test_a_reader_names_the_line_that_is_no_event(tmp_path):
    run(fill(tmp_path, [5]))
    path = segment_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{]\n", *lines[3:]]))
    with pytest.raises(JournalDamaged) as refused:
        list(read(tmp_path))
    assert (refused.value.file, refused.value.line) == (path, 3)
    assert refused.value.offset == len(lines[0] + lines[1])
