from __future__ import annotations

import pytest
from support.aio import run
from support.powerloss import FailingFiles
from support.records import event, events, fill, segment_of

from engine.core.events import encode
from engine.journal import chain, checkpoints
from engine.journal.chain import Head, Mark
from engine.journal.checkpoints import Checkpoints, parse
from engine.journal.errors import CheckpointRefused, JournalDamaged
from engine.journal.files import REAL
from engine.journal.keys import KeyRing
from engine.journal.verify import verify
from engine.journal.writer import Journal


@pytest.fixture
def signer(tmp_path):
    return KeyRing(tmp_path / "keys").signer("record")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


async def grow(folder, signer, count, *, at=1_790_000_000.5):
    """Append `count` events, sign, close; returns the checkpoint."""
    journal = Journal.open(folder, signer=signer)
    await journal.append(events(journal.next_seq, count))
    point = journal.checkpoint(at)
    journal.close()
    return point


def test_a_checkpoint_is_a_signed_note_of_the_durable_head(folder, signer):
    point = run(grow(folder, signer, 3))
    origin, seq, root, size, at, empty, signature = point.note.removesuffix("\n").split("\n")
    assert (origin, seq, empty) == ("quarterdeck.dev/journal", "3", "")
    assert len(root) == 44
    assert size == f"bytes {segment_of(folder).stat().st_size}"
    assert at == "time 1790000000.5"
    assert signature.startswith("\u2014 quarterdeck.dev/journal ")
    assert parse(point.note) == point
    assert checkpoints.is_signed_by(point, signer.public)


def test_any_edit_of_a_note_is_noticed(folder, signer):
    note = run(grow(folder, signer, 3)).note
    raw = note.encode()
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = parse(flipped.decode())
        except ValueError:
            continue
        assert not checkpoints.is_signed_by(found, signer.public)


def test_checkpoints_go_on_over_restarts(folder, signer):
    points = [run(grow(folder, signer, count)) for count in (3, 5, 1)]
    report = verify(folder, signer.public)
    assert report.ok
    assert report.checkpoints == 3
    assert points[-1].seq == 9
    journal = Journal.open(folder)
    assert journal.last_checkpoint == points[-1]
    journal.close()


def test_signing_needs_a_key(folder):
    journal = Journal.open(folder)
    with pytest.raises(CheckpointRefused, match="without a key"):
        journal.checkpoint(1.0)
    journal.close()


def test_only_what_is_durable_is_signed(folder, signer):
    async def scenario():
        journal = Journal.open(folder, signer=signer)
        await journal.append(events(1, 2))
        waiter = journal.append(events(3, 400))
        point = journal.checkpoint(1.0)
        assert point.seq in {2, 402}
        await waiter
        journal.close()

    run(scenario())
    assert verify(folder).ok


def test_a_damaged_end_that_was_signed_is_not_cut(folder, signer):
    run(grow(folder, signer, 4))
    path = segment_of(folder)
    damaged = path.read_bytes()[:-30] + b"x" * 30
    path.write_bytes(damaged)
    with pytest.raises(JournalDamaged, match="event 4 was here"):
        Journal.open(folder, signer=signer)
    assert path.read_bytes() == damaged
    assert not (folder / "damaged").exists()


