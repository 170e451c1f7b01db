"""Tier basic: Landlock, which a process puts on itself between fork and exec and no child of it can take off.

A ruleset is made once in a keeper and used for all its programs. It only ever allows: all that is not masked may be
read, which is found by listing `/` and descending only where something masked lies below; a folder that had to be
descended into can not be listed by programs. What it does not hold is said in `tiers.HOLES`.
"""

from __future__ import annotations

import ctypes
import os
import stat

from engine.processes.confinement import syscalls
from engine.processes.confinement.covering import walk
from engine.processes.confinement.inside import Refused, Spec
from engine.processes.confinement.seccomp import Filter

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CREATE, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, BENEATH, PORT = 1, 1, 2
LEAST = 4  # before it TCP can not be held, and the way out would be one of many
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
BASE = (1 << 13) - 1
SINCE = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
READ = EXECUTE | READ_FILE | READ_DIR
FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the rights that make sense for a file
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPED_SINCE, SCOPED = 6, 0b11  # abstract sockets and signals stay among the programs themselves
DEVICES = (b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/random", b"/dev/urandom", b"/dev/tty")
SHARED = (b"/dev/shm",)  # semaphores lie there


def version() -> int:
    """The ABI of this kernel; 0 where there is no Landlock or it is switched off."""
    return max(syscalls.syscall(CREATE, None, 0, VERSION_FLAG), 0)


class Ruleset:
    """What the programs of a keeper may do. Raises Refused where the kernel can not hold it."""

    def __init__(self, spec: Spec) -> None:
        self.abi = version()
        if self.abi < LEAST:
            has = f"has Landlock ABI {self.abi}" if self.abi else "has no Landlock"
            raise Refused(f"making a ruleset: the kernel {has}, and ABI {LEAST} is the least that is enough")
        self.rights = BASE
        for since, right in SINCE:
            self.rights |= right if self.abi >= since else 0
        self.filter = Filter(basic=True)
        self.handle = self._create()
        self._allow_ways(spec)
        for port in spec.ports:
            self._add(PORT, _words(CONNECT_TCP, port), f"allowing port {port}")

    def restrict(self) -> None:
        """For good, and for all that we start: no rights, and no more than the ruleset. Raises Refused."""
        syscalls.drop_rights()
        if syscalls.syscall(RESTRICT_SELF, self.handle, 0) < 0:
            raise Refused("putting the ruleset in force", ctypes.get_errno())
        self.filter.install()

    def _create(self) -> int:
        scoped = (SCOPED,) if self.abi >= SCOPED_SINCE else ()
        said = _words(self.rights, BIND_TCP | CONNECT_TCP, *scoped)
        handle = syscalls.syscall(CREATE, said, len(said), 0)
        if handle < 0:
            raise Refused("making a ruleset", ctypes.get_errno())
        return handle

    def _allow_ways(self, spec: Spec) -> None:
        covers = {*spec.masked, b"/dev"}
        for path in visible(b"/", covers, spec.readable):
            self._allow(path, READ)
        for path in (*DEVICES, *SHARED):
            self._allow(path, self.rights)
        for path in spec.writable:
            if not self._allow(path, self.rights):
                raise Refused(f"making {os.fsdecode(path)} writable: it can not be opened")

    def _allow(self, path: bytes, rights: int) -> bool:
        """False where there is nothing to open, or a link: what it leads to has a rule of its own."""
        try:
            handle = walk(path)
        except OSError:
            return False
        try:
            folder = stat.S_ISDIR(os.fstat(handle).st_mode)
            allowed = rights & self.rights & (self.rights if folder else FILE)
            self._add(BENEATH, allowed.to_bytes(8, "little") + handle.to_bytes(4, "little"), f"allowing {path!r}")
        finally:
            os.close(handle)
        return True

    def _add(self, kind: int, rule: bytes, tried: str) -> None:
        if syscalls.syscall(ADD_RULE, self.handle, kind, rule, 0) < 0:
            raise Refused(tried, ctypes.get_errno())


def visible(root: bytes, masked: Iterable[bytes], shown: Iterable[bytes]) -> Iterator[bytes]:
    """The fewest paths that together are all below `root` but what is masked, with what is shown in spite of that.

    Where they lie in each other the deepest counts, and of one path `shown`.
    """
    shown = set(shown)
    hidden = set(masked) - shown
    yield from _clear(root, hidden)
    for path in shown:
        if root != path and _inner(path, hidden | shown) in hidden:
            yield from _clear(path, hidden)


def _clear(path: bytes, hidden: set[bytes]) -> Iterator[bytes]:
    if path in hidden:
        return
    below = path.rstrip(b"/") + b"/"
    if not any(cover.startswith(below) for cover in hidden):
        yield path
        return
    try:
        names = os.listdir(path)  # noqa: PTH208  pathlib costs a keeper its start-up time
    except OSError:
        return  # not there, or not for us
    for name in names:
        yield from _clear(below + name, hidden)


def _inner(path: bytes, among: set[bytes]) -> bytes:
    """The innermost of `among` that `path` lies below."""
    while path != b"/":
        path = path[: path.rindex(b"/")] or b"/"
        if path in among:
            return path
    return b""


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(8, "little") for number in numbers)
