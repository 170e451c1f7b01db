"""Control groups, where this user has a part of the tree: a second hold on what runs, never the first."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.aio import run
from support.cells import need, place, tier
from support.oracle import until

from engine.processes.confinement import cgroup
from engine.processes.confinement.cgroup import Group
from engine.processes.confinement.tiers import Cell
from engine.processes.keeper import Keeper
from engine.processes.values import Program


@pytest.fixture
def base():
    if (found := cgroup.find()) is None:
        pytest.skip("no part of the cgroup tree is ours here")
    return found


@pytest.fixture
def group(base):
    made = Group.make(base, "test")
    yield made
    made.kill()
    deadline = time.monotonic() + 5
    while made.populated and time.monotonic() < deadline:
        time.sleep(0.002)
    assert made.remove()


def spinning(group: Group) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
    (group.entrance / "cgroup.procs").write_text(str(process.pid))
    return process


def ticks(process: subprocess.Popen[bytes]) -> int:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_group_is_killed_as_a_whole_also_while_it_is_frozen(group):
    process = spinning(group)
    assert group.populated
    assert group.freeze()
    run(until(lambda: group.frozen))
    before = ticks(process)
    time.sleep(0.05)
    assert ticks(process) == before
    assert group.kill()
    assert process.wait(timeout=5) == -9
    run(until(lambda: not group.populated))


def test_a_thawed_group_goes_on(group):
    process = spinning(group)
    group.freeze()
    run(until(lambda: group.frozen))
    group.thaw()
    run(until(lambda: not group.frozen))
    before = ticks(process)
    run(until(lambda: ticks(process) > before))
    group.kill()
    process.wait(timeout=5)


def test_a_group_with_somebody_in_it_is_not_removed_and_one_without_is(base):
    group = Group.make(base, "removed")
    process = spinning(group)
    assert not group.remove()
    group.kill()
    process.wait(timeout=5)
    run(until(lambda: not group.populated))
    assert group.remove()
    assert not group.path.exists()
    assert not group.kill()
    assert not group.populated


def test_limits_are_said_where_there_are_controllers(tmp_path):
    folder = tmp_path / f"quarterdeck-{os.getpid()}-a"
    folder.mkdir()
    for file in ("pids.max", "memory.max"):
        (folder / file).write_text("max")
    (folder / "memory.events").write_text("oom 3\noom_kill 2\n")
    (folder / "memory.current").write_text("4096\n")
    group = Group.make(tmp_path, "a", processes=7, memory=1 << 20)
    assert (folder / "pids.max").read_text() == "7"
    assert (folder / "memory.max").read_text() == "1048576"
    assert not (folder / "cpu.weight").exists()
    assert (group.memory(), group.killed_for_memory()) == (4096, 2)
    assert Group(tmp_path / "none").memory() is None


def test_what_dead_engines_left_is_removed_and_what_live_ones_use_is_not(base):
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    left, used = base / f"quarterdeck-{dead.pid}-left", base / f"quarterdeck-{os.getpid()}-used"
    (left / "programs").mkdir(parents=True)
    used.mkdir()
    try:
        cgroup.find()
        assert not left.exists()
        assert used.exists()
    finally:
        used.rmdir()


@pytest.mark.parametrize("mechanism", ["namespaces", "bubblewrap"])
def test_a_program_can_not_leave_its_group(base, mechanism):
    need(mechanism, os.getuid())
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")

    async def scenario(here):
        at = here.folder("clone/tree")
        inner = f"mount -t cgroup2 none {at} && mkdir {at}/mine && echo 0 > {at}/mine/cgroup.procs; echo 0 > {at}/cgroup.freeze; sleep 60"
        script = f"echo $$ > {base}/cgroup.procs; touch {here.clone}/begun; unshare -UrmC sh -c '{inner}'"
        cell = Cell(replace(tier(mechanism), cgroup=base), here.profile())
        keeper = await Keeper.start("held", records=here.folder("records"), cell=cell)
        try:
            group = Group(Path(keeper.record.cgroup))
            program = Program(argv=("/bin/sh", "-c", script), cwd=here.clone, env={"PATH": os.defpath})
            running = await keeper.run(program)
            await until((here.clone / "begun").exists)
            outside = {int(pid) for pid in (base / "cgroup.procs").read_text().split()}
            assert keeper.record.init not in outside
            assert group.kill()
            await running.wait()
            await until(lambda: not group.populated)
        finally:
            await keeper.close()

    with place() as here:
        run(scenario(here))
