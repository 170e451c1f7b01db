"""Process trees as the kernel tells them: who is below a process, and a signal that cannot hit a stranger.

Linux only in effect: without /proc there is nothing to read, and every function says "nothing found". A process is
known by its pid *and* its start time (field 22 of /proc/PID/stat); a pid alone is never trusted, since it may have
been given to somebody else. Light imports: a keeper process loads this at each start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable
else:
    import _signal as signal  # the enums of `signal` would be a third of a start

PROC = "/proc"
NONCE = "QUARTERDECK_KEEPER"
"""The variable that every keeper and every program gets, so that they can be found by it."""
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
_VANISHED = [b"X"] + [b"0"] * 21


class Process:
    """One line of /proc/PID/stat. `start` is in clock ticks since boot, `ticks` the CPU time used so far.

    `pages` is the memory it has at the moment, `threads` what it takes of a limit on processes.
    """

    __slots__ = ("group", "pages", "parent", "pid", "session", "start", "state", "threads", "ticks")

    def __init__(self, pid: int, fields: list[bytes]) -> None:
        self.pid = pid
        self.state = fields[0].decode()
        self.parent, self.group, self.session = (int(field) for field in fields[1:4])
        self.ticks = int(fields[11]) + int(fields[12])
        self.threads = int(fields[17])
        self.start, self.pages = int(fields[19]), int(fields[21])

    @property
    def alive(self) -> bool:
        """Whether it may still run: a zombie only waits to be read by its parent."""
        return self.state not in "ZXx"

    @property
    def stopped(self) -> bool:
        """Whether it is stopped by a signal or a tracer."""
        return self.state in "Tt"

    @property
    def key(self) -> tuple[int, int]:
        """What no other process since boot has had: pid and start time."""
        return self.pid, self.start


def look(pid: int) -> Process | None:
    """The process as it is now; None where there is none (or no /proc)."""
    try:
        data = _read(f"{PROC}/{pid}/stat")
    except OSError:
        return None
    process = Process(pid, data[data.rindex(b")") + 2 :].split())
    if process.state == "Z" and process.threads > 1:
        process.state = _state_of_threads(pid)
    return process


def _state_of_threads(pid: int) -> str:
    """Of one whose first thread has ended, which alone shows it as dead: that of a thread which still runs."""
    try:
        states = {_state(pid, thread) for thread in os.listdir(f"{PROC}/{pid}/task")}  # noqa: PTH208  pathlib costs a keeper its start-up time
    except OSError:
        return "X"
    return min(states - set("ZXxTt"), default=min(states - set("ZXx"), default="Z"))


def _state(pid: int, thread: str) -> str:
    try:
        data = _read(f"{PROC}/{pid}/task/{thread}/stat")
    except OSError:
        return "X"
    return data[data.rindex(b")") + 2 :][:1].decode()


def children(pid: int) -> list[int]:
    """The direct children of every thread of `pid`, zombies included; empty when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"{PROC}/{pid}/task"):  # noqa: PTH208  pathlib costs a keeper its start-up time
            found += map(int, _read(f"{PROC}/{pid}/task/{thread}/children").split())
    except OSError:
        pass  # the thread or the process ended while we read
    return found


def below(root: int, skip: Iterable[int] = ()) -> list[Process]:
    """Everything that descends from `root`, without it, parents before children, zombies included.

    One that was listed and is gone a moment later is in it as well (state X): what it started meanwhile is not. Not
    those in `skip`, which the caller knows to be zombies that cannot have been reaped.
    """
    found: list[Process] = []
    seen = {root, *skip}
    level = [root]
    while level:
        fresh = [child for pid in level for child in children(pid) if child not in seen]
        seen.update(fresh)
        found += [look(pid) or Process(pid, _VANISHED) for pid in fresh]
        level = fresh
    return found


def ancestors(pid: int) -> list[int]:
    """The pids of its parent, the parent of that, and so on."""
    found: list[int] = []
    process = look(pid)
    while process and process.parent and process.parent not in found:
        found.append(process.parent)
        process = look(process.parent)
    return found


def innermost(pid: int) -> int:
    """The pid of process `pid` in the namespace it lives in; 0 when it is gone."""
    try:
        status = _read(f"{PROC}/{pid}/status")
    except OSError:
        return 0
    found = next((line for line in status.splitlines() if line.startswith(b"NSpid:")), b"0")
    return int(found.split()[-1])


def everybody() -> set[int]:
    """The pids of all processes there are."""
    try:
        return {int(name) for name in os.listdir(PROC) if name.isdigit()}  # noqa: PTH208  as before
    except OSError:
        return set()


def variables(pid: int) -> list[bytes]:
    """The environment that `pid` was started with; empty when it is gone, or another user's."""
    try:
        return _read(f"{PROC}/{pid}/environ").split(b"\0")
    except OSError:
        return []


def send(process: Process, number: int) -> bool:
    """Signal exactly this process. False when it is gone, or its pid belongs to somebody else by now."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        now = look(process.pid)  # read after opening: the handle cannot move to another process any more
        if now is None or now.start != process.start:
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def become_subreaper() -> bool:
    """Have the orphans of all descendants come to this process. False where the system cannot (macOS)."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def become_unreadable() -> bool:
    """Close our memory and environment to other processes of the same user. False where the system cannot (macOS).

    It ends with an exec: what we start is as open as ever.
    """
    return _prctl(PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> bool:
    import ctypes  # noqa: PLC0415  most who import this module never ask

    try:
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(handle, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)
