"""Who must not be reached: sockets of a machine that count whom they heard, and processes of the same person."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from support.machine import MARK, Machine


class Listeners:
    """Sockets of the machine, each of which counts whom it heard."""

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._stack = ExitStack()
        self._open: dict[str, socket.socket] = {}
        self.tcp = self._listen("tcp", socket.AF_INET, ("127.0.0.1", 0))[1]
        self.tcp6 = 0
        with suppress(OSError):
            self.tcp6 = self._listen("tcp6", socket.AF_INET6, ("::1", 0))[1]
        self.udp = self._listen("udp", socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)[1]
        self.abstract, self.datagram = (f"qd-{name}-{os.urandom(8).hex()}" for name in ("stream", "datagram"))
        self._listen("abstract", socket.AF_UNIX, f"\0{self.abstract}")
        self._listen("datagram", socket.AF_UNIX, f"\0{self.datagram}", socket.SOCK_DGRAM)
        self.vsock = 0
        with suppress(OSError, AttributeError):
            self.vsock = self._listen("vsock", socket.AF_VSOCK, (1, socket.VMADDR_PORT_ANY))[1]
        self.unix = {name: str(folder / "s") for name, folder in places.items()}
        for name, path in self.unix.items():
            self._listen(f"unix {name}", socket.AF_UNIX, path)

    def world(self) -> dict[str, Any]:
        names = ("tcp", "tcp6", "udp", "abstract", "datagram", "vsock", "unix")
        return {name: getattr(self, name) for name in names}

    def heard(self) -> set[str]:
        """Those to whom something came."""
        return {name for name, one in self._open.items() if _anything(one)}

    def close(self) -> None:
        self._stack.close()

    def _listen(self, name: str, family: int, address: Any, kind: int = socket.SOCK_STREAM) -> Any:
        one = self._stack.enter_context(socket.socket(family, kind))
        one.bind(address)
        one.settimeout(0)
        if kind == socket.SOCK_STREAM:
            one.setsockopt(socket.IPPROTO_TCP, 23, 5) if family == socket.AF_INET else None  # TCP_FASTOPEN
            one.listen(64)
        self._open[name] = one
        return one.getsockname()


def _anything(one: socket.socket) -> bool:
    try:
        if one.type == socket.SOCK_STREAM:
            one.accept()[0].close()
        else:
            one.recv(1024)
    except BlockingIOError:
        return False
    return True


@contextmanager
def listeners(places: Mapping[str, Path]) -> Iterator[Listeners]:
    """Everything that can listen: on the loopback, by names without a path, and in each of these folders."""
    told = Listeners(places)
    try:
        yield told
    finally:
        told.close()


VICTIM = """
import os, signal, sys
mark = os.environb[b"MARK"]
held = open(sys.argv[1])
print("up", flush=True)
while True: signal.pause()
"""


@contextmanager
def victims(
    machine: Machine, count: int, env: Mapping[str, str] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of the same user, each in a session of its own, marked in memory, environment, arguments and files."""
    (machine.base / "marked").write_text(MARK)
    argv = [sys.executable, "-I", "-S", "-c", VICTIM, "marked", MARK]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "start_new_session": True}
    made: list[subprocess.Popen[bytes]] = []
    try:
        while len(made) < count:
            made.append(subprocess.Popen(argv, cwd=machine.base, env={"MARK": MARK} | dict(env or {}), **options))
        for one in made:
            assert one.stdout is not None
            assert one.stdout.readline() == b"up\n"
        yield made
    finally:
        for one in made:
            one.kill()
            one.communicate()


def condition(pid: int) -> tuple[object, ...]:
    """What can be told of a process from outside, except time: None of it may change by another's hand."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tracer = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("TracerPid")]
    limits, adjusted = (Path(f"/proc/{pid}/{name}").read_text() for name in ("limits", "oom_score_adj"))
    order = ctypes.CDLL(None).syscall(252 if os.uname().machine == "x86_64" else 31, 1, pid)
    awake = stat[0] if stat[0] not in "RS" else "up"
    return awake, stat[16], tracer, limits, adjusted, os.sched_getaffinity(pid), os.sched_getscheduler(pid), order
