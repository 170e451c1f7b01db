"""The engine's hold on a sandbox from outside: the first process of a pid namespace, and what runs with it.

When that process is killed the kernel kills everything in the namespace, and its handle becomes readable only when all
of it is gone. That is the whole proof; nothing inside is asked for anything.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
from pathlib import Path

from engine.processes import tree
from engine.processes.tree import Process

ANCESTORS = 4
"""Between the first process inside and its keeper there is at most the outer process of a sandboxing program."""


class Sandbox:
    """Made by `hold`. `gone` is done when nothing of it is left."""

    def __init__(self, first: Process, handle: int, inside: int, cgroup: Path | None) -> None:
        self.pid, self.start = first.pid, first.start
        self.cgroup = cgroup
        self._handle, self._inside = handle, inside
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(handle, self._on_end)

    @classmethod
    def hold(cls, pid: int, inside: int, *, below: int, cgroup: Path | None) -> Sandbox:
        """Take hold of process `pid`, which must descend from process `below`.

        `inside` is a descriptor of its /proc, ours from now on. Raises ProcessLookupError where there is no such one.
        """
        handle = os.pidfd_open(pid)
        first = found = tree.look(pid)  # after opening: the handle cannot move to another process any more
        for _ in range(ANCESTORS):
            if first is None or found is None or found.parent == below:
                break
            found = tree.look(found.parent)
        if first is None or found is None or found.parent != below:
            os.close(handle)
            raise ProcessLookupError(pid)
        return cls(first, handle, inside, cgroup)

    def count(self) -> int:
        """How many processes run in it now, the first one left out."""
        names = os.listdir(self._inside)  # noqa: PTH208  pathlib lists no descriptor
        found = (_state(self._inside, name) for name in names if name.isdigit() and name != "1")
        return sum(state not in (b"Z", b"X", b"x", b"") for state in found)

    def fire(self) -> None:
        """SIGKILL by every means there is, without waiting for anything."""
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        except OSError:
            pass  # it is gone
        if self.cgroup:
            kill_cgroup(self.cgroup)

    def look_again(self) -> bool:
        """Whether all of it is gone by now, before the loop hears of it."""
        if not self.gone.done():
            poll = select.poll()
            poll.register(self._handle, select.POLLIN)
            if poll.poll(0):
                self._on_end()
        return self.gone.done()

    def close(self) -> None:
        """Let go of it. Harmless twice."""
        if self._handle < 0:
            return
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        os.close(self._inside)
        self._handle = self._inside = -1

    def _on_end(self) -> None:
        self._loop.remove_reader(self._handle)
        if not self.gone.done():
            self.gone.set_result(None)


def kill_cgroup(cgroup: Path) -> None:
    """SIGKILL to all in a cgroup and below it, where there is such a thing."""
    try:
        (cgroup / "cgroup.kill").write_text("1", "ascii")
    except OSError:
        pass  # it is gone, or the kernel is older than 5.14: then it is the second means that is missing


def _state(inside: int, name: str) -> bytes:
    try:
        handle = os.open(f"{name}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=inside)
    except OSError:
        return b""
    try:
        data = os.read(handle, 4096)
    except OSError:
        return b""
    finally:
        os.close(handle)
    return data[data.rindex(b")") + 2 :][:1]
