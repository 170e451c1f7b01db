"""The models' gateway: agents ask it at listeners of their own, and it asks the vendors, within their budgets.

It runs in the engine's own loop. A listener that was made inside a sandbox is served from here as any other.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping

from engine.gateway.llm.client import Client
from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.health import Health
from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.parts import AtBudget, Keys, Parts
from engine.gateway.llm.ports import Cache, Tape
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.taped import Taping
from engine.gateway.llm.till import Till
from engine.gateway.llm.upstreams import Player, Sender
from engine.gateway.llm.values import Purse, Upstream
from engine.gateway.llm.web import Door


class Gateway:
    """One for all agents of a run. `cache` and `tape` where the crew has them; `wall` is Unix time."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        purse: Purse,
        *,
        prices: Prices,
        at_budget: AtBudget = "hold",
        cache: Cache | None = None,
        tape: Tape | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._upstreams, self._purse, self._at_budget = upstreams, purse, at_budget
        self._cache, self._tape, self._wall = cache, tape, wall
        self._till, self._health, self._keys = Till(purse, prices, Estimator()), Health(), Keys()
        self._lanes: dict[str, Lane] = {}
        self._doors: dict[str, Door] = {}
        self._parts: Parts | None = None

    async def open(self) -> None:
        """Be ready to ask vendors; to be called in the loop that it runs in."""
        self._parts = Parts(
            upstreams=self._upstreams,
            purse=self._purse,
            till=self._till,
            health=self._health,
            sender=self._sender(),
            keys=self._keys,
            at_budget=self._at_budget,
            cache=self._cache,
            wall=self._wall,
        )

    def admit(self, agent: str, lane: Lane) -> None:
        """From here on this is what the agent has here."""
        self._lanes[agent] = lane

    def dismiss(self, agent: str) -> None:
        """Its token is worth nothing any more."""
        self._lanes.pop(agent, None)

    async def serve(self, agent: str, listener: socket.socket) -> None:
        """Answer what the agent asks at this listener, which is the gateway's own from now on."""
        if self._parts is None:
            raise RuntimeError("the gateway is not open")
        if agent not in self._doors:
            self._doors[agent] = Door(agent, lambda: self._lanes.get(agent), self._parts)
        self._doors[agent].listen(listener)

    async def leave(self, agent: str) -> None:
        """End what is under way for it, booked as it stands, and close its listeners."""
        door = self._doors.pop(agent, None)
        if door is not None:
            await door.close()

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(*map(self.leave, list(self._doors)))
        if self._parts is not None:
            await self._parts.sender.close()
            self._parts = None

    def _sender(self) -> Sender:
        if self._tape is None:
            return Client()
        return Player(self._tape) if self._tape.plays else Taping(Client(), self._tape)
