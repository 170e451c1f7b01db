"""Our own namespaces: what is theirs alone, and how they fail."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from support.aio import run
from support.cells import PYTHON, USERS, WITHOUT_NAMESPACES, need, place, tier

from engine.processes.confinement.tiers import Cell
from engine.processes.keeper import Keeper

ASK = """
import socket
with socket.create_connection(("127.0.0.1", 3128), 5) as way:
    way.sendall(b"from inside"); print(way.recv(100).decode())
"""


@pytest.fixture(params=USERS)
def here(request):
    need("namespaces", request.param)
    with place(request.param) as made:
        yield made


@pytest.mark.parametrize("mechanism", ["namespaces", "bubblewrap"])
def test_the_engine_answers_at_the_only_address_there_is_inside(mechanism):
    need(mechanism, os.getuid())

    async def scenario(here):
        cell = Cell(tier(mechanism), here.profile(port=3128))
        keeper = await Keeper.start("asks", records=here.folder("records"), cell=cell)
        (listener,) = keeper.listeners
        listener.settimeout(0)
        try:
            asked = asyncio.create_task(keeper.call([PYTHON, "-I", "-S", "-c", ASK], cwd=here.clone))
            accepted, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(listener), 10)
            with accepted:
                assert await asyncio.get_running_loop().sock_recv(accepted, 100) == b"from inside"
                await asyncio.get_running_loop().sock_sendall(accepted, b"from outside")
            return (await asked).out
        finally:
            listener.close()
            await keeper.close()

    with place() as here:
        assert run(scenario(here)) == b"from outside\n"


def test_a_limit_on_processes_is_not_used_up_by_those_that_ended(here):
    ran = here.sh("namespaces", "for at in $(seq 400); do /bin/true || exit 1; done; echo all", processes=40)
    assert (ran.code, ran.out) == (0, "all\n")


def test_without_a_limit_there_is_none(here):
    ran = here.sh("namespaces", "cat /proc/sys/kernel/pid_max", processes=0)
    assert int(ran.out) >= int(Path("/proc/sys/kernel/pid_max").read_text())


def test_the_limit_of_the_machine_is_left_alone(here):
    before = Path("/proc/sys/kernel/pid_max").read_text()
    assert here.sh("namespaces", "true", processes=40).code == 0
    assert Path("/proc/sys/kernel/pid_max").read_text() == before


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_what_is_mounted_later_outside_stays_outside():
    need("namespaces", os.getuid())
    with place() as here:
        here.before = ("unshare", *(() if os.getuid() == 0 else ("-Ur",)), "-m", "--propagation", "shared")
        ran = here.sh("namespaces", "cat /proc/self/mountinfo")
    lines = ran.out.splitlines()
    assert len(lines) > 10
    assert not [line for line in lines if "shared:" in line or "master:" in line]


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_where_namespaces_are_forbidden_nothing_runs_and_one_sentence_says_why(here):
    here.before = WITHOUT_NAMESPACES
    ran = here.sh("namespaces", "echo ran")
    assert ran.refused == "making namespaces: No space left on device (errno 28)"


def test_a_cgroup_that_can_not_be_entered_refuses(here):
    ran = here.sh("namespaces", "echo ran", cgroup=here.root / "none")
    assert ran.refused.startswith(f"moving into the cgroup {here.root}/none: No such file")


def test_what_an_agent_left_in_the_place_of_a_mount_point_is_removed(here):
    here.file("home/tools", "a file where a folder has to be")
    shown = here.file("user/tools/file", "shown").parent
    ran = here.sh("namespaces", f"cat {shown}/file", readable=(shown,))
    assert ran.out == "shown"


def test_a_link_above_a_mount_point_in_the_clone_refuses(here):
    (here.clone / "folder").symlink_to(here.outside)
    held = here.clone / "folder/held"
    here.file("outside/held/file")
    ran = here.sh("namespaces", "echo ran", frozen=(held,))
    assert ran.refused.startswith(f"making a place for {held}: Not a directory")


def test_the_session_s_keys_stay_outside(here):
    ran = here.python("namespaces", "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, -3, 0))")
    assert ran.out == "-1\n"


def test_terminals_shared_memory_and_scratch_have_limits(here):
    script = "df --output=size,target -k /run /dev/shm /dev | tail -n +2"
    sizes = {line.split()[1]: int(line.split()[0]) for line in here.sh("namespaces", script).out.splitlines()}
    assert sizes == {"/run": 16 << 10, "/dev/shm": 256 << 10, "/dev": 64}
