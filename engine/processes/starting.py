"""Start a keeper: its control group, its process, its cell, its first word; recorded before it can run anything."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.processes import greeting, records
from engine.processes.confinement import cells
from engine.processes.confinement.cgroup import Group, bring_here
from engine.processes.confinement.tiers import UNCONFINED, Cell
from engine.processes.errors import KeeperLost, NotConfined
from engine.processes.felling import STEP
from engine.processes.greeting import Greeting
from engine.processes.launch import KEEPERS, launch
from engine.processes.records import Record
from engine.processes.sandbox import Sandbox

START_SECONDS = 10.0
END_SECONDS = 1.0
_NO_CELL = (b"none", b"0", b"0", b"", b"0", b"0", b"0", b"0", b"0")


@dataclass(frozen=True, slots=True)
class Started:
    """A keeper that can run programs; whoever has it ends it. `path` is that of its record, `end` our end to it."""

    record: Record
    path: Path
    process: subprocess.Popen[bytes]
    end: socket.socket
    subreaper: bool
    sandbox: Sandbox | None
    listeners: tuple[socket.socket, ...]


async def start(name: str, folder: Path, cell: Cell | None) -> Started:
    """Start a keeper process in its cell. Raises NameRefused, NotConfined, KeeperLost; then nothing is left of it.

    Bubblewrap gives up where a socket of somebody's goes away while it is being covered, so it is asked twice.
    """
    if cell is not None and cell.tier.mechanism == "bubblewrap":
        with suppress(NotConfined):
            return await _start(name, folder, cell)
    return await _start(name, folder, cell)


async def _start(name: str, folder: Path, cell: Cell | None) -> Started:
    label = (cell.tier if cell else UNCONFINED).label
    path = records.path_of(folder, name)
    group = _grouped(name, label, cell)
    nonce = os.urandom(8).hex()
    process, end = launch(name, nonce)
    try:
        record = records.describe(name, process.pid, nonce, confinement=label, cgroup=str(group.path) if group else "")
        records.write(folder, record)
        met = await _meet(name, label, end, _encoded(cell, group))
        record, sandbox, listeners = _taken(record, met, group)
        if group:
            bring_here(process.pid)  # who watches over a sandbox is awake when it is frozen
        records.write(folder, record)
    except BaseException:
        end.close()
        if not await ended(process):
            process.kill()
        path.unlink(missing_ok=True)
        KEEPERS.discard(process.pid)
        if group:
            group.remove()
        raise
    return Started(record, path, process, end, met.frame[1] == b"1", sandbox, listeners)


async def ended(process: subprocess.Popen[bytes], seconds: float = END_SECONDS) -> bool:
    """Whether a keeper that was hung up on has ended within so long."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110  it exits in 2 ms
        await asyncio.sleep(STEP)
    return process.returncode is not None


def _grouped(name: str, label: str, cell: Cell | None) -> Group | None:
    if cell is None or cell.tier.cgroup is None:
        return None
    try:
        profile = cell.profile
        return Group.make(cell.tier.cgroup, name, processes=profile.processes, memory=profile.memory)
    except OSError as error:
        raise NotConfined(name, label, f"making a control group in {cell.tier.cgroup}: {error.strerror}") from error


def _encoded(cell: Cell | None, group: Group | None) -> tuple[bytes, ...]:
    if cell is None:
        return _NO_CELL
    return cells.encode(cell, cgroup=group.entrance if group else None)


async def _meet(name: str, label: str, end: socket.socket, cell: tuple[bytes, ...]) -> Greeting:
    try:
        async with asyncio.timeout(START_SECONDS):
            met = await greeting.exchange(end, cell)
    except EOFError:
        raise KeeperLost(name, "it ended while it started") from None
    except TimeoutError:
        raise KeeperLost(name, f"it was not ready within {START_SECONDS:g} s") from None
    if met.frame[0] == b"refused":
        met.close()
        raise NotConfined(name, label, met.frame[1].decode("utf-8", "replace"))
    return met


def _taken(
    record: Record, met: Greeting, group: Group | None
) -> tuple[Record, Sandbox | None, tuple[socket.socket, ...]]:
    """What came with the first frame: a sandbox says so by its /proc, its listening sockets come behind it."""
    if not met.handles:
        return record, None, ()
    inside, *rest = met.handles
    try:
        sandbox = Sandbox.hold(met.sender, inside, below=record.pid, group=group)
    except OSError:
        met.close()
        raise KeeperLost(record.agent, "it ended while it started") from None
    listeners = tuple(socket.socket(fileno=handle) for handle in rest)
    for listener in listeners:
        listener.settimeout(0)
    return replace(record, init=sandbox.pid, init_start=sandbox.start), sandbox, listeners
