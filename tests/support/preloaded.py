"""Engines that need not be imported: each is forked from one process of ours that has imported everything.

For tests that start hundreds. An engine of another module than the usual one is started as ever, and so are all where
this is not in force.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

from engine.api import launch

DAEMON, PLAIN = launch.DAEMON, launch._spawned
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(
    # and what every engine comes to import: for its watcher, and for its keys
    [DAEMON, "anyio._backends._asyncio", "cryptography.hazmat.primitives.asymmetric.ed25519"]
)


class Forked:
    """What of a `Popen` is asked of an engine's process."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("engine", timeout or 0.0)
        return self._process.exitcode

    def kill(self) -> None:
        if self._process.exitcode is None:  # else its number may be another one's by now
            self._process.kill()


@contextmanager
def preloaded() -> Iterator[None]:
    """For as long as this lasts."""
    with mock.patch.object(launch, "_spawned", _spawned):
        yield


def _spawned(root: Path, log: Path, ready: int) -> Forked | subprocess.Popen[bytes]:
    if launch.DAEMON != DAEMON:
        return PLAIN(root, log, ready)
    told = Connection(os.dup(ready), readable=False)
    process = _forking.Process(target=_be_engine, args=(str(root), str(log), told, launch.environment()))
    process.start()
    told.close()
    return Forked(process)


def _be_engine(root: str, log: str, told: Connection, environment: Mapping[str, str]) -> None:
    """In the new process: what `launch` does for one that it starts."""
    from engine import daemon

    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir("/")
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for place, handle in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(handle, place)
    sys.exit(daemon.main([root, "--ready-fd", str(os.dup(told.fileno()))]))
