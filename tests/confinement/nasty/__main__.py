"""Attempts from inside: `python -I -S nasty GROUP WORLD`, with the world as JSON. A line of JSON for each attempt.

    [name, true, ""]            it came through, as far as it can tell from inside
    [name, false, "EACCES: …"]  it was refused, or had no effect

Each runs in a process of its own that ends with it, so that none spoils the next: not by a chroot, not by a hang.
What really happened is for the outside to say.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import sys

PATIENCE = 5


def tried(act):
    """Whether it came through, and what the kernel said if not."""
    try:
        act()
    except OSError as error:
        return [False, f"{errno.errorcode.get(error.errno, error.errno)}: {error}"]
    except Exception as error:  # noqa: BLE001  whatever it is, it did not come through
        return [False, f"{type(error).__name__}: {error}"]
    return [True, ""]


def apart(act):
    """The outcome of `act` in a child; one that hangs, or dies of it, was refused."""
    inner, outer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(inner)
        signal.alarm(PATIENCE)
        os.write(outer, json.dumps(tried(act)).encode())
        os._exit(0)
    os.close(outer)
    said = b""
    while part := os.read(inner, 65536):
        said += part
    os.close(inner)
    _, status = os.waitpid(pid, 0)
    return json.loads(said) if said else [False, f"ended with {os.waitstatus_to_exitcode(status)}"]


def main():
    group, world = importlib.import_module(sys.argv[1]), json.loads(sys.argv[2])
    for name, act in group.attempts(world):
        print(json.dumps([name, *apart(act)]), flush=True)


main()
