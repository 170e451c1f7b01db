"""Attempts on one's own init (or keeper): the parent that a program finds above it. Nothing may come through.

World: `own`. Only for a program inside a pid namespace of its own; elsewhere its parent is for `against_the_parent`.
"""

from __future__ import annotations

import os
import signal
from functools import partial

import reach
from kernel import checked, libc, syscall


def listed(path):
    os.listdir(path)


def linked(path):
    os.readlink(path)


def gone(number):
    """Signalled, and was it of any use? An init hears only what it has a handler for."""
    os.kill(1, number)
    raise OSError("it does not hear")


def all_at_once():
    """Everybody but init and oneself: the family is ours to kill, and nobody else is there."""
    os.kill(-1, signal.SIGCONT)
    strangers = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    if any(parent_of(pid) is None for pid in strangers):
        return
    raise OSError("there is nobody but us")


def parent_of(pid):
    """None for a process whose parent is outside, which only init may be."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            parent = int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 1
    return parent if parent or pid == 1 else None


def wrote(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def attempts(_):
    for name in ("map_files", "root/"):
        yield f"list {name}", partial(listed, f"/proc/1/{name}")
    for name in ("cwd", "root", "exe", "ns/mnt", "ns/net", "fd/0", "fd/3"):
        yield f"follow {name}", partial(linked, f"/proc/1/{name}")
    for name in ("environ", "mem", "maps", "auxv", "fd/0", "fd/3", "fd/4", "fd/5", "stack", "syscall"):
        yield f"read {name}", partial(reach.read, f"/proc/1/{name}")
    for name, text in (("mem", "x"), ("comm", "x"), ("timerslack_ns", "1"), ("oom_score_adj", "-1000")):
        yield f"write {name}", partial(wrote, f"/proc/1/{name}", text)
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1):
        yield f"signal {number.name}", partial(gone, number)
    yield "signal everybody", all_at_once
    yield "trace", partial(reach.trace, 1)
    yield "attach", partial(reach.attach, 1)
    yield "take its control socket", lambda: syscall("pidfd_getfd", os.pidfd_open(1), 3, 0)
    yield "be its tracer, and its end", lambda: checked(libc.ptrace(0x4206, 1, 0, 1 << 20))
