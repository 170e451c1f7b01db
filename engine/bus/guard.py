"""Stands over a broker: runs it as its only child and kills it when the engine is gone. Light, and knows no MQTT.

The engine holds the other end of this process's standard input and writes nothing to it: end-of-file means that the
engine ended, in order or by SIGKILL. On Linux the kernel also kills the broker if this process dies first.
"""

from __future__ import annotations

import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1
GRACE_MS = 1000
CANNOT = 127


def main(argv: list[str]) -> int:
    """Run `argv` until it ends or standard input does; its exit status, as a shell tells it."""
    os.umask(0o077)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal of whoever started the engine
    child = _start(argv)
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    poll.register(wake, select.POLLIN)
    ready = [fd for fd, _ in poll.poll()]
    if 0 in ready:
        os.kill(child, signal.SIGTERM)
        poll.unregister(0)
        poll.poll(GRACE_MS)
        os.kill(child, signal.SIGKILL)  # not reaped yet, so it is still ours
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _start(argv: list[str]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        _die_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.execv(argv[0], argv)  # noqa: S606  no shell is wanted
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(CANNOT)


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(CANNOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
