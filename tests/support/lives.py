"""The engine of one repository through several lives: started, followed, killed from outside, started again.

Nothing waits by sleeping: a death is told by a pidfd, everything else by an event of the record. Only processes that
were started for the repository are ever signalled, and only by pid.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from support.repos import clean_environment

from engine.api import launch
from engine.api.calls import CallRefused, RunRequest
from engine.api.client import Client
from engine.api.errors import EngineGone, NoEngine
from engine.processes import tree
from workspaces.identity import identify
from workspaces.layout import Layout, socket_path, state_folder

Event = dict[str, Any]
PATIENCE = 90.0
"""Seconds after which a test gives a process up, on a machine that is busy with anything else."""
ROOM = 1 << 30
FOLDERS = {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "home", "HOME": "home"}


@contextmanager
def a_home() -> Iterator[Path]:
    """A folder for state, configuration and sockets, its path short enough for a socket.

    In memory where there is room: a killed process loses nothing that it wrote, on whatever disk, and these tests
    should not wait for the disk's other users. What a disk may lose is another suite's matter (`powerloss`).
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir=memory if roomy else "/tmp"))
    for name in set(FOLDERS.values()):
        (folder / name).mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def living_in(home: Path) -> Iterator[None]:
    """For as long as this lasts, engines that are started have their state, configuration and sockets there."""
    git = {name: value for name, value in clean_environment().items() if name.startswith("GIT_CONFIG_")}
    with mock.patch.dict(os.environ, git | {name: str(home / part) for name, part in FOLDERS.items()}):
        yield


class House:
    """One repository and whatever engine is up in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        place = identify(root)
        self.layout = Layout(place.root, state_folder(place.id))
        self.socket = socket_path(place.id)
        self._pids: set[int] = set()

    def up(self) -> Client:
        """A client of the engine, which is started if none runs."""
        client = launch.ensure(self.root)
        self._pids.add(client.engine.pid)
        return client

    def clear(self) -> None:
        """No engine of this house is left, in whatever state it is."""
        ours = [process for process in launch._started if process.pid in self._pids]
        for process in ours:
            process.kill()
            process.wait()
            launch._started.remove(process)

    def go(self, client: Client, plan: str) -> bool:
        """Begin the run, or take up the unfinished one; False when it is over."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME")}
        if client.status()["run"] is None:
            client.start_run(RunRequest(plan=plan, plan_name="plan.toml", environment=environment))
            return True
        try:
            client.start_run(RunRequest(resume=True, environment=environment))
        except CallRefused as no:
            if no.code == "over":
                return False
            raise
        return True

    def pid(self) -> int | None:
        """The engine's process; None when none listens."""
        try:
            with Client.connect(self.socket, any_version=True) as client:
                return client.engine.pid
        except (NoEngine, EngineGone):
            return None

    def end(self) -> None:
        """An orderly end; returns when the engine is gone."""
        pid = self.pid()
        if pid is None:
            return
        with handle_of(pid) as handle, Client.connect(self.socket) as client:
            client.end()
            await_death(handle)

    def record(self) -> Path:
        """The journal's folder."""
        return self.layout.journal

    def log(self) -> str:
        """What its engines have said, for a failing test to show."""
        file = self.layout.state / "engine.log"
        return file.read_text(errors="replace")[-8000:] if file.exists() else ""


@contextmanager
def a_house(root: Path) -> Iterator[House]:
    """A house whose engine is gone at the end, however the test ends."""
    house = House(root)
    try:
        yield house
    finally:
        house.clear()


def plain(line: bytes) -> Event:
    """An event as it was published, without what the record's own line adds."""
    event = msgspec.json.decode(line)
    return {name: value for name, value in event.items() if name not in {"batch", "prev", "hash"}}


@contextmanager
def handle_of(pid: int) -> Iterator[int]:
    """A pidfd: it cannot come to mean another process."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)


def await_death(handle: int, patience: float = PATIENCE) -> None:
    """Return when the process of a pidfd has ended."""
    assert select.select([handle], [], [], patience)[0], f"a process lives on after {patience:g} s"


def slay(pid: int) -> None:
    """SIGKILL, and return when it is dead."""
    with suppress(ProcessLookupError), handle_of(pid) as handle:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        await_death(handle)


def descendants(pid: int) -> set[tuple[int, int]]:
    """Every living process below one, as (pid, start time): no later process is ever mistaken for one of them."""
    found = (tree.look(below.pid) for below in tree.below(pid))
    return {process.key for process in found if process and process.alive}


def alive(keys: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of them that still run."""
    return {key for key in keys if (process := tree.look(key[0])) and process.alive and process.key == key}


def await_deaths(keys: set[tuple[int, int]], patience: float = PATIENCE) -> None:
    """Return when all of them have ended."""
    deadline = time.monotonic() + patience
    for pid, start in keys:
        with suppress(ProcessLookupError), handle_of(pid) as handle:
            if alive({(pid, start)}):
                await_death(handle, max(deadline - time.monotonic(), 0.0))
