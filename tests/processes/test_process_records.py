"""Records and holds: whole or not there, and readable by whoever comes next."""

from __future__ import annotations

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run

from engine.processes import records, tree, wire
from engine.processes.keeper import Keeper
from engine.processes.values import Program


def test_a_record_is_there_before_any_program_and_says_enough_to_find_it(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder-1", records=tmp_path)
        (record,) = records.read(tmp_path)
        assert record == keeper.record
        found = tree.look(record.pid)
        assert found
        assert found.start == record.start
        assert found.session == record.pid
        assert record.agent == "builder-1"
        assert record.confinement == "unconfined"
        assert record.engine_pid == os.getpid()
        assert (tmp_path / "builder-1.json").stat().st_mode & 0o777 == 0o600
        await keeper.run(Program(argv=("sleep", "1000"), cwd=tmp_path, env=dict(os.environ)))
        await keeper.close()
        await keeper.close()
        assert records.read(tmp_path) == []

    run(scenario())


def test_a_record_of_an_older_engine_is_read(tmp_path):
    older = {
        "agent": "builder", "pid": 41, "start": 7, "boot_id": "this", "nonce": "n", "created": 0.5, "engine_pid": 40,
        "engine_start": 6, "confinement": "unconfined",
    }  # fmt: skip
    (tmp_path / "builder.json").write_text(json.dumps(older))
    (record,) = records.read(tmp_path)
    assert (record.pid, record.init, record.init_start, record.cgroup) == (41, 0, 0, "")
    (tmp_path / "builder.json").write_text(json.dumps(older | {"unheard": "of"}))
    assert records.read(tmp_path) == [], "what is not understood is not acted on"


def test_files_that_are_no_records_are_passed_over(tmp_path):
    (tmp_path / "cut.json").write_text('{"agent": "bu')
    (tmp_path / "foreign.json").write_text('{"agent": "x", "pid": 1}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / ".aside.json.1").write_text("{}")
    (tmp_path / "folder.json").mkdir()
    assert records.read(tmp_path) == []
    assert records.read(tmp_path / "nowhere") == []


def test_a_hold_lasts_until_it_is_released(tmp_path):
    folder = tmp_path / "state"
    assert records.held(folder) == {}
    records.hold(folder, "builder", "stopped", "a person said so")
    records.hold(folder, "builder", "killed", "twice")
    records.hold(folder, "other", "killed", "")
    assert {name: hold.how for name, hold in records.held(folder).items()} == {"builder": "killed", "other": "killed"}
    assert records.release(folder, "builder")
    assert not records.release(folder, "builder")
    assert set(records.held(folder)) == {"other"}


@settings(deadline=None)
@given(st.lists(st.lists(st.binary().map(lambda data: data.replace(b"\0", b"")), min_size=1)), st.integers(1, 50))
def test_frames_arrive_whole_in_any_portions(frames, size):
    data = b"".join(wire.pack(*frame) for frame in frames)
    unpacker = wire.Unpacker()
    found = [frame for at in range(0, len(data), size) for frame in unpacker.feed(data[at : at + size])]
    assert found == frames
