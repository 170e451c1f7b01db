"""Finds the engine of a repository, or starts one: a process of its own that outlives whoever started it.

Who may run is decided by the repository's lock, which the engine takes: of two clients that start one at the same time
both end up with the one that got it. The engine inherits what tells it where things are, never a key: those are handed
over by the client that starts a run.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.api.calls import CallRefused
from engine.api.client import Client
from engine.api.errors import EngineGone, NoEngine
from workspaces import layout
from workspaces.identity import Place, identify

DAEMON = "engine.daemon"
"""The module of the engine's process."""
HELD = "held"
"""The code by which a starting engine says that another one has the repository."""
PATIENCE = 120.0
"""Seconds for an engine to read its record and be ready."""
_TAIL = 2000
_INHERITED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "DBUS_SESSION_BUS_ADDRESS"),
    }
)
_PREFIXES = ("LC_", "XDG_", "QUARTERDECK_", "PYTHON")
_started: list[subprocess.Popen[bytes]] = []  # engines we are the parent of, to be collected when they end


class _Failure(Struct):
    reason: str
    code: str = "refused"
    exit: int = 2


class _Said(Struct):
    """The one line of a starting engine: one of the two."""

    ready: dict[str, object] | None = None
    error: _Failure | None = None


def socket_path(root: Path) -> Path:
    """Where the engine of the repository around `root` listens. Raises WorkspaceError."""
    return layout.socket_path(identify(root).id)


def ensure(root: Path) -> Client:
    """A client of the repository's engine, which is started if none runs.

    Raises CallRefused with what a starting engine refused, EngineGone, WrongVersion, WorkspaceError.
    """
    place = identify(root)
    path = layout.socket_path(place.id)
    deadline = time.monotonic() + PATIENCE
    wait = 0.0
    while time.monotonic() < deadline:
        client = _listening(path, time.monotonic() + wait)
        if client is not None:
            return client
        # An engine that has the repository and does not listen is beginning, or ending: ever later tries will tell.
        wait = 0.0 if _start(place) else min(2 * wait + 0.1, 2.0)
    raise EngineGone("another engine has this repository, but does not listen")


def _listening(path: Path, until: float) -> Client | None:
    """A client of the engine that listens, waiting for one; None when there is none."""
    while (client := _connected(path)) is None and time.monotonic() < until:
        time.sleep(0.02)
    return client


def _connected(path: Path) -> Client | None:
    """A client of the engine that listens; None when there is none, or one that is just ending."""
    try:
        return Client.connect(path)
    except NoEngine:
        return None
    except EngineGone as gone:
        if gone.hung:
            raise
        return None


def _start(place: Place) -> bool:
    """Start an engine and wait until it is ready; False when another one has the repository."""
    _started[:] = [process for process in _started if process.poll() is None]
    state = layout.state_folder(place.id)
    state.mkdir(mode=layout.PRIVATE, parents=True, exist_ok=True)
    log = state / "engine.log"
    ready, theirs = os.pipe()
    try:
        try:
            process = _spawned(place.root, log, theirs)
        finally:
            os.close(theirs)
        line = _line(ready)
    finally:
        os.close(ready)
    return _ready(line, process, log)


def _spawned(root: Path, log: Path, ready: int) -> subprocess.Popen[bytes]:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", DAEMON, str(root), "--ready-fd", str(ready)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment(),
            pass_fds=(ready,),
            start_new_session=True,
        )
    finally:
        os.close(output)


def environment() -> dict[str, str]:
    """What an engine inherits."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_PREFIXES)}


def _line(ready: int) -> bytes:
    """What the engine says, up to its first line end or the end of it."""
    said, deadline = b"", time.monotonic() + PATIENCE
    while b"\n" not in said:
        if not select.select([ready], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(ready, 65536)
        if not chunk:
            break
        said += chunk
    return said


def _ready(line: bytes, process: subprocess.Popen[bytes], log: Path) -> bool:
    try:
        said = msgspec.json.decode(line, type=_Said)
    except msgspec.MsgspecError:
        said = _Said()
    if said.ready is not None:
        _started.append(process)
        return True
    process.kill()  # it said no, or nothing: it is ending, or stuck
    process.wait()
    if said.error is None:
        raise EngineGone(f"the engine did not come up ({log}):\n{_tail(log)}\n")
    if said.error.code == HELD:
        return False
    raise CallRefused(said.error.reason, code=said.error.code, exit_code=said.error.exit)


def _tail(log: Path) -> str:
    return log.read_bytes()[-_TAIL:].decode(errors="replace").strip() or "it said nothing"
