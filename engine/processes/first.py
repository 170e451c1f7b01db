"""The first process of a sandbox's pid namespace, by a handle that cannot move to another process.

Killed, it takes everything in the namespace along; its handle is readable only when the kernel has ended all of it.
"""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from engine.processes import tree
from engine.processes.tree import Process


class First:
    """Made by `find`; to be closed."""

    def __init__(self, process: Process, handle: int) -> None:
        self.pid, self.start = process.pid, process.start
        self._handle = handle

    @classmethod
    def find(cls, pid: int, start: int | None = None) -> First | None:
        """Process `pid`, if it runs and (told that) began at `start`; None where it is gone, or somebody else."""
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return None
        process = tree.look(pid)  # after opening: the handle cannot move any more
        if process is None or not process.alive or start not in (None, process.start):
            os.close(handle)
            return None
        return cls(process, handle)

    @property
    def gone(self) -> bool:
        """Whether it and all that was in its namespace are gone: the kernel's own word."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(0))

    def fileno(self) -> int:
        """The handle, to be waited for."""
        return self._handle

    def kill(self) -> None:
        """SIGKILL, whatever state it is in."""
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        except OSError:
            pass  # it is gone

    def close(self) -> None:
        """Let go of it. Harmless twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def kill_cgroup(cgroup: Path) -> None:
    """SIGKILL to all in a cgroup and below it, where there is such a thing."""
    try:
        (cgroup / "cgroup.kill").write_text("1", "ascii")
    except OSError:
        pass  # it is gone, or the kernel is older than 5.14: then the other means have to do
