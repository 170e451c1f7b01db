"""Damaged ends, one by one: what may be cut is cut and kept aside, what may not is refused and left alone."""

from __future__ import annotations

import asyncio

import pytest
from support.aio import run
from support.powerloss import in_memory
from support.records import events, fill, segment_of

from engine.core.events import encode
from engine.journal import chain, recovery
from engine.journal.errors import JournalDamaged
from engine.journal.files import REAL, RealFiles
from engine.journal.reader import read
from engine.journal.verify import verify
from engine.journal.writer import Journal


@pytest.fixture
def record(tmp_path):
    """Two segments: events 1 to 4, and 5 to 10."""

    async def scenario():
        journal = Journal.open(tmp_path)
        journal.segment("first")
        await journal.append(events(1, 4))
        journal.segment("second")
        for seq in range(5, 11):
            await journal.append(events(seq, 1))
        journal.close()

    run(scenario())
    return tmp_path


def opened_at(folder, files=REAL):
    """Open, append one more event, and return how far the record went when it was opened, and the notices."""

    async def scenario():
        journal = Journal.open(folder, files=files)
        found = journal.head.seq
        await journal.append(events(found + 1, 1))
        journal.close()
        return found, journal.notices

    found, notices = run(scenario())
    assert list(read(folder, files=files)) == events(1, found + 1)
    assert verify(folder, files=files).ok
    return found, notices


def kept_aside(folder):
    return b"".join(path.read_bytes() for path in sorted((folder / "damaged").iterdir()))


def test_cut_at_every_byte_of_the_last_lines(record):
    path = segment_of(record)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for size in range(len(whole) - len(lines[-1]) - len(lines[-2]), len(whole) + 1):
        disk = in_memory(record)
        del disk.find(path).now[size:]
        found, notices = opened_at(record, disk)
        assert found == 4 + whole[:size].count(b"\n")
        assert bool(notices) == (not whole[:size].endswith(b"\n"))


def test_a_segment_cut_to_less_than_a_line_goes(record):
    path = segment_of(record)
    line = path.read_bytes().splitlines(keepends=True)[0]
    for size in (0, 1, len(line) // 2, len(line) - 1):
        path.write_bytes(line[:size])
        journal = Journal.open(record)
        assert journal.head.seq == 4
        journal.close()
        assert not path.exists()


@pytest.mark.parametrize(
    "end",
    [
        bytes(1),
        bytes(511),
        bytes(8192),
        b"garbage",
        b"garbage\n",
        b"\n",
        b"\n\n\n",
        b"\xff\xfe" * 3000 + b"\n" + b"\x00" * 100,
        b'{"seq":11,',
        b'{"seq":11,"at":1.0,"kind":"notice_given"}\n',
        b'{"seq":' * 50,
    ],
)
def test_a_damaged_end_is_cut_and_kept_aside(record, end):
    path = segment_of(record)
    path.write_bytes(path.read_bytes() + end)
    found, notices = opened_at(record)
    assert found == 10
    assert f"{len(end)} damaged bytes after event 10" in notices[0]
    assert kept_aside(record) == end


def test_a_longer_garbage_than_the_window_is_cut(record, monkeypatch):
    monkeypatch.setattr(recovery, "WINDOW", 128)
    path = segment_of(record)
    path.write_bytes(path.read_bytes() + b"\x01" * 5000)
    assert opened_at(record)[0] == 10


def test_the_window_may_begin_anywhere(record, monkeypatch):
    size = segment_of(record).stat().st_size
    for window in range(1, size + 10, 11):
        monkeypatch.setattr(recovery, "WINDOW", window)
        found = recovery.find_end(REAL, record)
        assert found.end.head.seq == 10
        assert not any(end.rest for _, end in found.ends)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_duplicated_last_lines_are_cut(record, count):
    path = segment_of(record)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines + lines[-count:]))
    assert opened_at(record)[0] == 10
    assert kept_aside(record) == b"".join(lines[-count:])


def test_an_old_segments_bytes_at_the_end_are_cut(record):
    path = segment_of(record)
    old = min(record.glob("*.jsonl")).read_bytes()
    path.write_bytes(path.read_bytes() + old)
    assert opened_at(record)[0] == 10


def test_a_segment_that_holds_only_old_bytes_goes(record):
    (record / "000003-third.jsonl").write_bytes(min(record.glob("*.jsonl")).read_bytes())
    assert opened_at(record)[0] == 10


def test_both_ends_may_be_damaged_when_nothing_valid_follows(record):
    path = segment_of(record)
    path.write_bytes(path.read_bytes()[:-20])
    (record / "000003-third.jsonl").write_bytes(bytes(600))
    assert opened_at(record)[0] == 9


def test_opening_looks_no_further_back_than_it_must(tmp_path):
    lines, prev = [], chain.GENESIS
    for item in events(1, 1500):
        line, prev = chain.seal(encode(item), prev)
        lines.append(line)
        (tmp_path / f"{item.seq:06}-run.jsonl").write_bytes(line)
    reads = []

    class Counting(RealFiles):
        def read(self, path, offset=0, size=-1):
            reads.append(path)
            return super().read(path, offset, size)

    assert recovery.find_end(Counting(), tmp_path).end.head.seq == 1500
    assert len(reads) < 5
    assert [item.seq for item in read(tmp_path, 1490)] == list(range(1491, 1501))


