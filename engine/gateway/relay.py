"""Carries bytes between an agent and a host, both ways, with one small buffer a direction.

A side that does not take what it is sent stops the other side: nothing is kept but one portion. What is carried is
counted and never looked at, but for the lengths of plain requests.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from dataclasses import dataclass

from engine.gateway import answers
from engine.gateway.bodies import PORTION, Incoming
from engine.gateway.errors import BadAnswer
from engine.gateway.heads import Request

IDLE_SECONDS = 600.0
"""After which a connection ends over which nothing comes, in either direction."""
HALF_SECONDS = 60.0
"""The same, once one of the two has said that it sends no more."""


@dataclass(slots=True)
class Traffic:
    """Bytes carried: `up` from the agent to the host, `down` back."""

    up: int = 0
    down: int = 0


class Relay:
    """One agent's connection and one host's. `rest` is what came from the agent with the head of its request."""

    def __init__(self, agent: socket.socket, host: socket.socket, rest: bytes, traffic: Traffic) -> None:
        self._agent, self._host, self._rest, self._traffic = agent, host, rest, traffic
        self._loop = asyncio.get_running_loop()
        self._patience = IDLE_SECONDS
        self._alarm = asyncio.timeout(self._patience)

    async def tunnel(self) -> None:
        """Carry everything until both have ended. Raises OSError, which TimeoutError is."""
        await self._watched(self._carried())

    async def exchange(self, request: Request) -> None:
        """Carry one request up and its answer down. Raises OSError, BadRequest, BadAnswer."""
        await self._watched(self._asked(request))

    async def _asked(self, request: Request) -> None:
        await self._up(request.head())
        async with asyncio.TaskGroup() as group:
            body = group.create_task(self._body(request))
            await self._answer(request)
            body.cancel()

    async def _carried(self) -> None:
        await self._up(self._rest)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(self._agent, self._host))
            group.create_task(self._pump(self._host, self._agent))

    async def _watched(self, work: Coroutine[None, None, None]) -> None:
        """Until it is done, or nothing has come for too long. Of several errors the first counts."""
        try:
            async with self._alarm:
                await work
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _body(self, request: Request) -> None:
        incoming = Incoming(self._agent, self._rest)
        try:
            async for portion in incoming.portions(request.body):
                await self._up(portion)
        except ConnectionError:  # the host takes no more, and may have said why
            return
        await incoming.next()
        self._wait_less()

    async def _answer(self, request: Request) -> None:
        came, last = bytearray(), False
        while not last:
            while (found := answers.split(came, request.to)) is None:
                data = await self._loop.sock_recv(self._host, PORTION)
                if not data:
                    raise BadAnswer(request.to, "it ended before its head did")
                came += data
            head, last = answers.passed_on(found[0], request.to)
            came = bytearray(found[1])
            await self._down(head)
        await self._down(bytes(came))
        await self._pump(self._host, self._agent)

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        send = self._up if target is self._host else self._down
        buffer = memoryview(bytearray(PORTION))
        while count := await self._loop.sock_recv_into(source, buffer):
            await send(buffer[:count])
            await asyncio.sleep(0)  # neither call need wait: others have their turn
        self._wait_less()
        target.shutdown(socket.SHUT_WR)

    async def _up(self, data: bytes | memoryview) -> None:
        await self._loop.sock_sendall(self._host, data)
        self._traffic.up += len(data)
        self._alive()

    async def _down(self, data: bytes | memoryview) -> None:
        await self._loop.sock_sendall(self._agent, data)
        self._traffic.down += len(data)
        self._alive()

    def _alive(self) -> None:
        self._alarm.reschedule(self._loop.time() + self._patience)

    def _wait_less(self) -> None:
        self._patience = min(self._patience, HALF_SECONDS)
        self._alive()
