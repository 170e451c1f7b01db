"""Carry the operations of `mounts` out, in a mount namespace of our own where we may mount.

Everything happens in place, on top of `/`. Sources are pinned by descriptors before anything is covered, targets right
before they are mounted on, and both are walked component by component: no symbolic link in them is followed, because
agents write to their scratch and their clone between two keepers. Mount points are only ever made on our own tmpfs
and in scratch; what an agent left in their place there is removed.
"""

from __future__ import annotations

import errno
import os
import stat

from engine.processes.confinement import syscalls
from engine.processes.confinement.inside import Refused

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Op = tuple[str, bytes, bytes]

QUIET = syscalls.MS_NOSUID | syscalls.MS_NODEV
DEVICES = (b"null", b"zero", b"full", b"random", b"urandom", b"tty")
LINKS = ((b"ptmx", b"pts/ptmx"), (b"fd", b"/proc/self/fd"))
STREAMS = ((b"stdin", 0), (b"stdout", 1), (b"stderr", 2))
KEPT = 0xF | os.ST_NOATIME | os.ST_NODIRATIME if hasattr(os, "ST_NOATIME") else 0xF  # what a remount would forget
NULL = b"/dev/null"
SIZES = {
    "hide": b"size=64k,nr_inodes=4k,mode=755",
    "tmpfs": b"size=16m,nr_inodes=16k,mode=755",
    "dev": b"size=64k,nr_inodes=1k,mode=755",
    "shm": b"size=256m,nr_inodes=64k,mode=1777",
    "pts": b"newinstance,ptmxmode=0666,mode=620",
}
PINNED = ("bind", "bind_ro")
OPTIONAL = ("hide", "freeze")
OWN = ("hide", "tmpfs")