def test_many_segments_in_which_nothing_is_left(record):
    for number in range(3, 40):
        (record / f"{number:06}-run.jsonl").write_bytes(bytes(number))
    assert opened_at(record)[0] == 10
    assert len(list((record / "damaged").iterdir())) == 37


def test_a_valid_line_behind_the_damage_is_refused_with_its_place(record):
    path = segment_of(record)
    lines = path.read_bytes().splitlines(keepends=True)
    for index in range(len(lines) - 1):
        for damage in (b"", lines[index][:50], b"\x00" * len(lines[index]), lines[index].replace(b"r1", b"r2", 1)):
            content = b"".join([*lines[:index], damage, *lines[index + 1 :]])
            path.write_bytes(content)
            with pytest.raises(JournalDamaged) as refused:
                Journal.open(record)
            assert refused.value.file == path
            assert (refused.value.line, refused.value.offset) == (index + 1, len(b"".join(lines[:index])))
            assert path.read_bytes() == content
            assert not (record / "damaged").exists()


def test_damage_in_the_segment_before_the_last_is_named_there(record):
    path = min(record.glob("*.jsonl"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(JournalDamaged) as refused:
        Journal.open(record)
    assert refused.value.file == path


def test_every_flipped_bit_of_the_last_line_is_an_end_to_cut(record):
    path = segment_of(record)
    whole = path.read_bytes()
    start = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for bit in range(start * 8, len(whole) * 8):
        disk = in_memory(record)
        disk.find(path).now[bit // 8] ^= 1 << bit % 8
        assert recovery.find_end(disk, record).end.head.seq == 9


def one_batch(folder):
    """Events 1 to 3 in batches of their own, then 4 to 43 in one; returns the segment, its bytes, and the batch's start."""
    run(fill(folder, [1, 1, 1]))
    path = segment_of(folder)
    start = path.stat().st_size
    run(fill_at_once(folder, 4, 40))
    return path, path.read_bytes(), start


async def fill_at_once(folder, first, count):
    """Decisions of one event each, queued while nothing is written: they leave in one batch."""
    journal = Journal.open(folder)
    with journal._committer._wake:
        waiters = [journal.append([event]) for event in events(first, count)]
    await asyncio.gather(*waiters)
    journal.close()


def test_a_hole_of_unwritten_sectors_in_the_last_batch_is_a_crash(tmp_path):
    path, whole, start = one_batch(tmp_path)
    for hole in range(-(-start // 512) * 512, len(whole) - 512, 512):
        path.write_bytes(whole[:hole] + bytes(512) + whole[hole + 512 :])
        journal = Journal.open(tmp_path)
        assert journal.head.seq == whole[:hole].count(b"\n")
        assert list(journal.replay(verify=True)) == events(1, journal.head.seq)
        journal.close()


def test_a_hole_in_an_earlier_batch_is_damage(tmp_path):
    path, whole, start = one_batch(tmp_path)
    run(fill(tmp_path, [1]))
    whole = path.read_bytes()
    hole = -(-start // 512) * 512 + 512
    path.write_bytes(whole[:hole] + bytes(512) + whole[hole + 512 :])
    with pytest.raises(JournalDamaged):
        Journal.open(tmp_path)


def test_a_flipped_bit_in_the_last_batch_is_damage_and_no_crash(tmp_path):
    path, whole, start = one_batch(tmp_path)
    last = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for at in range(start, last, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(JournalDamaged):
            Journal.open(tmp_path)


def test_a_valid_line_of_another_record_is_not_taken_over(record):
    path = segment_of(record)
    line, _ = chain.seal(encode(events(11, 1)[0]), "f" * 64)
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(JournalDamaged):
        Journal.open(record)


def test_a_decision_is_recorded_whole_or_not_at_all(tmp_path):
    run(fill(tmp_path, [2, 5]))
    path = segment_of(tmp_path)
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    for cut in range(ends[1], len(whole), 2):
        path.write_bytes(whole[:cut])
        journal = Journal.open(tmp_path)
        assert journal.head.seq == 2
        assert path.read_bytes() == whole[: ends[1]]
        journal.close()
    path.write_bytes(whole)
    journal = Journal.open(tmp_path)
    assert journal.head.seq == 7
    journal.close()


def test_a_run_of_which_only_half_its_first_decision_was_written_never_began(tmp_path):
    run(fill(tmp_path, [2]))

    async def begin():
        journal = Journal.open(tmp_path)
        journal.segment("r2")
        await journal.append(events(3, 4))
        journal.close()

    run(begin())
    _, second = sorted(tmp_path.glob("*.jsonl"))
    lines = second.read_bytes().splitlines(keepends=True)
    second.write_bytes(b"".join(lines[:2]))
    journal = Journal.open(tmp_path)
    assert (journal.head.seq, journal.notices != ()) == (2, True)
    assert not second.exists()
    journal.close()


def test_half_a_decision_longer_than_the_window_is_cut_too(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.journal.recovery.WINDOW", 2000)
    run(fill(tmp_path, [1, 60]))
    path = segment_of(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rfind(b"\n", 0, -1) + 1])
    journal = Journal.open(tmp_path)
    assert journal.head.seq == 1
    journal.close()
