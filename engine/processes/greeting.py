"""The first frames between an engine and a new keeper: its cell goes in, and `ready` or a refusal comes out.

A keeper that serves from inside a sandbox says `ready` from there, with credentials that the kernel fills in: by them
the engine learns the pid of the sandbox's first process in its own namespace, whatever made the sandbox.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
import struct
from dataclasses import dataclass

from engine.processes import wire

BYTES = 65536
MOST = 16
"""Descriptors that are taken with one message."""
CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
CREDENTIALS = getattr(socket, "SCM_CREDENTIALS", -1)
_WHO = struct.Struct("3i")
Ancillary = list[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first frame, who sent it (0: the kernel did not say) and the descriptors that came with it, now ours."""

    frame: list[bytes]
    sender: int
    handles: tuple[int, ...]

    def close(self) -> None:
        """For who does not want them."""
        for handle in self.handles:
            os.close(handle)


def ask_for_credentials(end: socket.socket) -> None:
    """Have the kernel say who sends. Where it cannot there are no sandboxes either."""
    if hasattr(socket, "SO_PASSCRED"):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


async def exchange(end: socket.socket, cell: tuple[bytes, ...]) -> Greeting:
    """Send the cell and wait for the first frame. Raises EOFError when the keeper ends without a word."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(end, wire.pack(b"cell", *cell))
    except OSError as error:
        raise EOFError from error
    unpacker = wire.Unpacker()
    while True:
        data, ancillary = await _received(end)
        handles = _handles(ancillary)
        try:
            for frame in unpacker.feed(data):
                return Greeting(frame, _sender(ancillary), handles)
            if not data:
                raise EOFError
        except BaseException:
            for handle in handles:
                os.close(handle)
            raise


async def _received(end: socket.socket) -> tuple[bytes, Ancillary]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()
    loop.add_reader(end, lambda: None if arrived.done() else arrived.set_result(None))
    try:
        await arrived
    finally:
        loop.remove_reader(end)
    space = socket.CMSG_SPACE(MOST * array.array("i").itemsize) + socket.CMSG_SPACE(_WHO.size)
    try:
        data, ancillary, _, _ = end.recvmsg(BYTES, space, CLOSE_ON_EXEC)
    except OSError:
        return b"", []
    return data, ancillary


def _handles(ancillary: Ancillary) -> tuple[int, ...]:
    found = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return tuple(found)


def _sender(ancillary: Ancillary) -> int:
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, CREDENTIALS):
            return int(_WHO.unpack(content[: _WHO.size])[0])
    return 0
