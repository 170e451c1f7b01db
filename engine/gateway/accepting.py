"""Connections from a listening socket, one at a time, as its owner wants the next one."""

from __future__ import annotations

import asyncio
import resource
import socket

FULL = 0.75
"""Of the engine's descriptors that agents' connections may use; the rest is for the engine itself."""


async def accepted(listener: socket.socket) -> socket.socket:
    """The next connection; nothing is awaited once there is one, so that none gets lost. Raises OSError."""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            await _readable(listener)
        else:
            connection.settimeout(0)
            return connection


def few_left(newest: socket.socket) -> bool:
    """The kernel gives the lowest free number, so that a number tells how many descriptors are in use."""
    return newest.fileno() > FULL * resource.getrlimit(resource.RLIMIT_NOFILE)[0]


async def _readable(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[None] = loop.create_future()
    loop.add_reader(listener, lambda: None if came.done() else came.set_result(None))
    try:
        await came
    finally:
        loop.remove_reader(listener)
