"""The engine's unix socket: lets in the same user, and serves each client by itself.

Whoever starts it holds the repository's lock, so a socket file that is there already is a dead engine's and is
replaced. No client can end another, or the engine, by what it sends.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path

from engine.api.calls import Engine
from engine.api.channel import StreamChannel
from engine.api.connection import Connection
from engine.api.errors import UnsafeSocket
from engine.api.frames import MAX_FRAME

GRACE = 1.0
"""Seconds in which clients are given what is left when the engine ends."""
BACKLOG = 128
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred, unix(7)


class Server:
    """Serves `engine` at `path`. `changed` is called with the number of welcomed clients whenever it changes."""

    def __init__(self, engine: Engine, path: Path, *, changed: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._engine = engine
        self._changed = changed or (lambda _: None)
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._clients: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._inode = 0

    @property
    def clients(self) -> int:
        """How many clients are connected and were welcomed."""
        return len(self._clients)

    async def start(self) -> None:
        """Listen. Raises UnsafeSocket for a folder that is open to others, OSError where nothing can be bound."""
        listener = _bound(self.path)
        self._inode = self.path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._accepted, sock=listener, limit=MAX_FRAME, backlog=BACKLOG)

    def shut(self) -> None:
        """Let nobody in any more; those who are in stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._remove()

    async def close(self) -> None:
        """Take no more clients, give the present ones what is left, and end within about a second."""
        self.shut()
        tasks = list(self._tasks)
        farewells = [asyncio.create_task(client.finish()) for client in self._clients]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=GRACE)
            for task in late:
                task.cancel()
        for connection in self._tasks.values():
            connection.abort()
        await asyncio.gather(*farewells, *tasks, return_exceptions=True)

    def _remove(self) -> None:
        try:
            if self.path.stat().st_ino == self._inode:  # not another engine's by now
                self.path.unlink()
        except FileNotFoundError:
            pass

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or not _same_user(writer.get_extra_info("socket")):
            writer.close()
            return
        connection = Connection(self._engine, StreamChannel(reader, writer), self._joined)
        self._tasks[task] = connection
        try:
            await connection.serve()
        finally:
            del self._tasks[task]
            if connection in self._clients:
                self._clients.remove(connection)
                self._changed(self.clients)

    def _joined(self, connection: Connection) -> None:
        self._clients.add(connection)
        self._changed(self.clients)


def _bound(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    if mode & 0o077:
        raise UnsafeSocket(path.parent, mode)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener


def _same_user(peer: socket.socket) -> bool:
    """Is the peer this user's process? Where the kernel does not tell, the folder's mode must do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return bool(uid == os.geteuid())
