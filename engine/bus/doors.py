"""Who is connected over MQTT: each message that comes in goes to the channel of its account and session.

The topic says who speaks, because the broker lets nobody write to another's. A retained message is nobody's command: it
would be given again with every connection.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable

from engine.api.calls import Engine
from engine.api.connection import Connection
from engine.bus.channel import HandChannel, SessionChannel
from engine.bus.topics import Topics
from engine.bus.wire import LEFT, REFUSED

GRACE = 1.0
"""Seconds in which clients are given what is left when the engine ends."""
SESSIONS = 32
"""Of one account at a time."""
Send = Callable[[str, bytes, int], Awaitable[None]]
"""Publishes on a topic, with this QoS. Raises nothing."""

_SESSION = re.compile(r"[A-Za-z0-9-]{1,64}")
log = logging.getLogger(__name__)


class Doors:
    """The clients of one connection to the broker. `changed` is called with their number whenever it changes."""

    def __init__(self, engine: Engine, topics: Topics, send: Send, changed: Callable[[int], None]) -> None:
        self._engine, self._topics, self._send, self._changed = engine, topics, send, changed
        self._channels: dict[tuple[str, str], SessionChannel | HandChannel] = {}
        self._served: dict[Connection, asyncio.Task[None]] = {}
        self._clients: set[Connection] = set()

    async def take(self, topic: str, payload: bytes) -> None:
        """A message on one of the command topics."""
        user, session = self._topics.speaker(topic)
        channel = self._channels.get((user, session))
        if channel is None or channel.closing:
            channel = self._open(user, session, payload)
        if channel is None:
            if payload != LEFT and _SESSION.fullmatch(session):
                await self._send(self._topics.reply(user, session), REFUSED, 1)
            return
        channel.feed(payload)

    async def finish(self) -> None:
        """The engine ends: give everybody what is left, and end within about a second."""
        farewells = [asyncio.create_task(client.finish()) for client in self._clients]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=GRACE)
            for task in late:
                task.cancel()
        await asyncio.gather(*farewells, return_exceptions=True)
        await self.drop()

    async def drop(self) -> None:
        """Nobody can be reached any more."""
        for channel in self._channels.values():
            channel.abort()
        await asyncio.gather(*self._served.values(), return_exceptions=True)

    def _open(self, user: str, session: str, payload: bytes) -> SessionChannel | HandChannel | None:
        """A channel for its first message, if it is one and there is room."""
        if session:
            number = Counter(holder for holder, name in self._channels if name)[user]
            if not payload.startswith(b"1 ") or not _SESSION.fullmatch(session) or number >= SESSIONS:
                return None
        topic = self._topics.reply(user, session)

        async def publish(data: bytes) -> None:
            await self._send(topic, data, 0 if session else 1)

        if session:
            channel: SessionChannel | HandChannel = SessionChannel(user, publish)
        else:
            channel = HandChannel(user, publish, self._engine.version)
        self._channels[user, session] = channel
        connection = Connection(self._engine, channel, self._joined if session else _not_counted)
        self._served[connection] = asyncio.create_task(self._serve((user, session), connection, channel))
        return channel

    async def _serve(self, who: tuple[str, str], connection: Connection, channel: SessionChannel | HandChannel) -> None:
        try:
            await connection.serve()
        except Exception:
            log.exception("serving %s failed", "/".join(who))
        finally:
            del self._served[connection]
            if self._channels.get(who) is channel:
                del self._channels[who]
            if connection in self._clients:
                self._clients.remove(connection)
                self._changed(len(self._clients))

    def _joined(self, connection: Connection) -> None:
        self._clients.add(connection)
        self._changed(len(self._clients))


def _not_counted(_: Connection) -> None:
    """Nobody is there between two commands by hand, so they keep no engine up."""