class Covering:
    """One run over the operations. `carry_out` does it; the namespace is of no use if it raises."""

    def __init__(self, operations: list[Op], on_proc: Callable[[], None]) -> None:
        self.operations = operations
        self.on_proc = on_proc  # called as soon as there is a fresh /proc, while it can be written to
        self.done: dict[bytes, Op] = {}
        self.pins: dict[bytes, int] = {}
        self.empty: list[bytes] = []  # to be made read-only once every mount point in them is made

    def carry_out(self) -> None:
        """All of it. Raises Refused."""
        # Neither way: what is mounted outside later would be there, and not read-only.
        syscalls.mount(None, b"/", None, syscalls.MS_REC | syscalls.MS_PRIVATE, "keeping mounts to ourselves")
        self.pin()
        self.quieten()
        for operation in self.operations:
            if self.apply(operation):
                self.done[operation[2]] = operation
        for target in self.empty:
            self.change(target, add=syscalls.ATTR_RDONLY)
        for handle in self.pins.values():
            os.close(handle)

    def pin(self) -> None:
        """Hold every source, before it is covered."""
        sources = {source for verb, source, _ in self.operations if verb in PINNED}
        for source in sources | {b"/dev/" + name for name in DEVICES}:
            try:
                self.pins[source] = walk(source)
            except OSError as error:
                raise Refused(f"showing {os.fsdecode(source)}", error.errno or 0) from error

    def quieten(self) -> None:
        """`/` and all below: read-only, no setuid, no devices."""
        add = syscalls.ATTR_RDONLY | syscalls.ATTR_NOSUID | syscalls.ATTR_NODEV
        self.change(b"/", add=add, recursive=True)

    def apply(self, operation: Op) -> bool:
        """One operation. False: it is optional, and left out because its target is not there."""
        verb, source, target = operation
        if verb == "link":
            return self.link(source, target)
        try:
            place = self.place(operation)
        except OSError as error:
            if verb in OPTIONAL and (verb != "freeze" or error.errno == errno.ENOENT):
                return False  # a link in place of what is to be frozen could be turned to anything
            raise Refused(f"making a place for {os.fsdecode(target)}", error.errno or 0) from error
        try:
            self.cover(operation, place)
        finally:
            os.close(place)
        return True

    def link(self, to: bytes, target: bytes) -> bool:
        """A link on a tmpfs of our own; whoever follows it reaches no more than by the path it holds."""
        outer = around(target, self.done)
        if outer is None or outer[0] not in OWN:
            return False
        folder, name = os.path.split(target)
        if folder != outer[2]:
            make(outer[2], folder, folder=True)
        here = walk(folder)
        try:
            os.symlink(to, name, dir_fd=here)
        finally:
            os.close(here)
        return True

    def cover(self, operation: Op, place: int) -> None:
        """Mount what the verb says on the pinned target."""
        verb, source, target = operation
        if verb == "proc":
            self.fresh(b"proc", place, "mounting a fresh /proc", flags=QUIET | syscalls.MS_NOEXEC)
            self.on_proc()
        elif verb == "dev":
            self.devices(place)
        elif verb in PINNED:
            self.bind(self.pins[source], place, target)
            if verb == "bind":
                self.change(target, clear=syscalls.ATTR_RDONLY)
        elif verb == "freeze":
            self.bind(place, place, target)
            self.change(target, add=syscalls.ATTR_RDONLY, recursive=True)
        elif not stat.S_ISDIR(os.fstat(place).st_mode):
            self.bind(self.pins[NULL], place, target)
        else:
            self.fresh(b"tmpfs", place, f"covering {os.fsdecode(target)}", SIZES[verb])
            if verb == "hide":
                self.empty.append(target)

    def devices(self, place: int) -> None:
        """A /dev that has nothing but what every program expects."""
        self.fresh(b"tmpfs", place, "covering /dev", SIZES["dev"])
        self.empty.append(b"/dev")
        for name in DEVICES:
            target = b"/dev/" + name
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
            self.bind_at(target)
            self.change(target, clear=syscalls.ATTR_NODEV)
        for name, kind, data in ((b"shm", b"tmpfs", SIZES["shm"]), (b"pts", b"devpts", SIZES["pts"])):
            os.mkdir(b"/dev/" + name, 0o755)  # noqa: PTH102  pathlib costs a keeper its start-up time
            flags = syscalls.MS_NOSUID | (syscalls.MS_NODEV if name == b"shm" else 0)
            syscalls.mount(kind, b"/dev/" + name, kind, flags, f"mounting /dev/{name.decode()}", data=data)
        for name, said in (*LINKS, *((name, b"/proc/self/fd/%d" % number) for name, number in STREAMS)):
            os.symlink(said, b"/dev/" + name)  # noqa: PTH211  as above

    def bind_at(self, path: bytes) -> None:
        """What was at `path` before it was covered, shown there again."""
        place = walk(path)
        try:
            self.bind(self.pins[path], place, path)
        finally:
            os.close(place)

    def fresh(self, kind: bytes, place: int, tried: str, data: bytes = b"", flags: int = QUIET) -> None:
        """A new file system on a pinned target."""
        syscalls.mount(kind, descriptor(place), kind, flags, tried, data=data)

    def bind(self, source: int, place: int, target: bytes) -> None:
        """A pinned source on a pinned target, with what is mounted below it."""
        tried = f"showing {os.fsdecode(target)}"
        syscalls.mount(descriptor(source), descriptor(place), None, syscalls.MS_BIND | syscalls.MS_REC, tried)

    def change(self, target: bytes, *, add: int = 0, clear: int = 0, recursive: bool = False) -> None:
        """Flags of the mount that `target` is the root of by now. Raises Refused."""
        tried = f"making {os.fsdecode(target)} {'writable' if clear else 'read-only'}"
        handle = walk(target)
        try:
            if not syscalls.set_attributes(handle, tried, add=add, clear=clear, recursive=recursive):
                remount(target, tried, add=add, clear=clear, recursive=recursive)
        finally:
            os.close(handle)

    def place(self, operation: Op) -> int:
        """A descriptor of the target, made where that is ours to make. Raises OSError."""
        verb, source, target = operation
        outer = around(target, self.done)
        if outer is None:  # the system's own folders, where no agent writes: links in them are the system's
            return walk(os.path.realpath(target))
        if ours(outer) and verb != "freeze":
            folder = verb not in PINNED or stat.S_ISDIR(os.fstat(self.pins[source]).st_mode)
            make(outer[2], target, folder=folder)
        return walk(target)


