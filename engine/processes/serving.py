"""The loop of a keeper: one program at a time, and nothing outlives it.

Whatever a program leaves behind becomes a child of the process this runs in and cannot hide: not by a double fork, not
by a new session, not by an empty environment. That process is a subreaper, or the first of a pid namespace. A program
has ended when its main process was reaped *and* `waitpid` says ECHILD; only then is that reported. End-of-file on the
control socket means that the engine is dead: kill all, exit.

It never runs an agent's code in its own process, starts no thread, blocks on nothing but `poll`, and imports next to
nothing (`_socket` instead of `socket` halves its start). Where the system knows no subreaper it can only kill process
groups; the engine says so in every proof.

Asked          run NICE CWD PATH ARGC ARG.. ENVC ENV..  (with descriptors 0, 1, 2) | clear N FOLDER.. (the same)
               | kill | term | pause | resume | measure
Answers        ready SUBREAPER (with the namespace's /proc and its listening sockets, where there is one)
               | started PID START | failed ERRNO WHAT [WHY] | exited STATUS LEFTOVERS | killed N | frozen N AWAKE
               | resumed N | termed N | measured N BYTES TICKS
"""

from __future__ import annotations

import _socket
import os
import select
import sys
import time

from engine.processes import clearing, spawning, tree, wire
from engine.processes.confinement.inside import Refused
from engine.processes.wakeups import CHUNK, deaths, drain

TYPE_CHECKING = False  # importing `typing` for it would cost more than this whole module
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable, Sequence
else:
    import _signal as signal  # the enums of `signal` would be a third of a start

INT = 4  # bytes of a descriptor in a control message
FREEZE_SECONDS = 0.5
PATIENCE_MS = 20
LINUX = sys.platform == "linux"


