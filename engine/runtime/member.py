"""One agent's place in the world: its keeper, its clone, its boxes. One thing happens in it at a time.

A keeper is started when it is first needed and used again. A frozen agent's place waits, so that no command of ours
is begun in a tree that stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from engine.agents.base import Session
from engine.core.values import AgentSpec
from engine.processes.errors import Busy, Interrupted, KeeperLost, ProcessError
from engine.processes.keeper import Keeper
from engine.processes.running import Running
from engine.processes.values import Program, Proof
from engine.runtime.leavings import Leavings
from engine.runtime.room import Room
from workspaces.clones.clone import Clone, Prepared
from workspaces.clones.rescue import Begun
from workspaces.ports import Completed

GRACE = 2.0
"""Seconds between a gentle end and a kill."""
LEAVING = 30.0
"""Seconds after which what was to end and still runs is called an error."""


class Gone(Exception):
    """The step is not wanted any more; whatever came of it is reported by nobody."""


class Place:
    """A keeper that is there when it is needed, and commands that wait while it is frozen."""

    def __init__(self, name: str, records: Path, room: Room) -> None:
        self.name = name
        self._records, self._room = records, room
        self._keeper: Keeper | None = None
        self._starting = asyncio.Lock()
        self._ends = 0
        self._thawed = asyncio.Event()
        self._thawed.set()

    @property
    def env(self) -> Mapping[str, str]:
        """What a program in it is told, besides what is its own."""
        return self._room.env

    @property
    def walls(self) -> Mapping[str, str]:
        """What of it the confinement asks for, whatever else is left out."""
        return self._room.walls

    @property
    def tmp(self) -> Path | None:
        """A folder for a command's own use, as it is called inside; None where it is anybody's /tmp."""
        return self._room.tmp

    @property
    def home(self) -> Path | None:
        """Its HOME, as it is called inside; None where it is the person's own."""
        return self._room.home

    @property
    def base(self) -> str:
        """The address of the models' gateway, as it is called inside; empty where no way leads there."""
        return self._room.base

    @property
    def scratch(self) -> tuple[Path, ...]:
        """Where its HOME and its /tmp lie, as everybody else calls it."""
        return (self._room.cell.profile.home.parent,) if self._room.cell is not None else ()

    @property
    def frozen(self) -> bool:
        """Whether what is in it stands still."""
        return not self._thawed.is_set()

    async def move(self, room: Room) -> None:
        """Another room from the next program on. What runs is ended."""
        if self._keeper is not None:
            await self._keeper.close()
        await self._room.close()
        self._room = room

    async def clear(self, *, home: bool) -> None:
        """Empty its /tmp and whatever else is only scratch; its HOME too where `home`."""
        folders = self._room.scratch(home=home)
        if folders:
            await (await self.keeper()).clear(folders)

    @contextmanager
    def reaching(self, hosts: Sequence[str]) -> Iterator[None]:
        """While these hosts ("name:port") may be reached from it."""
        way_out = self._room.way_out
        if way_out is None:
            yield
            return
        before, way_out.hosts = way_out.hosts, tuple(hosts)
        try:
            yield
        finally:
            way_out.hosts = before

    @property
    def live(self) -> Keeper | None:
        """The keeper, if one is there."""
        return self._keeper if self._keeper is not None and self._keeper.alive else None

    @property
    def _to_end(self) -> Keeper | None:
        """The keeper, if anything of it may still be there."""
        return self._keeper if self._keeper is not None and self._keeper.lingers else self.live

    async def keeper(self) -> Keeper:
        """The keeper, started if need be. Raises Interrupted where what runs here was ended while it started."""
        ends = self._ends
        async with self._starting:
            self._see_not_ended(ends)
            if self.live is None:
                if self._keeper is not None:
                    await self._keeper.close()
                room = self._room
                self._keeper = await Keeper.start(self.name, records=self._records, env=room.env, cell=room.cell)
                await room.enter(self._keeper)
            keeper = self._keeper
            self._see_not_ended(ends)
        if keeper is None:
            raise KeeperLost(self.name, "it could not be started")
        return keeper

    def _see_not_ended(self, ends: int) -> None:
        """A kill that found nothing to end has said so: then nothing may begin that was asked for before it."""
        if ends != self._ends:
            raise Interrupted(self.name, "what was to run")

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,  # noqa: ASYNC109  the keeper ends the whole tree, which cancellation does not
        limit: int = 64 * 1024 * 1024,
    ) -> Completed:
        """Run a command inside: what `workspaces` asks for as `Inside`."""
        while True:
            await self._thawed.wait()
            try:
                return await (await self.keeper()).call(
                    argv, cwd=cwd, env=env, stdin=stdin, timeout=timeout, limit=limit
                )
            except Busy:
                await self._free()

    async def run(self, program: Program, *, on_output: Callable[[bytes], None] | None = None) -> Running:
        """Start a program: what an adapter asks for as `Keeper`."""
        while True:
            await self._thawed.wait()
            try:
                return await (await self.keeper()).run(program, on_output=on_output)
            except Busy:
                await self._free()

    async def _free(self) -> None:
        """Wait for what still runs here: one has the place to oneself, so it is being ended. Raises Busy if it stays.

        A cancelled command, for one, is killed without anybody waiting for the last of it.
        """
        if not self._thawed.is_set() or self.live is None:
            return
        try:
            async with asyncio.timeout(LEAVING):
                await self.live.idle()
        except TimeoutError:
            raise Busy(self.name, "what ran in it does not end") from None

    async def freeze(self) -> int:
        """Stop the whole tree; how many processes stand still."""
        self._thawed.clear()
        return (await self.live.pause()).processes if self.live is not None else 0

    async def thaw(self) -> None:
        """Let it go on."""
        try:
            if self.live is not None and not self._thawed.is_set():
                await self.live.resume()
        finally:  # a keeper that is lost stops nobody: the next one starts awake
            self._thawed.set()

    async def stop(self, grace: float = GRACE) -> Proof:
        """End what runs, gently at first."""
        self._ends += 1
        proof = await self._to_end.stop(grace) if self._to_end is not None else _NOTHING
        self._thawed.set()
        return proof

    async def kill(self) -> Proof:
        """End what runs, now."""
        self._ends += 1
        proof = await self._to_end.kill() if self._to_end is not None else _NOTHING
        self._thawed.set()
        return proof

    async def close(self) -> None:
        """End the keeper too."""
        if self._keeper is not None:
            await self._keeper.close()
        await self._room.close()


