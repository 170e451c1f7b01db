"""The engine dies, the keeper dies, the keeper hangs, nobody is there: whatever ran is gone all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.aio import run
from support.oracle import Oracle, until

from engine.processes import felling, records, tree
from engine.processes.errors import KeeperLost
from engine.processes.keeper import Keeper
from engine.processes.last_resort import kill_recorded, reap_stale
from engine.processes.lifeline import Lifeline
from engine.processes.records import Record
from engine.processes.values import Program

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 2.0  # the promise is 1 s on a quiet machine
FAMILIES = [
    ("fork-tree", "10", "--orphans"),
    ("daemon", "--scrub"),
    ("setsid-children", "5"),
    ("moving-target", "4", "--setsid"),
    ("hydra", "6"),
]


@asynccontextmanager
async def engine(folder: Path, oracle: Oracle, *family: str, name: str = "builder"):
    """An engine in a process of its own, whose one agent is a nasty family that stands already."""
    helper = Path(__file__).parents[1] / "support" / "tiny_engine.py"
    argv = [sys.executable, str(helper), str(ROOT), str(folder / "records"), name, *oracle.argv(*family)]
    process = subprocess.Popen(argv)
    try:
        await oracle.ready()
        yield process
    finally:
        process.kill()
        process.wait()


def program(argv: tuple[str, ...], folder: Path) -> Program:
    return Program(argv=argv, cwd=folder, env=dict(os.environ))


def still(record: Record) -> bool:
    found = tree.look(record.pid)
    return bool(found and found.alive and found.start == record.start)


@pytest.mark.soak  # in every tier: tests/confinement
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_when_the_engine_is_killed_its_agents_go_with_it(family, tmp_path):
    async def scenario():
        async with Oracle(tmp_path) as oracle, engine(tmp_path, oracle, *family) as process:
            (record,) = records.read(tmp_path / "records")
            began = time.monotonic()
            process.kill()
            assert await oracle.gone(began, 10) < LIMIT
            await until(lambda: not still(record))
            (dead,) = reap_stale(tmp_path / "records")
            assert dead.proof.gone
            assert records.read(tmp_path / "records") == []

    run(scenario())


@pytest.mark.soak  # in every tier: tests/confinement
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_when_a_keeper_is_killed_its_program_goes_with_it(family, tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path / "records")
        async with Oracle(tmp_path) as oracle:
            running = await keeper.run(program(oracle.argv(*family), tmp_path))
            await oracle.ready()
            began = time.monotonic()
            os.kill(keeper.record.pid, signal.SIGKILL)
            assert await oracle.gone(began, 10) < LIMIT
            ended = await running.wait()
            assert (ended.code, ended.signal) == (None, None), "nobody knows how it ended"
            proof = await keeper.kill()
            assert proof.gone
            assert "ECHILD" not in proof.text
            assert not keeper.alive
            with pytest.raises(KeeperLost):
                await keeper.call(["true"], cwd=tmp_path)
        await keeper.close()
        assert records.read(tmp_path / "records") == []

    run(scenario())


def test_a_keeper_that_its_agent_has_stopped_is_woken_to_kill(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path / "records")
        async with Oracle(tmp_path) as oracle:
            await keeper.run(program(oracle.argv("setsid-children", "5"), tmp_path))
            await oracle.ready()
            os.kill(keeper.record.pid, signal.SIGSTOP)
            began = time.monotonic()
            proof = await keeper.kill()
            assert proof.gone
            assert await oracle.gone(began, 10) < LIMIT
            assert keeper.alive
        await keeper.close()

    run(scenario())


def test_a_keeper_that_cannot_be_woken_is_felled_with_all_below_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Lifeline, "wake", lambda _: None)

    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path / "records")
        async with Oracle(tmp_path) as oracle:
            running = await keeper.run(program(oracle.argv("moving-target", "4", "--setsid"), tmp_path))
            await oracle.ready()
            os.kill(keeper.record.pid, signal.SIGSTOP)
            began = time.monotonic()
            proof = await keeper.kill()
            assert proof.gone
            assert proof.processes >= 4
            assert "walk" in proof.text
            assert await oracle.gone(began, 10) < LIMIT
            assert not keeper.alive
            assert (await running.wait()).code is None
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("hung", [False, True], ids=["engine runs", "engine is stopped"])
@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_the_last_resort_kills_and_holds_without_asking_the_engine(family, hung, tmp_path):
    async def scenario():
        async with Oracle(tmp_path) as oracle, engine(tmp_path, oracle, *family) as process:
            if hung:
                process.send_signal(signal.SIGSTOP)
            (record,) = records.read(tmp_path / "records")
            began = time.monotonic()
            (killed,) = kill_recorded(tmp_path / "records", ["builder"], reason="test")
            assert killed.agent == "builder"
            assert killed.proof.gone
            assert killed.proof.processes >= 1
            assert await oracle.gone(began, 10) < LIMIT
            assert not still(record)
            hold = records.held(tmp_path / "records")["builder"]
            assert (hold.how, hold.reason) == ("killed", "test")

    run(scenario())


def test_the_last_resort_kills_those_it_is_told_and_no_others(tmp_path):
    async def scenario():
        async with (
            Oracle(tmp_path, "one") as one,
            Oracle(tmp_path, "two") as two,
            engine(tmp_path, one, "setsid-children", name="one"),
            engine(tmp_path, two, "daemon", name="two"),
        ):
            (killed, absent) = kill_recorded(tmp_path / "records", ["one", "idle"])
            await one.gone(time.monotonic(), 10)
            assert killed.proof.gone
            assert absent.proof.gone
            assert absent.proof.processes == 0
            assert two.holders
            assert [record.agent for record in records.read(tmp_path / "records")] == ["two"]
            assert set(records.held(tmp_path / "records")) == {"one", "idle"}
            (rest,) = kill_recorded(tmp_path / "records")
            assert rest.agent == "two"
            await two.gone(time.monotonic(), 10)

    run(scenario())


def test_what_a_dead_keeper_and_a_dead_engine_left_is_found_by_its_nonce(tmp_path):
    async def scenario():
        async with Oracle(tmp_path) as oracle, engine(tmp_path, oracle, "daemon") as process:
            (record,) = records.read(tmp_path / "records")
            process.send_signal(signal.SIGSTOP)
            os.kill(record.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            (stale,) = reap_stale(tmp_path / "records")
            assert stale.proof.gone
            await oracle.gone(time.monotonic(), 10)

    run(scenario())


def bystander() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], start_new_session=True)


def record_of(pid: int, **changes: object) -> Record:
    found = tree.look(pid)
    assert found
    mine = Record(
        agent="builder", pid=pid, start=found.start, boot_id=records.boot_id(), nonce="none-has-it", created=0.0,
        engine_pid=1, engine_start=0,
    )  # fmt: skip
    return replace(mine, **changes)


@pytest.mark.parametrize("changes", [{"start": 1}, {"boot_id": "another-boot"}], ids=["recycled pid", "earlier boot"])
def test_a_stranger_with_a_recorded_pid_is_not_touched(changes, tmp_path):
    stranger = bystander()
    try:
        records.write(tmp_path, record_of(stranger.pid, **changes))
        (stale,) = reap_stale(tmp_path)
        assert stale.proof.gone
        assert stale.proof.processes == 0
        records.write(tmp_path, record_of(stranger.pid, **changes))
        (killed,) = kill_recorded(tmp_path)
        assert killed.proof.gone
        found = tree.look(stranger.pid)
        assert found
        assert found.state == "S", "neither killed nor stopped"
    finally:
        stranger.kill()
        stranger.wait()


def test_the_same_record_with_the_right_start_time_is_acted_on(tmp_path):
    stranger = bystander()
    try:
        records.write(tmp_path, record_of(stranger.pid))
        (stale,) = reap_stale(tmp_path)
        assert stale.proof.gone
        assert stranger.wait(10) == -signal.SIGKILL
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("right", [False, True], ids=["recycled pid", "its own"])
def test_a_first_process_is_killed_only_if_it_began_when_it_should(right, tmp_path):
    stranger, keeper = bystander(), bystander()
    try:
        found = tree.look(stranger.pid)
        assert found
        start, group = found.start + (not right), tmp_path / "group"
        group.mkdir()
        forged = record_of(keeper.pid, start=1, init=stranger.pid, init_start=start, cgroup=str(group))
        records.write(tmp_path, forged)
        (stale,) = reap_stale(tmp_path)
        assert stale.proof.gone
        assert tree.look(keeper.pid), "it is nobody's keeper"
        assert (group / "cgroup.kill").exists() is right
        if right:
            assert stranger.wait(10) == -signal.SIGKILL
            assert f"namespace init {stranger.pid} is gone" in stale.proof.text
        else:
            now = tree.look(stranger.pid)
            assert now
            assert now.state == "S", "neither killed nor stopped"
    finally:
        for process in (stranger, keeper):
            process.kill()
            process.wait()


def test_a_signal_is_not_sent_to_whoever_has_the_pid_now():
    stranger = bystander()
    try:
        found = tree.look(stranger.pid)
        assert found
        found.start -= 1
        assert not tree.send(found, signal.SIGKILL)
        found.start += 1
        assert tree.send(found, signal.SIGKILL)
        assert stranger.wait(10) == -signal.SIGKILL
    finally:
        stranger.kill()
        stranger.wait()


def test_what_does_not_die_is_named_and_never_called_gone(tmp_path, monkeypatch):
    """A process in uninterruptible sleep cannot be made at will: SIGKILL is kept from arriving instead."""
    send = tree.send
    monkeypatch.setattr(
        felling.tree, "send", lambda process, number: number != signal.SIGKILL and send(process, number)
    )
    stranger = bystander()
    try:
        child = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"], start_new_session=True)
        while not tree.below(child.pid):
            time.sleep(0.005)
        records.write(tmp_path, record_of(child.pid))
        (stale,) = reap_stale(tmp_path)
        assert not stale.proof.gone
        assert [survivor.pid for survivor in stale.proof.survivors] == [below.pid for below in tree.below(child.pid)]
        assert records.read(tmp_path), "the record stays until the proof is there"
        monkeypatch.undo()
        (stale,) = reap_stale(tmp_path)
        assert stale.proof.gone
        child.wait()
    finally:
        stranger.kill()
        stranger.wait()


HEADLESS = """
import ctypes, os, threading
threading.Thread(target=lambda: (os.write(1, b"."), os.read(0, 1))).start()
ctypes.CDLL(None).syscall(ctypes.c_long({number}), ctypes.c_long(0))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="exit(2) has another number there")
def test_one_whose_first_thread_has_ended_is_as_alive_as_the_others(tmp_path):
    code = HEADLESS.format(number=60)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    try:
        assert process.stdout
        assert process.stdout.read(1) == b"."
        deadline = time.monotonic() + 10
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline
        found = tree.look(process.pid)
        assert found
        assert found.alive
        assert tree.send(found, signal.SIGSTOP)
        while not found.stopped:
            assert time.monotonic() < deadline
            found = tree.look(process.pid)
            assert found
        assert tree.send(found, signal.SIGKILL)
        process.wait(10)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_what_is_unreadable_shows_its_environment_to_nobody_of_the_same_user():
    code = "import sys; sys.path.append(sys.argv[1]); from engine.processes import tree; tree.become_unreadable(); print(flush=True); sys.stdin.read()"
    shown = "import os, sys; print(b'SECRET' in open(f'/proc/{sys.argv[1]}/environ', 'rb').read())"
    nobody = {"user": 65534, "group": 65534, "extra_groups": ()}
    python = "/usr/bin/python3"
    if not Path(python).exists() or not os.access(ROOT / "engine", os.R_OK | os.X_OK):
        pytest.skip("no Python here for everybody")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": {"SECRET": "hunter2"}}
    with subprocess.Popen([python, "-I", "-S", "-c", code, str(ROOT)], **pipes, **nobody) as engine_like:
        assert engine_like.stdout
        assert engine_like.stdout.readline() == b"\n"
        asked = [python, "-I", "-S", "-c", shown, str(engine_like.pid)]
        refused = subprocess.run(asked, capture_output=True, text=True, check=False, **nobody)
        assert "PermissionError" in refused.stderr
        assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "True\n", "root may"
        engine_like.communicate()


