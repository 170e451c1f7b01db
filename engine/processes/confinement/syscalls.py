"""The system calls of confinement, by ctypes: each does one thing or raises Refused with what was tried.

Linux only in effect, and nothing happens on import but the loading of ctypes: a keeper process needs it anyway.
Numbers of system calls above 424 are the same on all architectures.
"""

from __future__ import annotations

import ctypes
import os

from engine.processes.confinement.inside import Refused

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x20, 0x1000, 0x4000, 0x40000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 0x1, 0x2, 0x4
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
SYS_MOUNT_SETATTR = 442
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}
KEYCTL_JOIN_SESSION_KEYRING = 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 4, 23, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES, CAP_SETPCAP = 64, 1 << 8

_libc = ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """What the kernel answered; -1 and `ctypes.get_errno()` where it refused."""
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    return int(_libc.syscall(ctypes.c_long(number), *wide))


def unshare(flags: int, tried: str) -> None:
    """Leave namespaces for new ones. Raises Refused."""
    _check(_libc.unshare(ctypes.c_int(flags)), tried)


def mount(
    source: bytes | None, target: bytes, kind: bytes | None, flags: int, tried: str, *, data: bytes = b""
) -> None:
    """The system call of that name. Raises Refused."""
    _check(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data or None), tried)


def set_attributes(handle: int, tried: str, *, add: int = 0, clear: int = 0, recursive: bool = False) -> bool:
    """mount_setattr(2) on the mount whose root `handle` is. False where the kernel has no such call (before 5.12)."""
    attributes = b"".join(value.to_bytes(8, "little") for value in (add, clear, 0, 0))
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    if syscall(SYS_MOUNT_SETATTR, handle, b"", flags, attributes, len(attributes)) == 0:
        return True
    if ctypes.get_errno() in (38, 1) and not _has_mount_setattr():
        return False
    raise Refused(tried, ctypes.get_errno())


def prctl(option: int, value: int, tried: str, third: int = 0) -> int:
    """The system call of that name. Raises Refused."""
    words = (ctypes.c_ulong(word) for word in (value, third, 0, 0))
    return _check(_libc.prctl(ctypes.c_int(option), *words), tried)


def die_with_parent() -> None:
    """SIGKILL to us when the thread that forked us ends; a change of user or user namespace would clear it."""
    prctl(PR_SET_PDEATHSIG, 9, "binding the sandbox to its keeper")


def drop_rights() -> None:
    """No capability now or after any exec, no setuid effect, no keys of the session. Raises Refused."""
    join_new_keyring()
    if capabilities() & CAP_SETPCAP:  # without it the bounding set stays, and gives nothing to who has nothing
        _empty_bounding_set()
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    _check(_libc.capset(header, bytes(24)), "dropping all capabilities")
    prctl(PR_SET_NO_NEW_PRIVS, 1, "forbidding new privileges")


def hide_memory() -> None:
    """Nobody may trace us or look into our /proc, not even who runs as the same user."""
    prctl(PR_SET_DUMPABLE, 0, "closing the memory of the sandbox's first process")


def capabilities() -> int:
    """The capabilities that are permitted now, as a bit mask."""
    header = CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, data), "reading our capabilities")
    return int.from_bytes(data.raw[4:8], "little") | int.from_bytes(data.raw[16:20], "little") << 32


def _empty_bounding_set() -> None:
    for capability in range(CAPABILITIES):
        if _libc.prctl(PR_CAPBSET_READ, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            return  # the kernel knows no more of them
        prctl(PR_CAPBSET_DROP, capability, "dropping a capability from the bounding set")


def join_new_keyring() -> None:
    """An empty session keyring, where the architecture is known and the kernel has keyrings."""
    if number := SYS_KEYCTL.get(os.uname().machine):
        syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)


def kernel() -> tuple[int, int]:
    """Its version, major and minor."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)


def _has_mount_setattr() -> bool:
    return kernel() >= (5, 12)


def _check(result: int, tried: str) -> int:
    if result < 0:
        raise Refused(tried, ctypes.get_errno())
    return int(result)
