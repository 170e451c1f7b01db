"""Tier strong by the system's bubblewrap: the same operations as arguments of `bwrap`.

They go through a descriptor, so no path of the user's shows in `ps`. bwrap makes the namespaces and drops all rights;
the first process inside is our own (`settle`), shown the few sources that it needs at `SHOWN`. Only a bwrap that the
system has in one of `PLACES` is used. bwrap follows links, so every source is walked right before it starts.
"""

from __future__ import annotations

import os
import stat
import sys

from engine.processes.confinement import covering, settling, syscalls
from engine.processes.confinement.inside import Refused, Spec

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.processes.confinement.covering import Op

PLACES = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")
SHOWN = b"/run/quarterdeck/keeper"
SOURCES = (b"engine/__init__.py", b"engine/processes")
ROOT = os.fsencode(__file__).rsplit(b"/", 4)[0]
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "cgroup-try")
FIXED = ("--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--chdir", "/", "--ro-bind", "/", "/")
SIZE, SHARED_SIZE = b"%d" % (16 << 20), b"%d" % (256 << 20)
LONGEST = 4096


def program() -> str:
    """The system's bwrap; empty where there is none."""
    return next((place for place in PLACES if os.access(place, os.X_OK)), "")


def start(spec: Spec, control: int, boot: str, arguments: Iterable[str]) -> tuple[int, int]:
    """Start the first process inside: `sys.argv[1:]` is [SHOWN, *arguments] to the code `boot`, `control` is its stdin.

    Gives bwrap's pid and a descriptor for `complaint`. Raises Refused.
    """
    path = program()
    if not path:
        raise Refused("bwrap is not installed", way_out="install the package bubblewrap")
    given = os.memfd_create("arguments")
    heard, complaints = os.pipe()
    try:
        _write(given, b"".join(part + b"\0" for part in _options(spec)))
        inner = [_python(), "-I", "-S", "-c", boot, os.fsdecode(SHOWN), *arguments]
        pid = os.fork()
        if not pid:
            _become([path, "--args", str(given), "--", *inner], spec.cgroup, control, given, complaints)
    except OSError as error:
        os.close(heard)
        raise Refused(f"starting {path}", error.errno or 0) from error
    finally:
        os.close(given)
        os.close(complaints)
    return pid, heard


def complaint(heard: int) -> str:
    """What bwrap, or the first process before it served, said when it gave up; closes the descriptor."""
    os.set_blocking(heard, False)
    try:
        return os.read(heard, LONGEST).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(heard)


def settle(processes: int, file_bytes: int, *ports: int) -> tuple[int, ...]:
    """In the first process inside: descriptors of its listening sockets, limits, no rights. Raises Refused."""
    if syscalls.capabilities():
        raise Refused("starting in bwrap: it left us rights that it was told to drop")
    settling.limit_processes(processes, by_namespace=False)  # that one its programs could write to
    sockets = settling.listeners(ports)
    settling.limit_files(file_bytes)
    settling.seal()
    return sockets


def _options(spec: Spec) -> Iterator[bytes]:
    yield from (f"--unshare-{name}".encode() for name in NAMESPACES)
    yield from map(str.encode, FIXED)
    yield from Translation(spec.operations + covering.sockets(spec.operations)).options()


def _become(argv: list[str], cgroup: bytes, control: int, given: int, complaints: int) -> None:
    """In the forked child: bwrap, in the cgroup, which the keeper must not be in: it has to act while all is frozen."""
    try:
        settling.join(cgroup)
        os.dup2(control, 0)
        os.dup2(complaints, 2)
        os.set_inheritable(given, True)  # noqa: FBT003  takes no keyword
        os.execv(argv[0], argv)  # noqa: S606  no shell on purpose
    except (Refused, OSError) as error:
        os.write(complaints, str(error).encode())
    os._exit(1)


