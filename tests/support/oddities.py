"""More families for `nasty.py`, each with a trick of its own: threads without a leader, calls that block, foreign init.

Loaded by it when a kind is none of its own; run by name, like those.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

from nasty import END, child, goes_on, wait_forever

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 4, 15, 36
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SEIZE = 0, 7, 0x4206
CLONE_NEWPID, CLONE_NEWUSER = 0x20000000, 0x10000000
EXIT = {"x86_64": 60, "aarch64": 93}
"""The number of `exit`, which ends one thread, where `exit_group` would end them all."""

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, argument):
    libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0)


def detached(act):
    """Run `act` in a daemon: nobody's child, in a session of its own."""

    def first():
        os.setsid()
        child(act)

    os.waitpid(child(first), 0)


def headless(options, gate):
    """The leader of the thread group has ended, and shows as a zombie; its other thread computes and forks."""

    def work():
        gate.stand()
        while goes_on():
            os.waitpid(child(lambda: None), 0)
            time.sleep(0.002)
        os._exit(0)

    def act():
        threading.Thread(target=work).start()
        libc.syscall(EXIT[os.uname().machine], 0)

    for _ in range(options.number):
        detached(act)
    gate.wait(options.number)


def threads_that_exec(options, gate):
    """Threads fork, and one that is not the leader executes another program, which takes the leader's place."""
    code = f"import os,signal\nos.write({gate.write_end}, b'.')\nsignal.alarm(300)\nwhile True: signal.pause()"
    os.set_inheritable(gate.write_end, True)  # noqa: FBT003  takes no keyword

    def act():
        threading.Thread(target=lambda: child(lambda: (gate.stand(), wait_forever()))).start()
        threading.Thread(target=lambda: os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code], {})).start()
        wait_forever()

    for _ in range(options.number):
        child(act)
    gate.wait(2 * options.number)


def blocked_in_vfork(options, gate):
    """A parent waits in the kernel for a child that opens a pipe nobody reads, before it executes anything."""
    pipe = f"{options.oracle}.vfork{os.getpid()}"
    os.mkfifo(pipe)
    action = (os.POSIX_SPAWN_OPEN, 9, pipe, os.O_RDONLY, 0)

    def act():
        gate.stand()
        os.posix_spawn("/bin/true", ["true"], {}, file_actions=[action])

    for _ in range(options.number):
        child(act)
    gate.wait(options.number)


def relay(options, gate):
    """Each body starts the next by vfork and exec, in a new session, and ends."""
    code = (
        "import os,sys,time\nhandle,end=map(int,sys.argv[1:])\n"
        "if handle >= 0: os.write(handle, b'.')\n"
        "argv=[*sys.orig_argv[:-2], '-1', str(end)]\n"
        "if time.monotonic() < end: os.posix_spawn(sys.executable, argv, {}, setsid=True)\n"
    )
    os.set_inheritable(gate.write_end, True)  # noqa: FBT003  as above
    argv = [sys.executable, "-I", "-S", "-c", code, str(gate.write_end), str(int(END))]
    for _ in range(options.number):
        os.posix_spawn(sys.executable, argv, {}, setsid=True)
    gate.wait(options.number)


def own_reaper(options, gate):
    """A child collects the orphans of the family, so that they never come to whoever watches it."""

    def act():
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        os.setsid()
        for _ in range(options.number):
            detached(lambda: (gate.stand(), wait_forever()))
        wait_forever()

    child(act)
    gate.wait(options.number)


def nested(options, gate):
    """Daemons below an init of their own, in namespaces of their own; without them where that is refused."""

    def init():
        for _ in range(options.number):
            detached(lambda: (gate.stand(), wait_forever()))
        wait_forever()

    def act():
        libc.unshare(CLONE_NEWUSER | CLONE_NEWPID)
        os.setsid()
        child(init)
        wait_forever()

    child(act)
    gate.wait(options.number)


def from_memory(options, gate):
    """A program that is in no file system: a copy of `sleep` in anonymous memory."""
    memory = os.memfd_create("x")
    with open("/bin/sleep", "rb") as program:  # noqa: PTH123
        os.write(memory, program.read())

    def act():
        gate.stand()
        os.execve(memory, ["", "300"], {})

    detached(act)
    gate.wait(1)


def unreadable(options, gate):
    """Not dumpable, so that /proc/PID belongs to root, and named so that a careless reader of `stat` is misled."""

    def act():
        prctl(PR_SET_DUMPABLE, 0)
        name = ctypes.create_string_buffer(b"x) Z 1 1 1 (\n)")
        libc.prctl(PR_SET_NAME, name, 0, 0, 0)
        gate.stand()
        wait_forever()

    for _ in range(options.number):
        detached(act)
    gate.wait(options.number)


def traced(options, gate):
    """Children that stop for a tracer that never looks."""

    def act():
        libc.ptrace(PTRACE_TRACEME, 0, 0, 0)
        gate.stand()
        os.kill(os.getpid(), signal.SIGSTOP)
        wait_forever()

    def tracer():
        os.setsid()
        for _ in range(options.number):
            child(act)
        wait_forever()

    child(tracer)
    gate.wait(options.number)


def against_the_parent(number):
    """Everything above the family is signalled, as far as it lets itself be."""

    def act(options, gate):
        for pid in {os.getppid(), 1} - {os.getpid()}:
            if pid != 1 or os.getppid() == 1:  # the machine's own init is not ours to try
                try:
                    os.kill(pid, number)
                except OSError:
                    pass
        detached(lambda: (gate.stand(), wait_forever()))
        gate.wait(1)

    return act


def without_descriptors(options, gate):
    """Daemons that have closed all they were given but the oracle, and have died once by their parent's death."""

    def act():
        prctl(PR_SET_PDEATHSIG, signal.SIGCONT)
        gate.stand()
        os.closerange(0, options.handle)
        os.closerange(options.handle + 1, 4096)
        wait_forever()

    for _ in range(options.number):
        detached(act)
    gate.wait(options.number)


def dies_and_returns(options, gate):
    """The more of them are killed the more there are: each has a guard that forks twice when it dies."""

    def guard(depth):
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ward = child(lambda: (gate.stand(), wait_forever()))
        while depth:
            os.waitpid(ward, 0)
            for _ in range(2):
                ward = child(lambda: guard(depth - 1))
            time.sleep(0.001)
        wait_forever()

    for _ in range(options.number):
        child(lambda: guard(6))
    gate.wait(options.number)


KINDS = {
    "headless": headless,
    "threads-that-exec": threads_that_exec,
    "blocked-in-vfork": blocked_in_vfork,
    "relay": relay,
    "own-reaper": own_reaper,
    "nested": nested,
    "from-memory": from_memory,
    "unreadable": unreadable,
    "traced": traced,
    "stops-its-parent": against_the_parent(signal.SIGSTOP),
    "kills-its-parent": against_the_parent(signal.SIGKILL),
    "without-descriptors": without_descriptors,
    "dies-and-returns": dies_and_returns,
}
