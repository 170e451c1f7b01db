"""The client's end of a session over MQTT: a `Link` of `engine.api`.

It takes what it is sent one message at a time and says how far it is, so that what it has not taken stays with the
engine. A missing message, an engine that left the bus or a broker that died all end it with `EngineGone`: one opens
another and goes on from the last event.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import Self

import aiomqtt
import msgspec

from engine.api.errors import BadFrame, EngineGone
from engine.api.lines import Lines
from engine.bus import address
from engine.bus.accounts import Accounts
from engine.bus.broker import listens
from engine.bus.dial import client, leave
from engine.bus.topics import Topics
from engine.bus.wire import LEFT, PORTION, WINDOW, Presence, from_client, read_from_engine

PATIENCE = 5.0
"""Seconds in which the broker must let one in and say whether the engine is there."""
SAID_EVERY = WINDOW // 4
"""Messages taken, after which the engine is told."""


class MqttLink:
    """A session on the bus. Made by `connect`."""

    def __init__(self, mqtt: aiomqtt.Client, topics: Topics, user: str, session: str) -> None:
        self._mqtt, self._topics = mqtt, topics
        self._commands = topics.command(user, session)
        self._reply = topics.reply(user, session)
        self._messages = mqtt.messages
        self._lines = Lines()
        self._turn = asyncio.Lock()
        self._sent = self._taken = self._told = 0
        self._epoch = ""
        self._left = False

    @classmethod
    async def connect(cls, folder: Path, user: str = "") -> Self:
        """Open a session on the bus that `folder` tells of, as `user` (empty: the first account).

        Raises BusOff, UnknownAccount, EngineGone.
        """
        known = address.read(folder)
        user = user or known.accounts[0]
        password = Accounts(folder, known.accounts).file(user).read_text()
        topics, session = Topics(known.repo), secrets.token_hex(8)
        if not listens(known.address):
            raise EngineGone("nothing listens where the bus was")
        will = aiomqtt.Will(topics.command(user, session), LEFT, qos=1)
        link = cls(client(known.address, user, password, by_socket=True, will=will), topics, user, session)
        await link._enter()
        return link

    async def send(self, frame: bytes) -> None:
        """Send one frame; returns when the broker has it. Raises EngineGone."""
        async with self._turn:
            for start in range(0, len(frame), PORTION):
                await self._post(frame[start : start + PORTION])

    async def receive(self) -> bytes:
        """The next frame. Raises EngineGone."""
        while (line := self._lines.take()) is None:
            message = await self._next()
            if message.topic.value == self._topics.presence:
                self._look(bytes(message.payload))
            else:
                await self._take(bytes(message.payload))
        return line

    async def close(self) -> None:
        """Leave; nothing is left open. Harmless twice."""
        if self._left:
            return
        self._left = True
        with contextlib.suppress(aiomqtt.MqttError):
            await self._mqtt.publish(self._commands, LEFT, qos=1, timeout=1)
        await leave(self._mqtt)

    async def _enter(self) -> None:
        try:
            await self._mqtt.__aenter__()
        except aiomqtt.MqttError as error:
            raise EngineGone(f"the bus lets nobody in ({error})") from None
        try:
            async with asyncio.timeout(PATIENCE):
                await self._mqtt.subscribe([(self._reply, 0), (self._topics.presence, 1)])
                while not self._epoch:
                    self._look(bytes((await self._next()).payload))
        except TimeoutError:
            await leave(self._mqtt)
            raise EngineGone("nothing on the bus says whether the engine is there") from None
        except BaseException:
            await leave(self._mqtt)
            raise

    async def _next(self) -> aiomqtt.Message:
        try:
            return await anext(self._messages)
        except aiomqtt.MqttError:
            raise EngineGone("the engine's broker is gone") from None

    def _look(self, payload: bytes) -> None:
        """The engine is there, or it is not the one that this session is with."""
        try:
            there = msgspec.json.decode(payload, type=Presence)
        except msgspec.MsgspecError:
            raise BadFrame("the presence on the bus is of another version") from None
        if there.state != "here" or self._epoch not in {"", there.epoch}:
            raise EngineGone("the engine is not on the bus" if not self._epoch else "the engine left the bus")
        self._epoch = there.epoch

    async def _take(self, payload: bytes) -> None:
        number, portion = read_from_engine(payload)
        if number != self._taken + 1:
            raise EngineGone("messages were lost on the bus")
        if not portion:
            raise EngineGone("the engine is gone: it closed the session without a word")
        self._taken = number
        self._lines.feed(portion)
        if self._taken - self._told >= SAID_EVERY:
            async with self._turn:
                await self._post(b"", qos=0)

    async def _post(self, portion: bytes, qos: int = 1) -> None:
        if self._left:
            raise EngineGone("the session is closed")
        self._sent += 1
        self._told = self._taken
        try:
            await self._mqtt.publish(self._commands, from_client(self._sent, self._taken, portion), qos)
        except aiomqtt.MqttError:
            raise EngineGone("the engine's broker is gone") from None
