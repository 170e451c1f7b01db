"""What the first process of a sandbox does for itself, whichever mechanism made the namespaces.

Its own limits are inherited by every program; sockets made here belong to this network namespace whoever holds them.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import resource
import sys

from engine.processes.confinement import syscalls
from engine.processes.confinement.inside import Refused
from engine.processes.confinement.seccomp import Filter

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = b"lo"
SIOCSIFFLAGS, UP_AND_RUNNING = 0x8914, 0x41
BACKLOG = 128
RESERVED_PIDS = 300  # once the kernel has come past these numbers it never gives them out again
OURS = 2  # the keeper and the first process inside count as the user's as well
PID_MAX_SINCE = (6, 14)  # before, pid_max was of the whole machine, and root inside could write it
NPROC_SINCE = (5, 14)  # before, RLIMIT_NPROC counted the user's processes everywhere


def limit_processes(most: int, *, by_namespace: bool) -> None:
    """At most so many processes and threads, ourselves included; 0: no limit. Raises Refused.

    `by_namespace`: the pid namespace's own limit, where it has one and programs can not undo it. Else RLIMIT_NPROC,
    which the kernel counts by user namespace and which uid 0 is exempt from. An older kernel has neither.
    """
    if not most:
        return
    try:
        if not (by_namespace and _limit_pids(most)) and syscalls.kernel() >= NPROC_SINCE and os.getuid():
            limit = most + OURS
            resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    except (OSError, ValueError) as error:
        raise Refused(f"limiting processes to {most}", getattr(error, "errno", 0) or 0) from error


def _limit_pids(most: int) -> bool:
    """Past the reserved numbers first: from then on exactly `most` are left to give out."""
    if syscalls.kernel() < PID_MAX_SINCE:
        return False
    try:
        write("/proc/sys/kernel/pid_max", str(RESERVED_PIDS + most))
        write("/proc/sys/kernel/ns_last_pid", str(RESERVED_PIDS))
    except PermissionError:
        return False
    except FileNotFoundError:  # a kernel without checkpoints: the first 300 come on top
        pass
    return True


def limit_files(most: int) -> None:
    """No file grows beyond so many bytes; 0: no limit. Raises Refused."""
    if not most:
        return
    sys.dont_write_bytecode = True  # cut short at the limit it would be kept, and break whoever reads it next
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    except (OSError, ValueError) as error:
        raise Refused(f"limiting files to {most} bytes", getattr(error, "errno", 0) or 0) from error


def listeners(ports: Iterable[int]) -> tuple[int, ...]:
    """Descriptors of sockets that listen on 127.0.0.1 at each port, close-on-exec. Raises Refused."""
    return tuple(_listener(port) for port in ports)


def _listener(port: int) -> int:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Refused(f"listening on port {port} of the sandbox", error.errno or 0) from error
    return listener.detach()


def bring_loopback_up() -> None:
    """The loopback interface of a new network namespace. Raises Refused."""
    handle = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        request = LOOPBACK.ljust(16, b"\0") + UP_AND_RUNNING.to_bytes(2, "little") + bytes(22)
        fcntl.ioctl(handle.fileno(), SIOCSIFFLAGS, request)
    except OSError as error:
        raise Refused("bringing the loopback interface up", error.errno or 0) from error
    finally:
        handle.close()


def join(cgroup: bytes) -> None:
    """Move ourselves into the cgroup, if there is one. Raises Refused."""
    if not cgroup:
        return
    try:
        write(os.fsdecode(cgroup) + "/cgroup.procs", "0")
    except OSError as error:
        raise Refused(f"moving into the cgroup {os.fsdecode(cgroup)}", error.errno or 0) from error


def seal() -> None:
    """The last step: no rights any more, no way past the namespaces, and nobody may look into us. Raises Refused."""
    syscalls.drop_rights()
    Filter(basic=False).install()
    syscalls.hide_memory()


def write(path: str, text: str) -> None:
    """One write to a file of the kernel's. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
