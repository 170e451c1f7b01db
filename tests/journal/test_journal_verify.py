from __future__ import annotations

import pytest
from support.aio import run
from support.powerloss import in_memory
from support.records import events, fill, segment_of

from engine.core.events import encode
from engine.journal import chain
from engine.journal.archive import export
from engine.journal.errors import JournalDamaged
from engine.journal.keys import KeyRing
from engine.journal.reader import read, read_verified
from engine.journal.verify import verify
from engine.journal.writer import Journal


@pytest.fixture
def signer(tmp_path):
    return KeyRing(tmp_path / "keys").signer("record")


@pytest.fixture
def record(tmp_path, signer):
    """Two segments of 3 and 4 events, the last 3 in one batch; a checkpoint at 3 and at 7."""
    folder = tmp_path / "journal"

    async def scenario():
        journal = Journal.open(folder, signer=signer)
        journal.segment("a")
        await journal.append(events(1, 3))
        journal.checkpoint(1.0)
        journal.segment("b")
        await journal.append(events(4, 1))
        await journal.append(events(5, 3))
        journal.checkpoint(2.0)
        journal.close()

    run(scenario())
    return folder


def test_a_sound_record(record, signer):
    report = verify(record, signer.public)
    assert report.ok
    assert (report.head.seq, report.segments, report.checkpoints, report.unfinished) == (7, 2, 2, 0)
    assert report.size == sum(path.stat().st_size for path in record.glob("*.jsonl"))
    assert report.signed_by == (signer.public.hex(),)
    assert report.notes == ()


def test_without_a_known_key_it_says_so(record):
    report = verify(record)
    assert report.ok
    assert any("found beside the record" in note for note in report.notes)


def flips(disk, path, step=1):
    """Flip one bit of a file at a time; yields the bit."""
    content = disk.find(path).now
    for bit in range(0, len(content) * 8, step):
        content[bit // 8] ^= 1 << bit % 8
        yield bit
        content[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("name", ["000001-a.jsonl", "000002-b.jsonl", "checkpoints"])
def test_every_flipped_bit_is_found_at_its_place(record, signer, name):
    disk, path, whole = in_memory(record), record / name, (record / name).read_bytes()
    for bit in flips(disk, path, 1 if name == "checkpoints" else 7):
        damage = verify(record, signer.public, files=disk).damage
        assert damage, f"bit {bit} of {name}"
        if name != "checkpoints" and bit // 8 < len(whole) - 1:
            line = whole[: bit // 8].count(b"\n")
            assert (damage.file, damage.line) == (path, line + 1)
            assert damage.offset == sum(map(len, whole.splitlines(keepends=True)[:line]))


def test_every_flipped_bit_before_the_end_is_found_without_checkpoints(tmp_path):
    run(fill(tmp_path, [1, 2]))
    disk, path = in_memory(tmp_path), segment_of(tmp_path)
    for bit in flips(disk, path):
        report = verify(tmp_path, files=disk)
        assert not report.ok or report.unfinished, f"bit {bit}"
        assert report.head.seq == path.read_bytes()[: bit // 8].count(b"\n")


def test_every_flipped_bit_of_an_export_is_found(record, tmp_path):
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "record.jsonl"
    export(record, out)
    disk = in_memory(tmp_path / "out")
    for bit in flips(disk, out, 5):
        assert not verify(out, files=disk).ok, f"bit {bit}"


def test_an_export_stands_alone(record, signer, tmp_path):
    out = tmp_path / "record.jsonl"
    export(record, out)
    kept, there = verify(out, signer.public), verify(record, signer.public)
    assert kept.ok
    assert (kept.head, kept.size, kept.checkpoints) == (there.head, there.size, there.checkpoints)
    assert verify(out).signed_by == (signer.public.hex(),)
    assert {path.name for path in tmp_path.iterdir()} == {
        "record.jsonl",
        "journal",
        "keys",
    }  # nothing is left beside it


def test_an_export_of_a_growing_record_ends_at_a_whole_line(record, tmp_path):
    path = segment_of(record)
    path.write_bytes(path.read_bytes() + b'{"seq":8,"at"')
    out = tmp_path / "record.jsonl"
    export(record, out)
    assert verify(out).head.seq == 7
    assert verify(out).unfinished == 0


@pytest.mark.parametrize("text", [b"", b"nothing", b"{}\n", b'{"quarterdeck_record":2,"keys":[]}\n'])
def test_a_file_that_is_no_export(tmp_path, text):
    path = tmp_path / "file"
    path.write_bytes(text)
    assert not verify(path).ok


def test_a_record_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "none")


@pytest.mark.parametrize(
    ("end", "at_end"), [(b"garbage\n", True), (b"garbage\n+last", True), (b"garbage\n+next", False)]
)
def test_it_tells_an_end_that_a_start_would_cut(tmp_path, end, at_end):
    run(fill(tmp_path, [3]))
    path = segment_of(tmp_path)
    *before, last = path.read_bytes().splitlines(keepends=True)
    after, _ = chain.seal(encode(events(4, 1)[0]), chain.check(last, None).hash)
    path.write_bytes(b"".join([*before, last, end.replace(b"+last", last).replace(b"+next", after)]))
    damage = verify(tmp_path).damage
    assert (damage.line, damage.at_end) == (4, at_end)


def test_an_incomplete_last_line_is_no_damage(tmp_path):
    run(fill(tmp_path, [2]))
    path = segment_of(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"seq":3')
    report = verify(tmp_path)
    assert report.ok
    assert report.unfinished == 8
    assert any("8 bytes" in note for note in report.notes)


def test_an_incomplete_line_at_a_joint_is_damage(record):
    path = record / "000001-a.jsonl"
    path.write_bytes(path.read_bytes() + b'{"seq":3')
    damage = verify(record).damage
    assert (damage.file, damage.line) == (path, 4)


@pytest.mark.parametrize("change", ["swap", "drop", "double"])
def test_lines_out_of_order_are_found(record, change):
    path = segment_of(record)
    one, two, three, four = path.read_bytes().splitlines(keepends=True)
    lines = {"swap": [one, three, two, four], "drop": [one, three, four], "double": [one, two, two, three, four]}
    path.write_bytes(b"".join(lines[change]))
    assert verify(record).damage.line == (3 if change == "double" else 2)


def test_segments_that_changed_places_are_found(record):
    (record / "000001-a.jsonl").rename(record / "x")
    (record / "000002-b.jsonl").rename(record / "000001-a.jsonl")
    (record / "x").rename(record / "000002-b.jsonl")
    assert verify(record).damage.line == 1


def test_replay_that_checks_finds_what_replay_does_not(tmp_path):
    run(fill(tmp_path, [3]))
    path = segment_of(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"claimed", b"cleimed"))
    assert len(list(read(tmp_path))) == 3
    with pytest.raises(JournalDamaged) as found:
        list(read_verified(tmp_path))
    assert found.value.line == 1


def test_a_record_that_does_not_begin_at_one_is_found(tmp_path):
    line, _ = chain.seal(encode(events(2, 1)[0]), chain.GENESIS)
    (tmp_path / "000001-a.jsonl").write_bytes(line)
    assert "seq 2 follows seq 0" in verify(tmp_path).damage.why
