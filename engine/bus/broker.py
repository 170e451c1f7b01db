"""A broker as a child process of the engine, under `guard`: it never outlives the engine, however that ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections import deque

from engine.bus import guard
from engine.bus.errors import BrokerFailed
from engine.bus.provider import HOST, Address, Place, Provider

PASSED_ON = ("PATH", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
SAID = 10
"""Last lines of a broker that are kept for an error."""
END_SECONDS = 3.0

log = logging.getLogger(__name__)


class BrokerProcess:
    """A running broker. Made by `start`; `gone` is done when it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, address: Address) -> None:
        self.address = address
        self._process = process
        self._said: deque[str] = deque(maxlen=SAID)
        self.gone: asyncio.Task[None] = asyncio.create_task(self._watch(), name="broker")

    @classmethod
    async def start(cls, provider: Provider, place: Place) -> BrokerProcess:
        """Run it; it may take a moment until it listens. Raises BrokerFailed."""
        prepared = provider.prepare(place)
        handed = [prepared.listener] if prepared.listener is not None else []
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", guard.__file__, *prepared.argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[end.fileno() for end in handed],
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                cwd="/",
                process_group=0,  # not a session: children of another session are taken for orphans of agents
            )
        finally:
            for end in handed:
                end.close()
        return cls(process, prepared.address)

    @property
    def pid(self) -> int:
        """Of the guard; its only child is the broker."""
        return self._process.pid

    def failed(self) -> BrokerFailed:
        """Why it ended."""
        return BrokerFailed(self.address.provider, f"ended with status {self._process.returncode}", self.said)

    @property
    def said(self) -> str:
        """The end of what it printed."""
        return " / ".join(self._said)

    async def close(self) -> None:
        """End it. Harmless twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait({self.gone}, timeout=END_SECONDS)
        if not self.gone.done():
            self._fell()
        await self.gone

    async def _watch(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  for the type checker
        async for line in self._process.stderr:
            text = line.decode(errors="replace").strip()
            self._said.append(text[:200])
            log.info("broker: %s", text)
        await self._process.wait()
        if sys.platform != "linux":
            self._fell()  # what a killed guard leaves; on Linux the kernel ends it
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _fell(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # the guard leads a group that nobody else is in
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS, where only zombies are left
            pass


def free_port(preferred: int) -> int:
    """A port of loopback that nobody listens at, the preferred one (0: none) if it is free."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no port of {HOST} is free")


def listens(address: Address) -> bool:
    """Whether somebody lets us in there. Loopback and unix sockets say so at once."""
    if address.socket is None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((address.host, address.port)) == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(address.socket)) == 0