def _python() -> str:
    """The interpreter itself: a virtual environment's link to it may lead through what is masked."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _prefixes() -> list[bytes]:
    """Where the interpreter and its library lie."""
    return sorted({os.path.realpath(os.fsencode(sys.base_prefix)), os.path.dirname(os.fsencode(_python()))})  # noqa: PTH120


def _write(handle: int, data: bytes) -> None:
    """All of it, to be read from the beginning."""
    while data:
        data = data[os.write(handle, data) :]
    os.lseek(handle, 0, os.SEEK_SET)


class Translation:
    """Operations as options, in the same order. Mount points in scratch are made in the scratch folder itself."""

    def __init__(self, operations: list[Op]) -> None:
        self.operations = operations
        self.done: dict[bytes, Op] = {}

    def options(self) -> Iterator[bytes]:
        """Raises Refused where a source is not there or a link leads to it."""
        emptied = []
        for operation in self.operations:
            words = self.translate(operation)
            yield from words
            if words:
                self.done[operation[2]] = operation
                if operation[0] == "dev" or (operation[0] == "hide" and b"--tmpfs" in words):
                    emptied.append(operation[2])
        for source in SOURCES:
            yield from (b"--ro-bind", ROOT + b"/" + source, SHOWN + b"/" + source)
        for prefix in _prefixes():
            around = covering.around(prefix + b"/bin", self.done)
            if around and covering.ours(around):
                yield from self.show(("bind_ro", prefix, prefix))
        for target in emptied:
            yield from (b"--remount-ro", target)

    def translate(self, operation: Op) -> tuple[bytes, ...]:
        """One operation; nothing where it is left out."""
        verb, _, target = operation
        if verb == "proc":
            return (b"--proc", target)
        if verb == "dev":
            return (b"--dev", target, b"--size", SHARED_SIZE, b"--perms", b"1777", b"--tmpfs", target + b"/shm")
        if verb == "tmpfs":
            return (b"--size", SIZE, b"--tmpfs", target)
        if verb == "link":
            around = covering.around(target, self.done)
            return (b"--symlink", operation[1], target) if around and around[0] in covering.OWN else ()
        if verb in covering.PINNED:
            return self.show(operation)
        real = self.real(target)
        if verb == "freeze":
            if not _kind(real) and os.path.lexists(real):
                raise Refused(f"freezing {os.fsdecode(target)}: a symbolic link leads to it")
            return (b"--ro-bind", real, target) if _kind(real) else ()
        around = covering.around(target, self.done)
        scratch = around is not None and covering.ours(around)  # what is covered there has something shown in it
        kind = stat.S_IFDIR if scratch else _kind(os.path.realpath(real) if real == target else real)
        if kind == stat.S_IFDIR:
            self.make_room(target, folder=True)
            return (b"--size", SIZE, b"--tmpfs", target)
        return (b"--ro-bind", covering.NULL, target) if kind else ()

    def show(self, operation: Op) -> tuple[bytes, ...]:
        """A folder or file of the host's, at the same or another place."""
        verb, source, target = operation
        kind = _kind(source)
        if not kind:
            raise Refused(f"showing {os.fsdecode(source)}: it does not exist, or a symbolic link leads to it")
        self.make_room(target, folder=kind == stat.S_IFDIR)
        return (b"--bind" if verb == "bind" else b"--ro-bind", source, target)

    def make_room(self, target: bytes, *, folder: bool) -> None:
        """A mount point in scratch; in what else an agent writes it has to be there, and no link."""
        around = covering.around(target, self.done)
        if around is None or around[0] != "bind":
            return  # bwrap makes it on its own tmpfs, and can not on what is read-only
        try:
            if covering.ours(around):
                covering.make(around[1], self.real(target), folder=folder)
            os.close(covering.walk(self.real(target)))
        except OSError as error:
            raise Refused(f"making a place for {os.fsdecode(target)}", error.errno or 0) from error

    def real(self, target: bytes) -> bytes:
        """Where on the host lies what will be at `target`."""
        around = covering.around(target, self.done)
        return around[1] + target[len(around[2]) :] if around and around[1] else target


def _kind(path: bytes) -> int:
    """S_IFDIR or the like; 0 where there is nothing, or a symbolic link on the way."""
    try:
        handle = covering.walk(path)
    except OSError:
        return 0
    try:
        return stat.S_IFMT(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