def test_the_engines_own_children_are_not_taken_for_orphans(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        other = await Keeper.start("other", records=tmp_path)
        own = await asyncio.create_subprocess_exec("sleep", "1000")
        broker = await asyncio.create_subprocess_exec("sleep", "1000", process_group=0)
        os.kill(keeper.record.pid, signal.SIGKILL)
        assert (await keeper.kill()).gone
        assert own.returncode is broker.returncode is None
        assert (await other.call(["true"], cwd=tmp_path)).code == 0
        for process in (own, broker):
            process.kill()
            assert await process.wait() == -signal.SIGKILL
        await keeper.close()
        await other.close()

    run(scenario())


def test_a_keeper_that_cannot_start_says_so_and_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.processes.launch._BOOTSTRAP", "raise SystemExit(1)")

    async def scenario():
        with pytest.raises(KeeperLost, match="builder"):
            await Keeper.start("builder", records=tmp_path)
        assert list(tmp_path.iterdir()) == []

    run(scenario())


def test_many_keepers_start_at_once_and_leave_nothing(tmp_path):
    async def scenario():
        keepers = await asyncio.gather(*(Keeper.start(f"a{n}", records=tmp_path) for n in range(12)))
        assert {record.pid for record in records.read(tmp_path)} == {keeper.record.pid for keeper in keepers}
        pids = [keeper.record for keeper in keepers]
        await asyncio.gather(*(keeper.close() for keeper in keepers))
        assert not any(map(still, pids))
        assert list(tmp_path.iterdir()) == []

    run(scenario())
