"""The one place where the dashboard meets the engine: connects, stays connected, folds what comes, asks.

It runs as a task of the screen's own loop and never raises: a lost engine is said on the board and tried again, at
once at first, then ever later up to `PATIENCE`. It paints nothing; it calls `wake` after each change. A request is a
plain coroutine that raises `CallRefused` or `EngineGone`, for whoever asked.
"""

from __future__ import annotations

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from engine.api.calls import CallRefused, Difference, Page
from engine.api.errors import ApiError, EngineGone, NoEngine, WrongVersion
from engine.api.link import unix
from engine.api.session import Said, Session
from engine.core.commands import Requests
from engine.core.events import Event
from tui.viewmodel.board import Board

__all__ = ["ApiError", "Bridge", "ByRecords", "CallRefused", "Difference", "Open", "Page", "at", "person"]

Open = Callable[[], Awaitable[Session]]
"""Gives a greeted session of the engine. Raises ApiError where there is none."""
ByRecords = Callable[[str | None], list[dict[str, Any]]]
"""Kills an agent, or all, by the records of their processes alone, and holds them. May block for seconds."""
GREETING = 1.0
"""Seconds that an engine has to greet somebody who wants to kill."""
EAGER, PATIENCE = 0.05, 2.0
"""Seconds before the first and between the last tries to reach an engine that is gone."""
RECALLED = 64 * 1024
"""Bytes of an old transcript that are shown."""
HISTORY = 5_000
"""Events of the run that are told again at the beginning, for what is shown of the past."""


class Killed(NamedTuple):
    """One object an agent, as `kill --json` prints it; by an engine it is recorded as well."""

    each: list[dict[str, Any]]
    recorded: bool


def at(path: Path) -> Open:
    """How to reach the engine that listens at this socket."""

    async def open_() -> Session:
        return await Session.open(await unix(path))

    return open_


def person() -> str:
    """The user's login name, as far as a record takes it: whoever asks is known by it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    name = re.sub(r"[^\w.@+-]", "", name)[:64]
    return name if name and name != "engine" else "person"


class Bridge:
    """Keeps `board` true. `heard` is called with the agent that something came of; with none, after a new beginning.

    `by_records` is what kills when no engine does; None where its records are out of reach.
    """

    def __init__(
        self,
        board: Board,
        open_: Open,
        *,
        wake: Callable[[], None],
        heard: Callable[[str], None],
        by_records: ByRecords | None = None,
    ) -> None:
        self._board, self._open, self._wake, self._heard = board, open_, wake, heard
        self._by_records = by_records
        self._session: Session | None = None
        self._followed = ""
        self._person = person()

    # -- staying connected ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait = EAGER
        while True:
            try:
                async with await self._open() as session:
                    wait = EAGER
                    await self._live(session)
            except NoEngine:
                if self._board.link.word != "gone" or self._board.link.hung:  # else the reason why it went says more
                    self._lose("none runs here")
            except EngineGone as gone:
                told = gone.reason.removeprefix("the engine is gone: ")  # the banner says that already
                self._lose(told, hung=gone.hung)
            except WrongVersion as other:
                self._lose(str(other))
                wait = PATIENCE
            except (ApiError, CallRefused, OSError) as error:
                self._lose(str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, PATIENCE)

    def _lose(self, reason: str, *, hung: bool = False) -> None:
        self._session = None
        self._board.lost(reason, hung=hung)
        self._wake()

    async def _live(self, session: Session) -> None:
        await self._begin(session)
        self._session = session
        await self._listen(session)
        async for what in session:
            try:
                self._take(what)
            except KeyError:  # it speaks of what we do not know: what we know is no beginning for it
                await self._begin(session)
            self._wake()

    async def _begin(self, session: Session) -> None:
        state = await session.state()
        self._board.begin(state)
        self._board.connected(session.engine.pid, session.engine.version)
        since = state.run.seq - 1 if state.run is not None else state.seq
        await session.subscribe(max(since, state.seq - HISTORY, 0))
        self._heard("")
        self._wake()

    def _take(self, what: Event | Said) -> None:
        if isinstance(what, Said):
            self._board.said(
                what.agent,
                task=what.task,
                attempt=what.attempt,
                kind=what.kind,
                offset=what.offset,
                text=what.text,
                missed=what.missed,
            )
        else:
            self._board.take(what)
        if what.agent:
            self._heard(what.agent)

    # -- asking --------------------------------------------------------------------------------------------------------

    def _live_session(self) -> Session:
        if self._session is None:
            raise EngineGone(self._board.link.reason or "no engine answers yet")
        return self._session

    async def submit(self, request: Requests) -> list[dict[str, Any]]:
        """Ask the core, in the person's name; the events that followed."""
        return await self._live_session().submit(request, actor=self._person)

    async def kill(self, agent: str | None) -> Killed:
        """Kill one agent, or all; where no engine greets at once, by the records of their processes."""
        try:
            async with await self._greeted() as session:
                return Killed(await (self._session or session).kill(agent), recorded=True)
        except ApiError:
            if self._by_records is None:
                raise
            return Killed(await asyncio.to_thread(self._by_records, agent), recorded=False)

    async def _greeted(self) -> Session:
        """A session of an engine that answers at once: who wants to kill does not wait for one that hangs."""
        try:
            async with asyncio.timeout(GREETING):
                return await self._open()
        except TimeoutError:
            raise EngineGone("the engine hangs", hung=True) from None

    async def kept(self) -> dict[str, Any]:
        """What was put aside, as `undo --json` prints it."""
        return await self._live_session().kept()

    async def diff(self, *, agent: str | None = None, task: str | None = None) -> Difference:
        """What an agent's clone holds now, or what the last attempt at a task claimed."""
        return await self._live_session().diff(agent=agent, task=task)

    async def transcript(self, task: str) -> Page:
        """The end of what was printed last for a task."""
        return await self._live_session().transcript(task=task, offset=-RECALLED)

    async def follow(self, agent: str) -> None:
        """Have each line of this agent from now on, and of the others the last one; while an engine is there."""
        if agent == self._followed:
            return
        self._followed = agent
        self._board.watch([agent] if agent else [])
        if self._session is not None:
            with suppress(ApiError):  # whoever reads from it finds out as well
                await self._listen(self._session)

    async def _listen(self, session: Session) -> None:
        with suppress(CallRefused):  # an agent of a crew that is no more
            await session.follow([self._followed] if self._followed else [], others=True)
