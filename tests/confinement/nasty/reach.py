"""Every way to touch a process that is not one's own, and what belongs to it.

World: `victims` (a list of pids, one for each way, all alike: each has MARK in its environment and memory),
`queue` (key of a shared memory segment that begins with MARK), `own`. Who is hit is seen from outside; what is read
counts only if it holds the mark.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import struct
from functools import partial

from kernel import checked, libc, syscall

MARK = b"-".join((b"quarterdeck", b"victim", b"mark"))  # in one piece it would be found in this very program
PTRACE_SEIZE, PTRACE_ATTACH = 0x4206, 16
IOPRIO_IDLE = 3 << 13


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def held(data):
    """Refused, unless the mark is in it."""
    if MARK not in data:
        raise OSError("it is not theirs")


def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def kill_by_handle(pid):
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)


def kill_group(pid):
    os.killpg(pid, signal.SIGKILL)


def stop(pid):
    os.kill(pid, signal.SIGSTOP)


def queue_a_signal(pid):
    """With the sender made up."""
    number = int(signal.SIGKILL)
    syscall("rt_sigqueueinfo", pid, number, struct.pack("iii", number, 0, -1) + bytes(116))


def signal_by_a_pipe(pid):
    """The kernel sends it, as owner of a pipe's news: whether it does, only the other one knows."""
    inner, outer = os.pipe()
    fcntl.fcntl(inner, fcntl.F_SETOWN, pid)
    fcntl.fcntl(inner, fcntl.F_SETFL, fcntl.fcntl(inner, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(outer, b".")
    raise OSError("sent, perhaps")


def trace(pid):
    checked(libc.ptrace(PTRACE_SEIZE, pid, 0, 0))


def attach(pid):
    checked(libc.ptrace(PTRACE_ATTACH, pid, 0, 0))


def places_of(pid):
    """The memory that it may write, as (from, to)."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return [tuple(int(end, 16) for end in row[0].split("-")) for row in rows if row[1].startswith("rw")]


def find(pid, take):
    for start, end in places_of(pid):
        data = take(start, min(end - start, 4 << 20))
        if MARK in data:
            return start + data.index(MARK)
    raise OSError("it is not theirs")


def read_memory(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        find(pid, lambda start, size: os.pread(memory.fileno(), size, start))


def write_memory(pid):
    with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
        place = find(pid, lambda start, size: os.pread(memory.fileno(), size, start))
        os.pwrite(memory.fileno(), MARK, place)


def read_memory_by_call(pid):
    def take(start, size):
        room = ctypes.create_string_buffer(size)
        here, there = Vector(ctypes.addressof(room), size), Vector(start, size)
        syscall("process_vm_readv", pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        return room.raw

    find(pid, take)


def environment(pid):
    held(read(f"/proc/{pid}/environ"))


def arguments(pid):
    held(read(f"/proc/{pid}/cmdline"))


def descriptors(pid):
    held(b"".join(read(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd") if name not in "012"))


def take_a_descriptor(pid):
    syscall("pidfd_getfd", os.pidfd_open(pid), 0, 0)


def root(pid):
    os.listdir(f"/proc/{pid}/root/")


def folder(pid):
    held(read(f"/proc/{pid}/cwd/marked"))


def enter(kind, pid):
    """setns(2) to where it is."""
    path = f"/proc/{pid}/ns/{kind}"
    before = os.readlink(f"/proc/self/ns/{kind}")
    handle = os.open(path, os.O_RDONLY)
    there = os.readlink(path)
    checked(libc.setns(handle, 0))
    if kind != "pid" and (os.readlink(f"/proc/self/ns/{kind}") != there or there == before):
        raise OSError("it is our own")


def enter_by_handle(pid):
    checked(libc.setns(os.pidfd_open(pid), 0x20000))


def limit(pid):
    syscall("prlimit64", pid, resource.RLIMIT_NOFILE, struct.pack("QQ", 32, 32), 0)


def nicer(pid):
    os.setpriority(os.PRIO_PROCESS, pid, 19)


def pin(pid):
    os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})


def schedule(pid):
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def last_in_line(pid):
    syscall("ioprio_set", 1, pid, IOPRIO_IDLE)


def first_to_die(pid):
    with open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def shared_memory(key):
    """System V shared memory, which has no path."""
    place = libc.shmat(checked(libc.shmget(key, 0, 0)), None, 0o10000)
    if place == ctypes.c_void_p(-1).value:
        checked(-1)
    held(ctypes.string_at(place, 64))


BY_PID = [
    kill, kill_by_handle, kill_group, stop, queue_a_signal, signal_by_a_pipe, trace, attach, read_memory, write_memory,
    read_memory_by_call, environment, arguments, descriptors, take_a_descriptor, root, folder, enter_by_handle, limit,
    nicer, pin, schedule, last_in_line, first_to_die,
]  # fmt: skip
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "user")


def attempts(world):
    ways = {act.__name__: act for act in BY_PID} | {f"enter {kind}": partial(enter, kind) for kind in NAMESPACES}
    for (name, act), pid in zip(ways.items(), world["victims"], strict=False):
        yield name, partial(act, pid)
    yield "shared memory", partial(shared_memory, world["queue"])
