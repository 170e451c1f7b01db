"""A gateway's purse in the simulated world: reservations in a file that outlives the engine, requests that wait.

A request is sent only where it fits what the core leaves, less what is reserved. Its reservation is closed by a booking
that is durable, never before; what an engine that died left open is booked by the next one, as estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from engine.core import commands as c
from engine.core import events as e
from engine.core.budgets import lines, next_day
from engine.core.state import State
from engine.core.values import Amount, Tokens


@dataclass(frozen=True)
class Hold:
    """The most that one request can cost."""

    id: str
    agent: str
    task: str
    tokens: int


class Purse:
    """Who may spend. `report` decides at once and answers with the seq of what followed."""

    def __init__(self, rng: Random, report: Callable[[c.Reports], int]) -> None:
        self.rng = rng
        self.spool: dict[str, Hold] = {}
        self.parked: dict[str, float] = {}  # agent -> until
        self._freed = False  # was a reservation closed since it was looked?
        self._midnight = next_day(0.0)
        self._maybe: set[str] = set()  # agents for whom there may be room again
        self._told: set[str] = set()  # requests whose booking is decided, and perhaps not durable
        self._report = report
        self._count = 0

    def room(self, state: State, hold: Hold, at: float) -> bool:
        """Does it fit, with all that is reserved?"""
        for line in lines(state, hold.agent, hold.task, at):
            held = sum(other.tokens for other in self.spool.values() if _under(line.scope, other))
            if line.tokens is not None and hold.tokens + held > line.tokens:
                return False
        return True

    def wants(self, agent: str, task: str) -> Hold:
        """A request that has yet to be sent."""
        self._count += 1
        return Hold(f"q{self._count}", agent, task, self.rng.randrange(1, 400))

    def short(self, hold: Hold) -> int:
        """It does not fit: say so, and be told by which event it waits."""
        return self._report(c.Short(agent=hold.agent, task=hold.task, needed=Amount(tokens=hold.tokens), why="short"))

    def settle(self, hold: Hold, *, estimated: bool = False) -> int:
        """What it cost; its reservation stands until that is durable."""
        self._told.add(hold.id)
        used = hold.tokens if estimated else self.rng.randrange(hold.tokens + 1)
        return self._report(
            c.Spent(
                agent=hold.agent,
                task=hold.task,
                tokens=Tokens(input=used // 2, output=used - used // 2),
                usd="0.01",
                source="gateway",
                request=hold.id,
                estimated=estimated,
            )
        )

    def recover(self, events: Iterable[e.Event]) -> None:
        """A new engine: what the record does not hold is booked now."""
        self.parked.clear()
        self._told.clear()
        for event in events:
            self.durable(event)
        self.left_by({hold.agent for hold in self.spool.values()})

    def left_by(self, agents: Iterable[str]) -> None:
        """Their programs ended with requests under way: these may have cost all they could."""
        gone = set(agents)
        for hold in [hold for hold in self.spool.values() if hold.agent in gone and hold.id not in self._told]:
            self.settle(hold, estimated=True)

    def durable(self, event: e.Event) -> None:
        """A booking that is durable closes its reservation."""
        if isinstance(event.data, e.UsageBooked) and event.data.request:
            self._freed = self.spool.pop(event.data.request, None) is not None or self._freed

    def park(self, agent: str, until: float) -> int:
        """A provider takes nothing until then."""
        self.parked[agent] = until
        return self._report(c.Parked(agent=agent, provider="p", model="m", until=until, why="429"))

    def due(self, state: State, now: float) -> list[str]:
        """Agents whose wait may be over, as time has passed."""
        if self._freed or now >= self._midnight:
            self._freed, self._midnight = False, next_day(now)
            self._maybe |= {name for name, agent in state.agents.items() if agent.paused_for == "budget"}
        return sorted({*self._maybe, *(name for name, until in self.parked.items() if until <= now)})

    def unpark(self, agent: str) -> None:
        """Say that there may be room, or that the provider takes requests again."""
        self.parked.pop(agent, None)
        self._maybe.discard(agent)
        self._report(c.Unparked(agent=agent))


def _under(scope: str, hold: Hold) -> bool:
    return scope in {"run", "day", hold.agent, f"task:{hold.task}"}
