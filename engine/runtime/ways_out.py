"""The ways out of a run's rooms: to hosts, where every request is written down, and to the models' gateway.

What hosts may be reached is asked at each request, so that setup and the agent after it can differ; who was refused is
told in the record. Each way has a socket that listens inside where the network is empty, and else one of this machine.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.gateway.call import Asked
from engine.gateway.door import BACKLOG, LOCAL, Door
from engine.gateway.exit import Exit
from engine.gateway.log import Refusals, RequestLog
from engine.processes.confinement.profile import LOOPBACK
from engine.processes.keeper import Keeper

PORT, MODELS_PORT = 3128, 3129
"""On 127.0.0.1 inside a network namespace: what proxies are expected at, and the models' gateway."""
Listeners = Mapping[int, socket.socket]


class Models(Protocol):
    """The models' gateway, as a room needs it."""

    async def serve(self, agent: str, listener: socket.socket) -> None:
        """Answer what `agent` asks at this listener, which is the gateway's own from now on. It does not wait."""
        ...

    async def leave(self, agent: str) -> None:
        """End what is under way for it and close its listeners. Harmless twice, and for one who was never served."""
        ...


class WaysOut:
    """What the ways out of one run have in common. `refused` is told the first refusal of each host an assignment."""

    def __init__(self, log: Path, refused: Callable[[Asked], None]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log, self._refused, self._refusals = RequestLog(log), refused, Refusals()

    def begin(self, agent: str) -> None:
        """A new assignment: what is refused from now on is told again."""
        self._refusals.begin(agent)

    def tell(self, asked: Asked) -> None:
        """A request is over."""
        self._log.write(asked)
        if self._refusals.first(asked):
            self._refused(asked)

    def close(self) -> None:
        """Nothing more comes."""
        self._log.close()


class WayToHosts:
    """The proxy of a room. `setting` says where a refusal can be changed."""

    def __init__(self, agent: str, setting: str, common: WaysOut, *, inside: bool) -> None:
        self.hosts: tuple[str, ...] = ()
        self._agent, self._setting, self._common = agent, setting, common
        self._door = None if inside else Door()
        self._exit: Exit | None = None

    @property
    def port(self) -> int:
        """Where it is on 127.0.0.1."""
        return PORT if self._door is None else self._door.port

    @property
    def token(self) -> str:
        """The password, where others could find the port."""
        return "" if self._door is None else self._door.token

    async def serve(self, listeners: Listeners) -> None:
        """Serve a keeper's programs, given what listens inside; an earlier one is gone."""
        if self._door is not None:
            if self._exit is None:
                self._exit = self._made()
                await self._door.serve(self._exit)
            return
        await self._shut()
        self._exit = self._made()
        await self._exit.serve(listeners[PORT])

    async def close(self) -> None:
        """End all that is under way. Harmless twice."""
        await self._shut()
        if self._door is not None:
            self._door.close()

    async def _shut(self) -> None:
        if self._exit is not None:
            await self._exit.close()
            self._exit = None

    def _made(self) -> Exit:
        return Exit(self._agent, lambda: self.hosts, self._common.tell, setting=self._setting)


class WayToModels:
    """The port of a room where `agent` asks models. Who it is that asks there, the gateway finds out."""

    def __init__(self, agent: str, models: Models, *, inside: bool) -> None:
        self._agent, self._models = agent, models
        self._own = None if inside else socket.create_server((LOCAL, 0), backlog=BACKLOG)
        self.port: int = MODELS_PORT if self._own is None else self._own.getsockname()[1]
        self._served = False

    async def serve(self, listeners: Listeners) -> None:
        """As `WayToHosts.serve`."""
        if self._own is not None:
            if not self._served:
                self._served = True
                await self._models.serve(self._agent, self._own)
            return
        await self._models.leave(self._agent)
        await self._models.serve(self._agent, listeners[MODELS_PORT])

    async def close(self) -> None:
        """As `WayToHosts.close`."""
        await self._models.leave(self._agent)
        if self._own is not None:
            self._own.close()


class WayOut:
    """All the ways out of a room. Closed, their ports are gone."""

    def __init__(self, to_hosts: WayToHosts | None, to_models: WayToModels | None, direct: Sequence[str]) -> None:
        self._to_hosts, self._to_models = to_hosts, to_models
        self.direct = tuple(direct)
        """What is not asked for at the proxy."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Which may be reached, where that is limited at all."""
        return () if self._to_hosts is None else self._to_hosts.hosts

    @hosts.setter
    def hosts(self, hosts: Sequence[str]) -> None:
        if self._to_hosts is not None:
            self._to_hosts.hosts = tuple(hosts)

    @property
    def port(self) -> int:
        """That of the proxy on 127.0.0.1; 0 where there is none."""
        return 0 if self._to_hosts is None else self._to_hosts.port

    @property
    def token(self) -> str:
        """The proxy's password, where others could find the port."""
        return "" if self._to_hosts is None else self._to_hosts.token

    @property
    def models(self) -> int:
        """The port of the models' gateway on 127.0.0.1; 0 where there is none."""
        return 0 if self._to_models is None else self._to_models.port

    @property
    def base(self) -> str:
        """The address of the models' gateway as programs in the room know it; empty where there is none."""
        return f"http://{self.direct[0]}:{self.models}" if self.models else ""

    async def serve(self, keeper: Keeper) -> None:
        """Serve this keeper's programs; an earlier one is gone."""
        listeners = {listener.getsockname()[1]: listener for listener in keeper.listeners}
        for way in (self._to_hosts, self._to_models):
            if way is not None:
                await way.serve(listeners)

    async def close(self) -> None:
        """End all that is under way. Harmless twice."""
        for way in (self._to_hosts, self._to_models):
            if way is not None:
                await way.close()


def direct(entries: Sequence[str]) -> tuple[str, ...]:
    """Names of this machine that mean the inside of a room: those by which no declared host ("name:port") is called."""
    declared = {entry.split(":")[0].lower() for entry in entries}
    return tuple(name for name in LOOPBACK if name not in declared) or LOOPBACK
