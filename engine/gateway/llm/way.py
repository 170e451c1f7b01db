"""Which target a request goes to now, and the waiting until there is one: for a reset, or for a provider to recover."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from engine.gateway.llm.health import Go, Wait
from engine.gateway.llm.lanes import Target
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.values import Happened, Happening, Left

SOON = 3.0
"""Seconds that a request waits in silence; for longer its agent is put to rest."""
PATIENT = 60.0
"""Seconds that a limited provider is waited for although there is a fallback: it has the conversation in its cache."""
SETTLE = 0.5
"""Seconds for an agent that stood still: its own clocks ran on, and it may want to leave before anything is spent."""
PROBED = 1.0
"""Seconds until it is looked again whether a probe is over."""


class Way:
    """Of one request of an agent. `targets`: the one that is meant, then its fallbacks."""

    def __init__(self, parts: Parts, agent: str, targets: tuple[Target, ...]) -> None:
        self._parts, self._agent = parts, agent
        self._left = list(targets)
        self._at = targets[0]

    async def clear(self) -> tuple[Target, Go]:
        """The first target that can be asked; waits until there is one."""
        while True:
            waits: list[tuple[Target, Wait]] = []
            for target in self._left:
                leave = self._parts.health.leave(target.name, self._parts.wall())
                if isinstance(leave, Go):
                    self._moved(target, waits[0][1].why if waits else "failed too often")
                    return target, leave
                waits.append((target, leave))
                if leave.why != "opened" and leave.until - self._parts.wall() <= PATIENT:
                    break
            await self._wait(*min(waits, key=lambda each: each[1].until))

    def drop(self, target: Target) -> bool:
        """It has failed this request too often; False: and it was the last one."""
        self._left.remove(target)
        return bool(self._left)

    def tell(
        self, what: Happened, target: Target, why: str, *, until: float = 0.0, to: str = "", attempt: int = 0
    ) -> None:
        """Show that this happened at a target."""
        self._parts.purse.tell(self._happening(what, target, why, until=until, to=to, attempt=attempt))

    def refused(self, target: Target, why: str, needed: Left) -> None:
        """Show that there was too little left to ask it."""
        self._parts.purse.tell(replace(self._happening("refused", target, why), needed=needed))

    def _happening(
        self, what: Happened, target: Target, why: str, *, until: float = 0.0, to: str = "", attempt: int = 0
    ) -> Happening:
        provider, model = target.name
        return Happening(
            what=what, agent=self._agent, provider=provider, model=model, why=why, until=until, to=to, attempt=attempt
        )

    def _moved(self, target: Target, why: str) -> None:
        if target is not self._at:
            self.tell("fallback", self._at, why, to="/".join(target.name))
            self._at = target

    async def _wait(self, target: Target, wait: Wait) -> None:
        parts = self._parts
        seconds = wait.until - parts.wall()
        if seconds <= SOON:
            await asyncio.sleep(max(seconds, 0.0) if wait.until else PROBED)
            return
        why = "it said so" if wait.why == "limited" else "it failed too often in a row"
        await parts.purse.parked(self._agent, self._happening(wait.why, target, why, until=wait.until))
        if parts.wall() < wait.until:  # a person does not want to wait
            parts.health.lift(target.name)
        await asyncio.sleep(SETTLE)
