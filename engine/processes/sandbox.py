"""The engine's hold on a sandbox from outside: the first process of a pid namespace, and what runs with it.

When that process is killed the kernel kills everything in the namespace, and its handle becomes readable only when all
of it is gone. That is the whole proof; nothing inside is asked for anything.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

from engine.processes import tree
from engine.processes.confinement.cgroup import Group
from engine.processes.felling import STEP
from engine.processes.first import First
from engine.processes.tree import Process, ancestors
from engine.processes.values import Measured


class Sandbox:
    """Made by `hold`. `gone` is done when nothing of it is left."""

    def __init__(self, first: First, inside: int, group: Group | None) -> None:
        self.pid, self.start = first.pid, first.start
        self.group = group
        self._first, self._inside = first, inside
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(first, self._on_end)

    @classmethod
    def hold(cls, pid: int, inside: int, *, below: int, group: Group | None) -> Sandbox:
        """Take hold of process `pid`, which must descend from process `below`.

        `inside` is a descriptor of its /proc, ours from now on. Raises ProcessLookupError where there is no such one.
        """
        first = First.find(pid)
        if first is None:
            raise ProcessLookupError(pid)
        if below not in ancestors(pid):
            first.close()
            raise ProcessLookupError(pid)
        return cls(first, inside, group)

    def count(self) -> int:
        """How many processes run in it now, the first one left out."""
        return sum(process.alive or process.threads > 1 for process in self._processes())

    def outside(self, inside: int) -> int:
        """What a program, known by its pid in the sandbox, is called out here; 0 when it is gone."""
        return next((pid for pid in tree.children(self.pid) if tree.innermost(pid) == inside), 0)

    def measure(self) -> Measured:
        """What they use. Threads and zombies count as processes, as they do where the kernel limits them."""
        found = list(self._processes())
        threads, pages = sum(process.threads for process in found), sum(process.pages for process in found)
        return Measured(threads, pages * os.sysconf("SC_PAGESIZE"), sum(process.ticks for process in found))

    async def freeze(self, seconds: float) -> bool:
        """Let nothing in it run, where it has a group that can be frozen. False: all goes on."""
        if self.group is None or not self.group.freeze():
            return False
        deadline = self._loop.time() + seconds
        while not self.group.frozen:
            if self._loop.time() > deadline:
                self.group.thaw()
                return False
            await asyncio.sleep(STEP)
        return True

    def thaw(self) -> None:
        """Undo `freeze`."""
        if self.group:
            self.group.thaw()

    def _processes(self) -> Iterator[Process]:
        """Those that run in it, by one look each: one whose first thread has ended seems to be a zombie."""
        for name in os.listdir(self._inside):  # noqa: PTH208  pathlib lists no descriptor
            if name.isdigit() and name != "1" and (process := _look(self._inside, name)):
                yield process

    def fire(self) -> None:
        """SIGKILL by every means there is, without waiting for anything."""
        self._first.kill()
        if self.group:
            self.group.kill()

    async def ends(self, seconds: float) -> bool:
        """Whether all of it is gone within so long: its first process, and whoever is in its group."""
        deadline = self._loop.time() + seconds
        await asyncio.wait({self.gone}, timeout=seconds)
        while self.look_again() and self.group and self.group.populated:
            if self._loop.time() > deadline:
                return False
            await asyncio.sleep(STEP)
        return self.look_again()

    def look_again(self) -> bool:
        """Whether all of it is gone by now, before the loop hears of it."""
        if not self.gone.done() and self._first.gone:
            self._on_end()
        return self.gone.done()

    def close(self) -> None:
        """Let go of it. Harmless twice."""
        if self._inside < 0:
            return
        self._loop.remove_reader(self._first)
        self._first.close()
        os.close(self._inside)
        self._inside = -1

    def _on_end(self) -> None:
        self._loop.remove_reader(self._first)
        if not self.gone.done():
            self.gone.set_result(None)


def _look(inside: int, name: str) -> Process | None:
    try:
        handle = os.open(f"{name}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=inside)
    except OSError:
        return None
    try:
        data = os.read(handle, 4096)
    except OSError:
        return None
    finally:
        os.close(handle)
    return Process(int(name), data[data.rindex(b")") + 2 :].split())