def test_a_record_cut_below_its_checkpoint_does_not_open(folder, signer):
    run(grow(folder, signer, 4))
    path = segment_of(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    with pytest.raises(JournalDamaged, match="event 4 was here"):
        Journal.open(folder, signer=signer)
    report = verify(folder)
    assert not report.ok
    assert "event 4 was here" in report.damage.why


def rewritten(count, *, text):
    """Lines of another history, its hashes right."""
    lines, prev = [], chain.GENESIS
    for seq in range(1, count + 1):
        line, prev = chain.seal(encode(event(seq, text=text)), prev)
        lines.append(line)
    return b"".join(lines)


def test_a_rewritten_record_does_not_open_and_does_not_verify(folder, signer):
    run(grow(folder, signer, 4))
    segment_of(folder).write_bytes(rewritten(6, text="t" * 200))
    with pytest.raises(JournalDamaged, match="signed for"):
        Journal.open(folder, signer=signer)
    assert "signed for" in verify(folder).damage.why


def test_a_checkpoint_kept_elsewhere_shows_a_rewritten_record(folder, signer):
    note = run(grow(folder, signer, 4)).note
    segment_of(folder).write_bytes(rewritten(6, text="t" * 200))
    (folder / "checkpoints").unlink()
    assert verify(folder).ok
    assert "signed for" in verify(folder, signer.public, witnessed=[note]).damage.why


def test_a_checkpoint_kept_elsewhere_shows_a_shortened_record(folder, signer):
    note = run(grow(folder, signer, 4)).note
    path = segment_of(folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    (folder / "checkpoints").unlink()
    report = verify(folder)
    assert report.ok
    assert any("would not be noticed" in limit for limit in report.notes)
    assert not verify(folder, signer.public, witnessed=[note]).ok


def test_a_fork_between_the_checkpoint_and_the_end_is_not_signed(folder, signer):
    run(grow(folder, signer, 2))
    run(fill(folder, [1] * 4))
    path = segment_of(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    opened = Mark(chain.check(lines[-1], None), path.stat().st_size)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"parse", b"sparse", 1), *lines[4:]]))
    with pytest.raises(CheckpointRefused, match="hash does not fit"):
        Checkpoints(REAL, folder, opened).add(opened, 1.0, signer)


def test_a_shorter_or_another_record_is_not_signed(folder, signer):
    point = run(grow(folder, signer, 4))
    held = Checkpoints(REAL, folder, point.mark)
    with pytest.raises(CheckpointRefused, match="before the last one"):
        held.add(Mark(Head(3, "a" * 64), 900), 1.0, signer)
    with pytest.raises(CheckpointRefused, match="not the one signed before"):
        held.add(Mark(Head(4, "a" * 64), point.size), 1.0, signer)
    assert (folder / "checkpoints").read_text() == point.note + "\n\n"


def test_a_checkpoint_that_could_not_be_written_is_the_last_until_the_next_start(folder, signer):
    first = run(grow(folder, signer, 1))
    files = FailingFiles(REAL)
    journal = Journal.open(folder, files=files, signer=signer)
    run_out = len(files.calls) + 2  # opened; the write itself
    files.fail_at, files.once = run_out, True
    with pytest.raises(OSError, match="fails"):
        journal.checkpoint(2.0)
    with pytest.raises(CheckpointRefused, match="half written"):
        journal.checkpoint(3.0)
    journal.close()
    journal = Journal.open(folder, signer=signer)
    assert journal.last_checkpoint == first
    journal.checkpoint(4.0)
    journal.close()
    assert verify(folder).checkpoints == 2


def test_a_torn_end_of_the_checkpoints_is_cut(folder, signer):
    first, second = run(grow(folder, signer, 1)), run(grow(folder, signer, 1))
    path = folder / "checkpoints"
    whole = path.read_bytes()
    start = len(first.note.encode()) + 2
    for size in range(start, len(whole), 7):
        path.write_bytes(whole[:size])
        journal = Journal.open(folder, signer=signer)
        assert journal.last_checkpoint == first
        assert journal.checkpoint(second.at) == second
        journal.close()
        assert path.read_bytes() == whole


def test_a_damaged_checkpoint_with_others_behind_it_is_refused(folder, signer):
    run(grow(folder, signer, 1))
    run(grow(folder, signer, 1))
    path = folder / "checkpoints"
    path.write_bytes(path.read_bytes().replace(b"bytes", b"Bytes", 1))
    with pytest.raises(JournalDamaged, match="others follow"):
        Journal.open(folder)
    assert verify(folder).damage.file == path


def test_a_signature_by_a_stranger_does_not_count(folder, signer, tmp_path):
    run(grow(folder, signer, 2))
    stranger = KeyRing(tmp_path / "keys").signer("stranger")
    assert "not signed by a known key" in verify(folder, stranger.public).damage.why


def test_a_new_key_is_named_beside_the_old(folder, signer, tmp_path):
    run(grow(folder, signer, 2))
    run(grow(folder, KeyRing(tmp_path / "keys").signer("new"), 2))
    report = verify(folder)
    assert report.ok
    assert len(report.signed_by) == 2


def test_an_empty_record_can_be_signed(folder, signer):
    journal = Journal.open(folder, signer=signer)
    assert journal.checkpoint(1.0).seq == 0
    journal.close()
    assert verify(folder, signer.public).ok