def around(target: bytes, done: dict[bytes, Op]) -> Op | None:
    """The innermost of the operations done that `target` lies below."""
    while target != b"/":
        target = os.path.dirname(target)  # noqa: PTH120  pathlib costs a keeper its start-up time
        if target in done:
            return done[target]
    return None


def ours(operation: Op) -> bool:
    """Whether mount points may be made there: our own tmpfs, or scratch, which is what is shown elsewhere."""
    verb, source, target = operation
    return verb in OWN or (verb == "bind" and source != target)


def walk(path: bytes) -> int:
    """A descriptor of `path` that no symbolic link leads to. Raises OSError."""
    here = os.open(b"/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in filter(None, path.split(b"/")):
        try:
            there = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
        finally:
            os.close(here)
        here = there
    if stat.S_ISLNK(os.fstat(here).st_mode):
        os.close(here)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return here


def make(root: bytes, path: bytes, *, folder: bool) -> None:
    """Make `path`, which lies below `root`, as folder or empty file; links and files in the way are removed."""
    here = walk(root)
    try:
        names = [name for name in path[len(root) :].split(b"/") if name]
        for at, name in enumerate(names):
            wanted = stat.S_IFDIR if folder or at < len(names) - 1 else stat.S_IFREG
            _make_one(here, name, wanted)
            there = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = there
    finally:
        os.close(here)


def _make_one(here: int, name: bytes, wanted: int) -> None:
    try:
        mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
    except FileNotFoundError:
        mode = 0
    if mode and stat.S_IFMT(mode) != wanted and not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=here)
        mode = 0
    try:
        if not mode and wanted == stat.S_IFDIR:
            os.mkdir(name, 0o755, dir_fd=here)
        elif not mode:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=here))
    except FileExistsError:
        pass  # another keeper that shares the scratch was faster; a link there is refused by who opens it


def remount(target: bytes, tried: str, *, add: int, clear: int, recursive: bool) -> None:
    """What `set_attributes` does, on kernels before 5.12: mount by mount."""
    for point in list(_points(target)) if recursive else [target]:
        try:
            flags = os.statvfs(point).f_flag & KEPT & ~clear | add
        except OSError:
            continue  # covered by another mount: nobody reaches it
        syscalls.mount(None, point, None, syscalls.MS_REMOUNT | syscalls.MS_BIND | flags, tried)


def _points(target: bytes) -> Iterator[bytes]:
    with open("/proc/self/mountinfo", "rb") as lines:  # noqa: PTH123  as above
        for line in lines:
            point = unescape(line.split(b" ")[4])
            if target in (b"/", point) or point.startswith(target + b"/"):
                yield point


def unescape(text: bytes) -> bytes:
    r"""A path as the kernel lists it, where space, tab, newline and backslash are \ooo."""
    for number in (0o40, 0o11, 0o12, 0o134):
        text = text.replace(b"\\%03o" % number, bytes([number]))
    return text


def descriptor(handle: int) -> bytes:
    """A path that means exactly what the descriptor means."""
    return b"/proc/self/fd/%d" % handle


def sockets(covered: Iterable[Op]) -> list[Op]:
    """Covers for the listening sockets in the file system that the operations leave in reach."""
    ops = {target: verb for verb, _, target in covered}
    return [("hide", b"", path) for path in sorted(_bound()) if _in_reach(path, ops)]


def _bound() -> set[bytes]:
    try:
        with open("/proc/net/unix", "rb") as lines:  # noqa: PTH123  as above
            names = {line.split(maxsplit=7)[7].rstrip(b"\n") for line in lines if line.count(b" /")}
    except (OSError, IndexError):
        return set()
    return {os.path.realpath(name) for name in names if name.startswith(b"/")}


def _in_reach(path: bytes, ops: dict[bytes, str]) -> bool:
    if path in ops:
        return False
    while path != b"/":
        path = os.path.dirname(path)  # noqa: PTH120  as above
        if path in ops:
            return ops[path] in ("bind_ro", "freeze")
    return True
