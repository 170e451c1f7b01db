# mypy: disable-error-code="import-untyped,import-not-found,misc"
"""amqtt, guarded. Runs in a process of its own, started with the path of a configuration and nothing else.

amqtt 0.12 trusts whoever connects. What is closed here, each with an attack in the tests:
- on CONNECT it sends a client the retained messages of everybody's subscriptions;
- a client id that is another's takes over the session, its queue and its last will, before the password is looked at;
- a last will goes out whatever its topic; a retained message goes to whoever subscribes;
- a subscription that comes while a message is being handed out loses that message for all;
- a packet may announce 256 MB, and a client that does not read is stored for without end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
import sys
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from amqtt.adapters import ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from engine.bus import topics
from engine.bus.accounts import matches

UNREAD = 64 * 1024 * 1024
"""Bytes stored for a client that does not read; then it is let go."""
GREETING = 10.0
"""Seconds in which a client must say who it is."""


class Guarded(Broker):
    """A broker that believes nobody: a session of its own for each connection, every message checked on its way."""

    def __init__(self, given: dict[str, Any], listener: socket.socket) -> None:
        super().__init__({"listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:0"}}, "plugins": {}})
        self._listener = listener
        self._passwords: dict[str, str] = given["passwords"]
        self._root: str = given["root"]
        self._most = int(given["most"])
        self._numbers = itertools.count(1)

    async def _create_server_instance(self, listener_name: str, *_: object) -> asyncio.Server:
        """Listen at what the engine has opened, and nowhere else."""
        connected = partial(self.stream_connected, listener_name=listener_name)
        return await asyncio.start_server(connected, sock=self._listener)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve one client, which neither announces too much nor leaves too much unread."""
        await self._client_connected(listener_name, _Reader(reader, self._most), _Writer(writer))

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, *_: object
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Know who it is before anything else; give it a session that no other connection has had or will have."""
        try:
            async with asyncio.timeout(GREETING):
                handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        except (TimeoutError, ValueError, EOFError, OSError, AMQTTError, MQTTError, NoDataError) as error:
            await writer.close()
            raise AMQTTError(f"no CONNECT: {error}") from error
        if not self._knows(session):
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise AMQTTError("wrong name or password")
        session.client_id = f"{session.username}/{next(self._numbers)}"
        session.clean_session, session.parent = True, 0
        session.will_flag = bool(session.will_flag and self._may(session, session.will_topic, Action.PUBLISH))
        return handler, session

    def _knows(self, session: Session) -> bool:
        stored = self._passwords.get(session.username or "", self._nobodys)
        return matches(session.password or "", stored) and session.username in self._passwords

    @cached_property
    def _nobodys(self) -> str:
        return next(iter(self._passwords.values()))  # as much work for a name that there is not

    async def _authenticate(self, *_: object) -> bool:
        return True  # `_initialize_client_session` did

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        """Never waits, so that handing out a message is one step. A subscription is free: what it gets is looked at."""
        return self._may(session, topic, action)

    def _may(self, session: Session, topic: str | None, action: Action) -> bool:
        if action is Action.SUBSCRIBE:
            return True
        rule = topics.may_write if action is Action.PUBLISH else topics.may_read
        return rule(session.username or "", topic or "", self._root)

    async def retain_message(
        self,
        source_session: Session | None,
        topic_name: str | None,
        data: bytes | bytearray | None,
        qos: int | None = None,
    ) -> None:
        """Keep only what the engine says: a command that is kept would be given again."""
        if source_session is not None and source_session.username == topics.ENGINE:
            await super().retain_message(source_session, topic_name, data, qos)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Only for a subscription of this very session, and only what it may read."""
        chosen, qos = subscription
        if not any(held is session for held, _ in self._subscriptions.get(chosen, ())):
            return
        handler = self._get_handler(session)
        if handler is None:
            return
        found = (
            handler.mqtt_publish(topic, kept.data, min(qos, kept.qos or 0), retain=True)
            for topic, kept in self._retained_messages.items()
            if self._matches(topic, chosen) and self._may(session, topic, Action.RECEIVE)
        )
        await asyncio.gather(*found, return_exceptions=True)  # one that it does not acknowledge concerns nobody else


class _Reader(StreamReaderAdapter):
    """Refuses a packet that is too long before anything is stored for it."""

    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        super().__init__(reader)
        self._most = most

    async def read(self, n: int = -1) -> bytes:
        if n > self._most:
            raise NoDataError(f"a packet of {n} bytes; {self._most} are the most")
        data: bytes = await super().read(n)
        return data


class _Writer(StreamWriterAdapter):
    """Lets a client go that does not read."""

    def write(self, data: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() > UNREAD:
            self._writer.transport.abort()
            self.is_closed = True
        super().write(data)


async def _serve(given: dict[str, Any], listener: socket.socket) -> None:
    await Guarded(given, listener).start()
    await asyncio.Event().wait()  # `guard` ends it


def main(path: str, descriptor: str) -> None:
    """Serve what the file at `path` says, on the socket that was handed down, until killed."""
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    asyncio.run(_serve(json.loads(Path(path).read_bytes()), socket.socket(fileno=int(descriptor))))