_NOTHING = Proof(gone=True, processes=0, ms=0.0, text="nothing of it ran")


class Member:
    """An agent of the crew with its place and its clone."""

    def __init__(self, spec: AgentSpec, *, clone: Clone, place: Place) -> None:
        self.spec, self.clone, self.place = spec, clone, place
        self.setup_key = ""
        self.overgrown = False
        self.task = ""  # whose its HOME is
        self.lent = False  # copies of log-ins lie in it
        self.leavings = Leavings(spec.name, clone)
        self.unfinished: Begun | None = None
        self.carried = ""  # the commit of earlier work that its clone was prepared with
        self.sessions: dict[str, str] = {}  # of its task, by kind of step: what its program can take up again
        self.session: Session | None = None  # while its program is at a step
        self._prepared: Prepared | None = None
        self._ends = 0
        self._turn = asyncio.Lock()

    @property
    def ending(self) -> bool:
        """Whether a person ends what it does: whoever ends it reports that, and the hand does not."""
        return self._ends > 0

    @contextmanager
    def being_ended(self) -> Iterator[None]:
        """While a person ends it and until that is reported; from then on its lease is over, whatever comes late."""
        self._ends += 1
        try:
            yield
        finally:
            self._ends -= 1

    @contextmanager
    def working(self, session: Session) -> Iterator[None]:
        """While its program is at a step."""
        self.session = session
        try:
            yield
        finally:
            self.session = None

    async def end(self) -> Proof:
        """End what it does: in its program's own way where it has one, then by signals; at once if it stands still."""
        if self.session is not None and not self.place.frozen:
            await self.session.interrupt()
        return await self.place.stop()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have the place to oneself. Raises Gone while a person ends what the agent does."""
        async with self._turn:
            if self.ending:
                raise Gone
            try:
                yield
            finally:
                self.unfinished = None
                if self.overgrown:
                    await self._shrink()

    async def _shrink(self) -> None:
        """What it holds is more than it may hold: make room, and begin anew with nothing."""
        self.overgrown, self.setup_key = False, ""
        await self.leavings.clear_up("its clone holds more than it may")
        await self.clone.discard()
        with suppress(ProcessError):
            await self.place.clear(home=True)

    async def give_back(self) -> None:
        """The run rests: no copy of a log-in stays in its HOME. Should that fail, its next task begins with it."""
        if not self.lent:
            return
        with suppress(ProcessError):
            if self.place.frozen:
                await self.place.kill()
            await self.place.clear(home=True)
        self.lent = False

    async def prepare(self, base: str, carry: str | None = None) -> Prepared:
        """Bring the clone to a base, as `Clone.prepare` does; what was left in it is kept first."""
        await self.leavings.clear_up()
        self.carried = carry or ""
        self._prepared = await self.clone.prepare(base, carry)
        return self._prepared

    def begin(self, begun: Begun) -> None:
        """A program is about to start in the clone as it was prepared, for this."""
        if self._prepared is not None:
            given = replace(begun, base=self._prepared.base, tree=self._prepared.tree)
            self.unfinished = self.leavings.begin(given)