class Keeper:
    """The loop: requests, deaths, and a tree that is being felled.

    `confine` is called in each new process before the program is there. `alone`: this is the first process of a pid
    namespace, and reaches all others in it by one call. `above` is readable once who watches over this one is gone.
    """

    def __init__(
        self,
        control: _socket.socket,
        confine: Callable[[], None] | None = None,
        *,
        alone: bool = False,
        above: int = -1,
    ) -> None:
        self.control = control
        self.confine, self.alone, self.above = confine, alone, above
        self.way = spawning.confined(confine) if confine else spawning.plainly
        self.unpacker = wire.Unpacker()
        self.descriptors: list[int] = []
        self.main = 0  # pid of the program's main process until it is reaped
        self.running = False  # from the start of a program until its whole tree is gone
        self.identity = (0, 0)  # of that process, for as long as the program runs
        self.status = 0
        self.killing = False
        self.kills = 0  # requests to answer once nothing is left
        self.orphaned = False  # the engine is gone
        self.victims: set[tuple[int, int]] = set()
        self.frozen: dict[tuple[int, int], tree.Process] = {}
        self.patience = 1

    def serve(self, handing: Sequence[int] = ()) -> None:
        """Until the engine is gone and nothing is left. The descriptors `handing` go to the engine first."""
        wakeup = deaths()
        poll = select.poll()
        poll.register(wakeup, select.POLLIN)
        poll.register(self.control.fileno(), select.POLLIN)
        if self.above >= 0:
            poll.register(self.above, select.POLLIN)
        self.welcome(handing)
        _close(handing)
        while not (self.orphaned and not self.killing):
            ready = poll.poll(self.patience if self.killing else None)
            for descriptor, _ in ready:
                if descriptor == wakeup:
                    drain(wakeup)
                elif descriptor == self.above or not self.hear():
                    poll.unregister(descriptor)
                    self.orphaned = True
                    self.kill()
            self.reap()

    def welcome(self, handing: Sequence[int]) -> None:
        """Say that programs can be run."""
        frame = wire.pack(b"ready", b"%d" % (self.alone or tree.become_subreaper()))
        rights = b"".join(handle.to_bytes(INT, sys.byteorder) for handle in handing)
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)] if handing else []
        try:
            self.control.sendmsg([frame], ancillary)
        except OSError:
            pass  # a dead engine is noticed where we listen

    def hear(self) -> bool:
        """Read and obey what arrived. False once the engine is gone."""
        try:
            data, ancillary, _, _ = self.control.recvmsg(CHUNK, _socket.CMSG_SPACE(3 * INT))
        except BlockingIOError:
            return True
        except OSError:
            data, ancillary = b"", []
        for _, _, content in ancillary:
            for place in range(0, len(content) - INT + 1, INT):
                descriptor = int.from_bytes(content[place : place + INT], sys.byteorder)
                os.set_inheritable(descriptor, False)  # noqa: FBT003  takes no keyword
                self.descriptors.append(descriptor)
        if not data:
            return False
        for frame in self.unpacker.feed(data):
            self.obey(frame)
        return True

    def obey(self, frame: list[bytes]) -> None:
        """Carry out one request."""
        verb, *fields = frame
        if verb == b"run":
            self.run(fields)
        elif verb == b"clear":
            self.clear(fields)
        elif verb == b"kill":
            self.kills += 1
            self.kill()
        elif verb == b"term":
            self.answer(b"termed", b"%d" % self.terminate())
        elif verb == b"pause":
            self.answer(b"frozen", *(b"%d" % number for number in self.pause()))
        elif verb == b"resume":
            self.answer(b"resumed", b"%d" % self.resume())
        elif verb == b"measure":
            self.answer(b"measured", *(b"%d" % number for number in self.measure()))

    def run(self, fields: list[bytes]) -> None:
        """Start a program in a session of its own, with the three descriptors that came along."""
        nice, folder, path, *rest = fields
        count = int(rest[0])
        argv, variables = rest[1 : count + 1], rest[count + 2 :]
        env = dict(variable.split(b"=", 1) for variable in variables)
        what = b"folder"
        handles, self.descriptors = self.descriptors, []
        try:
            os.chdir(folder)
            what = b"program"
            pid = self.way(path, argv, env, handles)
        except Refused as error:
            self.answer(b"failed", b"0", b"confinement", str(error).encode())
        except OSError as error:
            self.answer(b"failed", b"%d" % (error.errno or 0), what)
        else:
            self.begin(pid, int(nice))
        finally:
            _close(handles)
            os.chdir("/")

    def clear(self, fields: list[bytes]) -> None:
        """Empty folders, in a process of its own: it may take long, and is killed like any program."""
        handles, self.descriptors = self.descriptors, []
        try:
            pid = spawning.forked(lambda telling: _clear(fields[1:], telling), handles, self.confine)
        except Refused as error:
            self.answer(b"failed", b"0", b"confinement", str(error).encode())
        except OSError as error:
            self.answer(b"failed", b"%d" % (error.errno or 0), b"program")
        else:
            self.begin(pid, 0)
        finally:
            _close(handles)

    def begin(self, pid: int, nice: int) -> None:
        """A program has been started."""
        self.main, self.running, self.status = pid, True, 0
        self.victims.clear()
        self.frozen.clear()
        if nice:
            try:
                os.setpriority(os.PRIO_PGRP, pid, os.getpriority(os.PRIO_PROCESS, 0) + nice)
            except OSError:
                pass  # not allowed to be nicer to it than the user may
        process = tree.look(pid)
        self.identity = process.key if process else (pid, 0)
        self.answer(b"started", b"%d" % pid, b"%d" % self.identity[1])

    def kill(self) -> None:
        """Begin to fell the tree; `reap` goes on with it until nothing is left."""
        self.killing, self.patience = True, 1
        self.frozen.clear()
        self.strike()

    def strike(self) -> None:
        """SIGKILL to everything below, and to the groups of our own children: a group dies before it can fork."""
        found = tree.below(os.getpid())
        self.victims.update(process.key for process in found if process.alive)
        if self.alone:
            _quietly(os.kill, -1, signal.SIGKILL)  # all in the namespace but us, at one instant
            return
        me = os.getpid()
        ours = {process.group for process in found if process.parent == me}
        if self.main:
            ours.add(self.main)
        for group in ours - {0, os.getpgid(0)}:
            # Safe although groups have no handle: the child that is in it is not reaped yet, which pins the number.
            _quietly(os.killpg, group, signal.SIGKILL)
        for process in found:
            if process.parent == me:
                _quietly(os.kill, process.pid, signal.SIGKILL)
            elif process.alive:
                tree.send(process, signal.SIGKILL)

    def reap(self) -> None:
        """Read every death; once the main process is dead, whatever it left dies too."""
        empty = self.collect()
        while self.killing and not empty:
            before = len(self.victims)
            self.strike()
            empty = self.collect()
            if not empty and len(self.victims) == before:
                self.patience = min(self.patience * 2, PATIENCE_MS)  # nobody new: the kernel is tearing them down
                return
            self.patience = 1
        if empty:
            self.finish()

    def collect(self) -> bool:
        """Reap all that is dead. True when no child is left: the kernel's own word."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid == self.main:
                self.main, self.status = 0, status
                if not self.killing:
                    self.victims.clear()
                    self.killing, self.patience = True, 1

    def finish(self) -> None:
        """Nothing is left: say what ended."""
        count = len(self.victims)
        if self.running:
            self.running = False
            self.answer(b"exited", b"%d" % self.status, b"%d" % len(self.victims - {self.identity}))
        while self.kills:
            self.kills -= 1
            self.answer(b"killed", b"%d" % count)
        self.killing = False
        self.victims.clear()

    def terminate(self) -> int:
        """SIGTERM to everything below, awake so that it can act on it."""
        found = [process for process in tree.below(os.getpid()) if process.alive]
        sent = sum(tree.send(process, signal.SIGTERM) for process in found)
        self.signal_group(signal.SIGTERM)
        self.resume()
        return sent

    def pause(self) -> tuple[int, int]:
        """SIGSTOP until a walk finds nobody awake and nobody new: how many there are, and how many would not sleep.

        Nobody new, nor newly dead: who died since it was listed may have left a child that was not. Only whom we
        stopped is remembered, so that a job that had stopped itself stays stopped when we resume.
        """
        began = time.monotonic()
        known: set[tuple[tuple[int, int], bool]] = set()
        self.signal_group(signal.SIGSTOP)
        while True:
            walked = tree.below(os.getpid())
            found = [process for process in walked if process.alive]
            awake = {process.pid: process for process in found if not process.stopped}
            fresh = {(process.key, process.alive) for process in walked} - known
            seconds = time.monotonic() - began
            if not (awake or fresh) or seconds > FREEZE_SECONDS:
                return len(found), len(awake)
            known |= fresh
            for process in awake.values():
                # A parent sleeps before its child does, else it sees a stopped child: shells then say "Stopped".
                if process.parent not in awake or seconds > FREEZE_SECONDS / 2:
                    self.stop(process)
            self.collect()

    def stop(self, process: tree.Process) -> None:
        """SIGSTOP, to be undone by `resume`."""
        if tree.send(process, signal.SIGSTOP):
            self.frozen[process.key] = process

    def resume(self) -> int:
        """SIGCONT to whom we stopped, children first: a shell then never sees a stopped child."""
        frozen, self.frozen = self.frozen, {}
        self.signal_group(signal.SIGCONT)
        return sum(tree.send(process, signal.SIGCONT) for process in reversed(frozen.values()))

    def measure(self) -> tuple[int, int, int]:
        """How many processes there are, their memory (pages they share are counted for each), their ticks.

        Threads and zombies count as processes, as they do where the kernel limits them.
        """
        found = tree.below(os.getpid())
        threads, pages = sum(process.threads for process in found), sum(process.pages for process in found)
        return threads, pages * os.sysconf("SC_PAGESIZE"), sum(process.ticks for process in found)

    def signal_group(self, number: int) -> None:
        """Where there is no /proc to walk, the program's own group is all that can be reached."""
        if self.main and not LINUX:
            _quietly(os.killpg, self.main, number)

    def answer(self, *fields: bytes) -> None:
        """Tell the engine; a dead one is noticed where we listen."""
        frame = wire.pack(*fields)
        try:
            self.control.send(frame)
        except OSError:
            pass


def _quietly(act: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        act(pid, number)
    except OSError:
        pass


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        os.close(handle)


def _clear(folders: list[bytes], telling: int) -> None:
    os.close(telling)
    try:
        clearing.empty(folders)
    except OSError as error:
        os.write(2, str(error).encode())
        os._exit(1)
