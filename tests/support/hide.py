"""Run a program on a machine that lacks something: hide.py [--namespaces] [--landlock] [--bwrap] -- ARGV...

The kernel refuses, to it and to all that it starts, what a hardened machine refuses: user namespaces, Landlock. Done
by a system call filter that no child can take off. Bubblewrap is covered by an empty file, in a mount namespace.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import shutil
import struct
from collections.abc import Iterable
from pathlib import Path

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16
NEWUSER, NEWNS, BIND = 0x10000000, 0x20000, 0x1000
UNSHARE, CLONE = {"x86_64": (272, 56), "aarch64": (97, 220)}.get(os.uname().machine, (97, 220))
CLONE3, LANDLOCK = 435, (444, 445, 446)


def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def refusing(number: int, error: int) -> bytes:
    """A call refused whatever its arguments: three steps."""
    return step(LOAD, NUMBER) + step(EQUAL, number, 0, 1) + step(RETURN, REFUSE | error)


def refusing_with(number: int, flags: int, error: int) -> bytes:
    """A call refused if its first argument has a flag: five steps."""
    return (
        step(LOAD, NUMBER)
        + step(EQUAL, number, 0, 3)
        + step(LOAD, FIRST_ARGUMENT)
        + step(SET, flags, 0, 1)
        + step(RETURN, REFUSE | error)
    )


def refuse(*, namespaces: bool, landlock: bool) -> None:
    steps = b""
    if namespaces:
        steps += refusing(
            CLONE3, errno.ENOSYS
        )  # its flags lie in memory, where no filter looks; libraries then use clone
        steps += b"".join(refusing_with(number, NEWUSER, errno.EPERM) for number in (UNSHARE, CLONE))
    if landlock:
        steps += b"".join(refusing(number, errno.EOPNOTSUPP) for number in LANDLOCK)
    steps += step(RETURN, ALLOW)
    libc = ctypes.CDLL(None, use_errno=True)
    room = ctypes.create_string_buffer(steps)
    program = struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(room))
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)):
        if libc.prctl(*call, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


def cover(programs: Iterable[Path]) -> None:
    """Nobody below this process finds them; the same user as before, in a user namespace that allows the mounts."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEWUSER | NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)
    for program in programs:
        if libc.mount(b"/dev/null", os.fsencode(program), None, ctypes.c_ulong(BIND), None):
            raise OSError(ctypes.get_errno(), f"mount over {program}")


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("namespaces", "landlock", "bwrap"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    if options.bwrap:
        cover(program for name in ("/usr/bin", "/bin", "/usr/local/bin") if (program := Path(name, "bwrap")).exists())
    refuse(namespaces=options.namespaces, landlock=options.landlock)
    os.execv(shutil.which(options.argv[0]) or options.argv[0], options.argv)


main()
