"""Looks into the clones of agents at work: what each has changed so far, while its own place is busy with it.

Each agent has a second place for that, made when somebody first looks and ended when nobody has for a while. One look
at a time an agent; whoever asks meanwhile shares its answer. A frozen agent can be looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.api.calls import LARGEST_DIFF, CallRefused, Difference
from engine.processes.errors import ProcessError
from engine.processes.values import Proof
from engine.runtime.cells import Cells
from engine.runtime.member import Member, Place
from engine.runtime.room import Room
from workspaces.clones.look import look
from workspaces.errors import WorkspaceError
from workspaces.repository import Repository

IDLE = 15.0
"""Seconds without a look after which an agent's second place is given up."""


class Looking:
    """The looks of one world."""

    def __init__(self, repo: Repository, records: Path, env: Mapping[str, str], cells: Cells) -> None:
        self._repo, self._records, self._env, self._cells = repo, records, env, cells
        self._places: dict[str, Place] = {}
        self._looks: dict[str, asyncio.Task[Difference]] = {}
        self._rests: dict[str, asyncio.Task[None]] = {}

    def places(self) -> Sequence[Place]:
        """What holds processes of looks."""
        return list(self._places.values())

    async def difference(self, member: Member) -> Difference:
        """What the agent's clone holds against the base it works on. Raises CallRefused."""
        name = member.spec.name
        look_ = self._looks.get(name)
        if look_ is None:
            look_ = self._looks[name] = asyncio.create_task(self._look(member), name=f"look {name}")
            look_.add_done_callback(lambda _: self._done(name))
        try:
            return await asyncio.shield(look_)
        except asyncio.CancelledError:
            if look_.cancelled():
                raise CallRefused(f"{name} was ended while its clone was looked at", code="nothing") from None
            raise

    async def kill(self, name: str) -> Proof | None:
        """End a look at this agent, with the proof; None where there never was one."""
        if name in self._looks:
            self._looks[name].cancel()
        return await self._places[name].kill() if name in self._places else None

    async def close(self) -> None:
        """End every look; the places are ended by the world."""
        tasks = [*self._looks.values(), *self._rests.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, member: Member) -> Difference:
        name, work = member.spec.name, member.unfinished
        if work is None or work.kind != "work" or member.ending:
            raise CallRefused(f"{name} has no work under way; `task` tells what was claimed", code="nothing")
        if name not in self._places:
            self._places[name] = self._place(name, member)
        if (rest := self._rests.pop(name, None)) is not None:
            rest.cancel()
            await asyncio.gather(rest, return_exceptions=True)
        at = time.time()
        try:
            seen = await look(
                self._repo,
                member.clone.folder,
                self._places[name],
                base=work.base,
                limit=LARGEST_DIFF,
                scratch=self._places[name].tmp,
            )
        except (ProcessError, WorkspaceError) as error:
            raise CallRefused(str(error), code="unseen", exit_code=1) from error
        return Difference(base=work.base, text=seen.diff.decode("utf-8", "replace"), at=at, cut=seen.cut, live=True)

    def _place(self, name: str, member: Member) -> Place:
        look_ = f"_look-{name}"
        return Place(look_, self._records, Room(self._env, self._cells.look(look_, member.clone.folder)))

    def _done(self, name: str) -> None:
        task = self._looks.pop(name)
        if not task.cancelled():
            task.exception()  # told to those who asked; nobody may be left of them
        if name in self._places and name not in self._rests:
            self._rests[name] = asyncio.create_task(self._rest(name))

    async def _rest(self, name: str) -> None:
        await asyncio.sleep(IDLE)
        await self._places[name].close()
