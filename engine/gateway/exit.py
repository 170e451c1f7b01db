"""An agent's way out: a forward proxy on listening sockets that are handed to it, in the engine's own loop.

A socket belongs to the network namespace it was made in. So a listener that was made inside an empty one is served from
here, and nothing else leads out of there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from functools import partial

from engine.gateway.accepting import accepted, few_left
from engine.gateway.call import Asked, Call, Rules
from engine.gateway.dial import Dialler
from engine.processes.rings import Bucket

CONNECTIONS = 64
"""At once, for one agent. As many more are told that it is too many; the rest wait in the kernel."""
RATE, BURST = 200, 1000
"""Connections that are taken from one agent a second on average, and at once; more wait in the kernel."""
BREATH = 0.1
"""Seconds until the next try, when the system has no descriptors or no memory left."""


class Exit:
    """Serves one agent. `allowed` gives the entries now in force; `tell` is told each request when it is over.

    `setting` says in words where a refusal can be changed; by default in the permissions of the agent's own name.
    """

    def __init__(
        self,
        agent: str,
        allowed: Callable[[], Collection[str]],
        tell: Callable[[Asked], None],
        *,
        setting: str = "",
        dialler: Dialler | None = None,
    ) -> None:
        setting = setting or f"`network` of [agents.{agent}.permissions]"
        self._rules = Rules(agent=agent, setting=setting, allowed=allowed, dialler=dialler or Dialler())
        self._tell = tell
        self._listeners: list[socket.socket] = []
        self._taking: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(2 * CONNECTIONS)

    async def serve(self, listener: socket.socket, token: str = "") -> None:
        """Serve it from now on, and close it in the end. With a token, only who sends it as the proxy's password."""
        listener.settimeout(0)
        self._listeners.append(listener)
        self._taking.add(asyncio.create_task(self._take(listener, token)))

    async def close(self) -> None:
        """End everything that is under way, and tell it. Harmless twice."""
        for tasks in (self._taking, self._serving):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._taking.clear()
        while self._listeners:
            self._listeners.pop().close()

    async def _take(self, listener: socket.socket, token: str) -> None:
        loop, bucket = asyncio.get_running_loop(), Bucket(RATE, BURST)
        while True:
            await asyncio.sleep(bucket.delay(loop.time(), 1))
            await self._places.acquire()
            try:
                connection = await accepted(listener)
            except OSError:  # it left before it was taken, or the system is out of something
                self._places.release()
                await asyncio.sleep(BREATH)
                continue
            bucket.take(1, loop.time())
            task = asyncio.create_task(self._serve(connection, token))
            self._serving.add(task)
            task.add_done_callback(partial(self._served, connection))

    def _served(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        connection.close()  # here, because a task that is cancelled before it began has done nothing
        self._serving.discard(task)
        self._places.release()

    async def _serve(self, connection: socket.socket, token: str) -> None:
        call = Call(connection, self._rules, token)
        try:
            await call.carry_out(crowded=len(self._serving) > CONNECTIONS or few_left(connection))
        finally:
            asked = call.told()
            if asked is not None:
                self._tell(asked)
