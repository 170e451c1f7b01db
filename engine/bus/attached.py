"""The bus of one engine: a broker, the engine's connection to it, and both again when either is lost.

Nothing here can hold up or end a run. What was said on a broker that died is said again on the next: all that is
retained, and every event from the first that was not acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec

from engine.api.calls import Engine
from engine.bus import address, foreign
from engine.bus.accounts import Accounts
from engine.bus.broker import BrokerProcess, free_port, listens
from engine.bus.dial import client, leave
from engine.bus.doors import Doors
from engine.bus.errors import BrokerFailed, BusError, BusOff, NoBroker
from engine.bus.mirror import Mirror
from engine.bus.provider import Place, Wanted, choose
from engine.bus.topics import ENGINE, Topics
from engine.bus.wire import Presence

FIRST, LONGEST = 0.1, 10.0
"""Seconds before a broker is started again; doubled each time, until one has lasted `LONGEST`."""
UP_SECONDS, LOOK = 10.0, 0.02
"""Seconds in which a broker must let the engine in, and between two tries."""
FAREWELL, END_SECONDS = 1.0, 6.0
"""Seconds for what is left to say, and for everything that an end takes."""

log = logging.getLogger(__name__)


class Bus:
    """Begins at once, ended by `close`. Events after `since` are said on it.

    `changed` is called with the number of clients whenever it changes.
    """

    def __init__(
        self,
        engine: Engine,
        repo_id: str,
        folder: Path,
        socket: Path,
        *,
        since: int,
        provider: Wanted = "auto",
        port: int = 0,
        accounts: tuple[str, ...] = ("viewer",),
        changed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._engine, self._repo_id, self._folder, self._socket = engine, repo_id, folder, socket
        self._wanted, self._port, self._changed = provider, port, changed
        self._topics = Topics(repo_id)
        self._people = accounts
        self._accounts = Accounts(folder, (ENGINE, *accounts))
        self._mirror = Mirror(engine, self._topics, since)
        self._told: dict[str, Any] = {"state": "starting"}
        self._broker = 0
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="bus")

    def status(self) -> dict[str, Any]:
        """What `status --json` says under `bus`: state, and how to connect once it is `up`. No password."""
        return self._told

    @property
    def running(self) -> bool:
        """Whether it is up or tries to be."""
        return not self._task.done()

    @property
    def broker(self) -> int:
        """The process that stands over the broker; 0 while there is none."""
        return self._broker

    async def close(self) -> None:
        """Say farewell to every client and end the broker. Harmless twice."""
        self._ending.set()
        await asyncio.wait({self._task}, timeout=END_SECONDS)
        await _ended({self._task})

    async def _run(self) -> None:
        wait = FIRST
        while not self._ending.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await self._live()
            except NoBroker as missing:
                log.warning("no bus: %s", missing)
                self._told = {"state": "off", "reason": str(missing)}
                return
            except (BusError, OSError) as error:
                log.warning("the bus is down: %s", error)
                self._told = {"state": "down", "reason": str(error)}
            except Exception as error:
                log.exception("the bus is down")
                self._told = {"state": "down", "reason": f"a defect in the bus: {type(error).__name__}: {error}"}
            lasted = asyncio.get_running_loop().time() - began
            wait = FIRST if lasted > LONGEST else min(wait * 2, LONGEST)
            await self._until_ending(wait)
        self._told = {"state": "off"}

    async def _until_ending(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)

    async def _live(self) -> None:
        """One life of a broker. Returns once the bus is to end. Raises BusError."""
        provider = choose(self._wanted)
        self._accounts.create()
        place = Place(
            folder=self._folder,
            socket=self._socket,
            port=self._port or free_port(_last_port(self._folder)),
            root=self._topics.root,
            accounts=self._accounts,
        )
        broker = await BrokerProcess.start(provider, place)
        self._broker = broker.pid
        try:
            presence = Presence(state="here", epoch=secrets.token_hex(8), version=self._engine.version, pid=os.getpid())
            mqtt = await self._enter(broker)
            try:
                await self._be_there(broker, mqtt, presence)
            finally:
                await leave(mqtt)
        finally:
            self._broker = 0
            await broker.close()

    async def _enter(self, broker: BrokerProcess) -> aiomqtt.Client:
        """Log in as soon as it listens. Raises BrokerFailed."""
        password = self._accounts.file(ENGINE).read_text()
        will = aiomqtt.Will(self._topics.presence, _GONE, qos=1, retain=True)
        provider, last = broker.address.provider, asyncio.get_running_loop().time() + UP_SECONDS
        while not listens(broker.address):
            if broker.gone.done():
                raise broker.failed()
            if asyncio.get_running_loop().time() > last:
                raise BrokerFailed(provider, f"does not listen after {UP_SECONDS:g} s", broker.said)
            await asyncio.wait({broker.gone}, timeout=LOOK)
        try:
            return await client(broker.address, ENGINE, password, by_socket=True, will=will).__aenter__()
        except aiomqtt.MqttError as error:
            raise BrokerFailed(provider, f"does not let the engine in ({error})", broker.said) from None

    async def _be_there(self, broker: BrokerProcess, mqtt: aiomqtt.Client, presence: Presence) -> None:
        """Mirror the engine and serve clients until the bus is to end. Raises BrokerFailed."""

        async def say(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
            await mqtt.publish(topic, payload, qos, retain)

        async def send(topic: str, payload: bytes, qos: int) -> None:
            with contextlib.suppress(aiomqtt.MqttError):  # whoever listens finds out
                await mqtt.publish(topic, payload, qos)

        doors = Doors(self._engine, self._topics, send, self._changed)
        heard_farewell = asyncio.Event()
        listening = asyncio.create_task(self._listen(mqtt, doors, presence, heard_farewell))
        mirroring = asyncio.create_task(self._mirror.run(say))
        ending = asyncio.create_task(self._ending.wait())
        self._told = self._connected(broker)
        try:
            await asyncio.wait({listening, mirroring, broker.gone, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not self._ending.is_set():
                raise _why(broker, {listening, mirroring})
            await _ended({mirroring})
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self._mirror.catch_up(say)
            await doors.finish()
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await say(self._topics.presence, _GONE, retain=True)
                    await heard_farewell.wait()  # by now the broker has handed out all that came before
        finally:
            await _ended({listening, mirroring, ending})
            await doors.drop()

    async def _listen(self, mqtt: aiomqtt.Client, doors: Doors, presence: Presence, farewell: asyncio.Event) -> None:
        """Be there and take commands in; says so when our own farewell comes back."""
        await mqtt.subscribe([(topic, 1) for topic in (*self._topics.commands, self._topics.presence)])
        await mqtt.publish(self._topics.presence, msgspec.json.encode(presence), 1, retain=True)
        async for message in mqtt.messages:
            if message.topic.value != self._topics.presence and not message.retain:
                await doors.take(message.topic.value, bytes(message.payload))
            elif message.payload == _GONE:
                farewell.set()

    def _connected(self, broker: BrokerProcess) -> dict[str, Any]:
        where, first = broker.address, self._people[0]
        known = address.Known(
            repo=self._repo_id,
            provider=where.provider,
            host=where.host,
            port=where.port,
            socket=str(where.socket) if where.socket else None,
            accounts=self._people,
        )
        foreign.write(self._accounts, self._people, where)
        address.publish(self._folder, known)
        return {
            "state": "up",
            "provider": where.provider,
            "host": where.host,
            "port": where.port,
            "socket": known.socket,
            "topics": self._topics.root,
            "user": first,
            "password_file": str(self._accounts.file(first)),
            "options": str(foreign.folder(self._folder, first)),
        }


_GONE = msgspec.json.encode(Presence(state="gone"))


def _last_port(folder: Path) -> int:
    """Where it was last time, so that programs find it again; 0 when it is the first time."""
    try:
        return address.read(folder).port
    except BusOff:
        return 0


def _why(broker: BrokerProcess, work: set[asyncio.Task[None]]) -> BusError:
    """What ended a life."""
    errors = [task.exception() for task in work if task.done() and not task.cancelled()]
    first = next((error for error in errors if error is not None), None)
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if broker.gone.done():
        return broker.failed()
    if first is not None and not isinstance(first, aiomqtt.MqttError):
        raise first  # a defect
    return BrokerFailed(broker.address.provider, f"hung up ({first})")


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
