"""Kill a keeper's whole tree from outside, when the keeper cannot do it: it is hung, dead, or has no engine.

A sandbox is killed by its first process, and all inside go with it. The rest is a walk, which a sandbox gets as well,
as the second net. The keeper is stopped first and killed last: a stopped subreaper still adopts, so nothing can leave
the tree while it is being felled, and nothing new is started in it. What a keeper that died alone has left is found
below the engine (the second subreaper), and, if that is gone as well, by the nonce in its environment. The proof is
then: every process that was seen, known by pid and start time, is gone, and a last walk and a last search find none.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from engine.processes import tree
from engine.processes.first import First, kill_cgroup
from engine.processes.records import Record
from engine.processes.tree import Process
from engine.processes.values import Proof, Survivor

PATIENCE = 1.0
STEP = 0.002
PURSUIT = 2.0
"""Seconds after which it is given up in any case; who is merely slow to die, or replaces himself, has so long."""
SEARCHES = 50


class Felling:
    """One tree being felled. `strike` until it is True, or give up and say who survived.

    `keepers` are the pids of all keepers: children of the engine that are not what a dead one left.
    """

    def __init__(self, record: Record, keepers: Callable[[], Iterable[int]]) -> None:
        self._record = record
        self._keepers = keepers
        self._seen: set[tuple[int, int]] = set()  # alive at some time
        self._left: set[tuple[int, int]] = set()  # of those, whom nobody has seen dead yet
        self._passed: set[tuple[int, int]] = set()  # seen when dead already
        self._unreaped: set[int] = set()  # of those, what a stopped keeper cannot reap: no need to look again
        self._first: First | None = None
        self._ours: set[int] = set()  # between the keeper and its programs: no program itself
        self._began = 0.0
        self._pursuing = False

    def fire(self) -> None:
        """Kill the sandbox, if there is one, by every means at once; who is in it is counted just before."""
        self._began = self._began or time.monotonic()
        if self._record.init and self._first is None:
            self._first = First.find(self._record.init, self._record.init_start)
            if self._first:
                self._ours = {self._first.pid, *tree.ancestors(self._first.pid)}
                inside = {process.key for process in tree.below(self._first.pid) if process.alive}
                self._seen |= inside | {(self._first.pid, self._first.start)}
                self._left |= self._seen
        if self._first:
            self._first.kill()
            if self._record.cgroup:  # without a first process nobody is in it, or it is another one's by now
                kill_cgroup(Path(self._record.cgroup))

    @property
    def pause(self) -> float:
        """Seconds to wait before the next strike: none in pursuit of those that come anew all the time."""
        return 0.0 if self._pursuing else STEP

    def over(self, seconds: float) -> bool:
        """Whether it is time to give up: somebody sleeps in the kernel for so long, or it all leads nowhere."""
        passed = time.monotonic() - self._began
        return passed > PURSUIT or (passed > seconds and any(process.state == "D" for process in self._alive()))

    def strike(self) -> bool:
        """One round of SIGKILL. True when nothing is left."""
        known = len(self._seen) + len(self._passed)
        gone = self._strike()
        self._pursuing = len(self._seen) + len(self._passed) > known
        return gone

    def _strike(self) -> bool:
        self.fire()
        keeper = self._keeper()
        if keeper and not keeper.stopped:
            tree.send(keeper, signal.SIGSTOP)
        if self._kill(self._found(keeper)) or (self._first and not self._first.gone):
            return False
        if keeper:
            tree.send(keeper, signal.SIGKILL)
            return False
        return not self._kill(self._marked())

    def release(self) -> None:
        """Let the keeper go on, to watch those that SIGKILL has not ended yet; another strike begins from here."""
        self._unreaped.clear()
        self._began = 0.0
        if self._first:
            self._first.close()
            self._first = None
        if keeper := self._keeper():
            tree.send(keeper, signal.SIGCONT)

    def proof(self, *, gone: bool) -> Proof:
        """What was achieved so far."""
        ms = (time.monotonic() - self._began) * 1000
        count, tier = sum(pid not in self._ours for pid, _ in self._seen), self._record.confinement
        if gone:
            text = f"every process seen is gone (pid and start time), a last walk found none; {tier}"
            if self._first and self._first.gone:
                text = f"namespace init {self._first.pid} is gone, and with it all inside (pidfd); {text}"
            return Proof(gone=True, processes=count, ms=ms, text=text)
        left = self._alive()
        programs = [process for process in left if process.pid not in self._ours]
        survivors = tuple(_survivor(process) for process in programs or left)
        text = f"{len(survivors)} did not end after SIGKILL; {tier}"
        if not survivors:
            text = f"what it started still starts itself anew, faster than it is killed; {tier}"
        return Proof(gone=False, processes=count, ms=ms, text=text, survivors=survivors)

    def _keeper(self) -> Process | None:
        keeper = tree.look(self._record.pid)
        return keeper if keeper and keeper.alive and keeper.start == self._record.start else None

    def _found(self, keeper: Process | None) -> Iterator[Process]:
        roots = [*self._alive(), *self._adopted()]
        yield from roots
        for root in roots:
            yield from tree.below(root.pid)
        if keeper:
            yield from tree.below(keeper.pid, self._unreaped)

    def _kill(self, found: Iterable[Process]) -> bool:
        """Kill who is alive. True when anybody was, or died between being listed and looked at.

        A program that forks and exits all the time is only ever seen dead; its next body is in the next walk.
        """
        anybody = False
        for process in found:
            if process.alive:
                self._seen.add(process.key)
                self._left.add(process.key)
                tree.send(process, signal.SIGKILL)
                anybody = True
            elif process.key not in self._passed and process.key not in self._seen:
                self._passed.add(process.key)
                anybody = True
            if not process.alive and process.parent == self._record.pid:
                self._unreaped.add(process.pid)
        return anybody

    def _alive(self) -> list[Process]:
        now = [(key, tree.look(key[0])) for key in self._left]
        alive = [process for key, process in now if process and process.alive and process.key == key]
        self._left = {process.key for process in alive}
        return alive

    def _adopted(self) -> list[Process]:
        """What a dead keeper left to the engine: children in a session of their own that no keeper is."""
        engine = tree.look(self._record.engine_pid)
        if engine is None or engine.start != self._record.engine_start:
            return []
        return adopted(engine, set(self._keepers()))

    def _marked(self) -> Iterator[Process]:
        """Who carries the nonce; whoever appears while we look is looked at as well."""
        wanted = f"{tree.NONCE}={self._record.nonce}".encode()
        examined: set[int] = set()
        for _ in range(SEARCHES):
            fresh = tree.everybody() - examined
            if not fresh:
                return
            examined |= fresh
            marked = (tree.look(pid) for pid in fresh if wanted in tree.variables(pid))
            yield from (process for process in marked if process)


def adopted(engine: Process, keepers: set[int]) -> list[Process]:
    """Children of `engine` that came to it as orphans: it starts its own ones in its own session, except keepers.

    The dead among them are reaped on the way when `engine` is this process: by pid, so no child of asyncio's is stolen.
    """
    children = (tree.look(pid) for pid in tree.children(engine.pid) if pid not in keepers)
    found = [child for child in children if child and child.session != engine.session]
    if engine.pid == os.getpid():
        for child in found:
            if not child.alive:
                os.waitpid(child.pid, os.WNOHANG)
    return found


def _survivor(process: Process) -> Survivor:
    try:
        wchan = Path(f"{tree.PROC}/{process.pid}/wchan").read_text("ascii")
    except OSError:
        wchan = ""
    return Survivor(process.pid, process.state, wchan)
