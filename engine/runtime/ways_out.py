"""The ways out of a run's rooms: every request is written down, and who was refused is told in the record.

What may be reached is asked at each request, so that setup and the agent after it can differ.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.gateway.call import Asked
from engine.gateway.door import Door
from engine.gateway.exit import Exit
from engine.gateway.log import Refusals, RequestLog
from engine.processes.keeper import Keeper

PORT = 3128
"""Of the way out, on 127.0.0.1 inside a network namespace; what proxies are expected at."""


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


class WayOut:
    """The one of a room. `setting` says where a refusal can be changed. Closed, its port is gone."""

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

    async def serve(self, keeper: Keeper) -> None:
        """Serve this keeper's programs; an earlier one is gone."""
        if self._door is not None:
            if self._exit is None:
                self._exit = self._made()
                await self._door.serve(self._exit)
            return
        await self._shut()
        self._exit = self._made()
        for listener in keeper.listeners:
            await self._exit.serve(listener)

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
