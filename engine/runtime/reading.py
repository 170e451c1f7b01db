"""What clients read of the engine: record, state, status, and what agents print, change and leave. Nothing changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from engine.api import undo
from engine.api.calls import Artifact, CallRefused, Difference, Page, Printed
from engine.api.status import status
from engine.api.version import VERSION
from engine.core import events as e
from engine.journal.reader import read_lines
from engine.runtime.claims import claimed
from engine.runtime.follower import Follower
from engine.runtime.record import Record
from engine.runtime.sayings import Sayings
from engine.runtime.shelf import Shelf
from engine.runtime.world import World
from workspaces.layout import Layout
from workspaces.repository import Repository


class Reading:
    """The half of `engine.api.calls.Engine` that only tells."""

    version = VERSION

    def __init__(self, repo: Repository, layout: Layout, record: Record) -> None:
        self.repo, self.layout, self.record = repo, layout, record
        self.bus: Callable[[], dict[str, Any]] = lambda: {"state": "off"}  # whoever attaches one says more
        self.shelf = Shelf(layout, record)
        self._sayings = Sayings()
        self._world: World | None = None

    @property
    def seq(self) -> int:
        """The last durable event."""
        return self.record.durable

    def booked(self) -> Iterator[str]:
        """The requests that are booked in the run."""
        run = self.record.state.run
        for line in read_lines(self.layout.journal, run.seq if run is not None else 0):
            if b"usage_booked" in line:
                event = e.decode(line)
                if isinstance(event.data, e.UsageBooked) and event.data.request:
                    yield event.data.request

    def since(self, seq: int, limit: int) -> Sequence[bytes]:
        """Durable events after `seq`, as encoded objects."""
        return self.record.since(seq, limit)

    async def changed(self, seq: int) -> None:
        """Return once an event after `seq` is durable."""
        await self.record.changed(seq)

    async def state(self) -> bytes:
        """The state as JSON, once all that it rests on is durable."""
        state = self.record.state
        seq, encoded = state.seq, msgspec.json.encode(state)
        await self.record.changed(seq - 1)
        return encoded

    async def kept(self) -> dict[str, Any]:
        """What `undo --json` prints."""
        return await undo.told(self.repo.git, self.record.state, self.layout)

    async def diff(self, *, agent: str | None, task: str | None, attempt: int | None) -> Difference:
        """What an agent's clone holds now, or what an attempt at a task claimed."""
        if agent is None:
            return await claimed(self.repo.git, self.record.state, task, attempt)
        (name,) = self._named(agent)
        if task is not None or attempt is not None:
            raise CallRefused("either an agent or a task, not both", code="both")
        member = self._world.members.get(name) if self._world is not None else None
        if self._world is None or member is None:
            raise CallRefused(f"{name} has no work under way: the run is at rest", code="nothing")
        return await self._world.looking.difference(member)

    def transcript(self, which: Printed, *, offset: int, limit: int) -> Page:
        """A page of a transcript."""
        return self.shelf.transcript(which, offset=offset, limit=limit, growing=self._sayings.growing)

    def artifacts(self, task: str, attempt: int | None) -> Sequence[Artifact]:
        """The files that attempts at a task left."""
        return self.shelf.artifacts(task, attempt)

    def artifact(self, task: str, attempt: int, name: str, *, offset: int, limit: int) -> Page:
        """A page of one of them."""
        return self.shelf.artifact(task, attempt, name, offset=offset, limit=limit)

    def follow(self) -> Follower:
        """Follow what agents print; of those who printed before this engine came up, what they printed last."""
        self.shelf.recall(self._sayings, self.record.state.agents)
        return Follower(self._sayings)

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        told = {"pid": os.getpid(), "version": VERSION, "seq": self.record.durable}
        return {**status(self.record.state, now=time.time(), engine=told), "bus": self.bus()}

    def _named(self, agent: str | None) -> list[str]:
        agents = self.record.state.agents
        if agent is not None and agent not in agents:
            known = ", ".join(sorted(agents)) or "none: no run has begun here"
            raise CallRefused(f'no agent "{agent}": there is {known}', code="unknown")
        return [agent] if agent is not None else sorted(agents)
