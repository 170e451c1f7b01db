"""The asynchronous client: calls, events and what agents print, all on one link.

Any number of calls at a time, beside one iteration. A call has no time limit, however long the engine works on it: an
engine from which nothing is heard is asked for a sign of life, and is gone if it gives none.

    async with await Session.open(await unix(path)) as session:
        state = await session.state()
        await session.subscribe(state.seq)
        async for what in session:          # Event | Said
            ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from engine.api import frames
from engine.api.calls import PAGE, Artifact, Difference, Page, RunRequest
from engine.api.errors import ApiError, EngineGone
from engine.api.frames import Said, Wanted
from engine.api.inbox import Inbox
from engine.api.link import Link, unix
from engine.core.commands import Requests
from engine.core.events import Event
from engine.core.state import State

__all__ = ["Artifact", "Difference", "Event", "Page", "Said", "Session", "unix"]

T = TypeVar("T")
SILENCE, PATIENCE = 5.0, 5.0
"""Seconds without a frame after which the engine is asked for one, and in which it must answer then."""


class Session:
    """A greeted connection. Every call raises `CallRefused` with what the engine said, or `EngineGone`.

    `engine` is what it said of itself: version, process, last durable event.
    """

    def __init__(self, link: Link, engine: frames.Welcome) -> None:
        self.engine = engine
        self._link = link
        self._inbox = Inbox()
        self._ids = 0
        self._calls: dict[int, asyncio.Future[bytes | Exception]] = {}
        self._gone: ApiError | None = None
        self._closed = False
        self._arrived = asyncio.Event()
        self._heard = asyncio.get_running_loop().time()
        self._alive = asyncio.Event()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]

    @classmethod
    async def open(cls, link: Link, *, any_version: bool = False) -> Self:
        """Greet the engine; the link is the session's from here on, and closed if this fails.

        Raises WrongVersion unless `any_version` (then only `end` works), EngineGone, BadFrame.
        """
        try:
            async with asyncio.timeout(SILENCE + PATIENCE):
                await link.send(frames.encode(frames.HELLO))
                welcome = frames.greeted(frames.meant(await link.receive()), any_version=any_version)
            return cls(link, welcome)
        except TimeoutError:
            await link.close()
            raise EngineGone("the engine hangs: it does not answer a greeting", hung=True) from None
        except BaseException:
            await link.close()
            raise

    # -- asking ----------------------------------------------------------------------------------------------------

    async def submit(self, request: Requests, actor: str = "person") -> list[dict[str, Any]]:
        """Ask the core; the events that followed, durable by now."""
        return await self._call(frames.Submit(id=self._id(), request=request, actor=actor), list[dict[str, Any]])

    async def start_run(self, request: RunRequest, actor: str = "person") -> str:
        """Begin or take up a run; its id."""
        return await self._call(frames.Start(id=self._id(), request=request, actor=actor), str)

    async def kill(self, agent: str | None = None) -> list[dict[str, Any]]:
        """Kill one agent, or all; one object an agent, as `kill --json` prints it."""
        return await self._call(frames.Kill(id=self._id(), agent=agent), list[dict[str, Any]])

    async def settled(self, agent: str | None, wanted: Wanted) -> list[dict[str, Any]]:
        """Return when the agent (None: all) is as wanted, however long it takes; an object with proof each."""
        return await self._call(frames.Settled(id=self._id(), agent=agent, wanted=wanted), list[dict[str, Any]])

    async def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return await self._call(frames.Query(id=self._id(), what="status"), dict[str, Any])

    async def kept(self) -> dict[str, Any]:
        """What `undo --json` prints."""
        return await self._call(frames.Query(id=self._id(), what="kept"), dict[str, Any])

    async def state(self) -> State:
        """The core's state at its `seq`: subscribe from there and fold on with `evolve`. It is the caller's own."""
        return await self._call(frames.Query(id=self._id(), what="state"), State)

    async def diff(
        self, *, agent: str | None = None, task: str | None = None, attempt: int | None = None
    ) -> Difference:
        """What an agent's clone holds now against the base of its work, or what an attempt at a task claimed.

        Refused (code `nothing`) for an agent that works on nothing, and a task of which nothing was claimed.
        """
        return await self._call(frames.Diff(id=self._id(), agent=agent, task=task, attempt=attempt), Difference)

    async def transcript(
        self,
        *,
        agent: str | None = None,
        task: str | None = None,
        attempt: int | None = None,
        kind: str | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> Page:
        """A page of the latest transcript that fits; a negative offset counts from the end. At most `PAGE` bytes."""
        frame = frames.Transcript(
            id=self._id(), agent=agent, task=task, attempt=attempt, kind=kind, offset=offset, limit=limit
        )
        return await self._call(frame, Page)

    async def artifacts(self, task: str, attempt: int | None = None) -> list[Artifact]:
        """The files that attempts (None: all) at a task left."""
        return await self._call(frames.Artifacts(id=self._id(), task=task, attempt=attempt), list[Artifact])

    async def artifact(self, task: str, attempt: int, name: str, *, offset: int = 0, limit: int = PAGE) -> Page:
        """A page of one of them; a negative offset counts from the end. At most `PAGE` bytes."""
        frame = frames.Artifact(id=self._id(), task=task, attempt=attempt, name=name, offset=offset, limit=limit)
        return await self._call(frame, Page)

    async def end(self, *, kill: bool = False) -> None:
        """Begin to end the engine; the iteration ends with it."""
        await self._call(frames.End(id=self._id(), kill=kill), type(None))

    # -- following -------------------------------------------------------------------------------------------------

    async def subscribe(self, since: int) -> None:
        """Have every event after `since`, in order and without a gap. Called again, it begins anew from there."""
        await self._send(self._inbox.subscribe(since))

    async def follow(self, lines: Collection[str] = (), *, others: bool = False) -> None:
        """Have what agents print: each line of those in `lines`; of the others the last one, if `others`.

        It replaces what was followed before. For each agent it begins with the end of what is there.
        """
        await self._call(frames.Follow(id=self._id(), lines=list(lines), others=others), type(None))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Said:
        """What comes next. Ends once this session is closed; raises EngineGone, after the last event, when it is."""
        while not self._inbox:
            if self._closed:
                raise StopAsyncIteration
            if self._gone is not None:
                raise self._gone
            self._arrived.clear()
            await self._arrived.wait()
        if (again := self._inbox.room()) is not None:
            with suppress(ApiError):  # an engine that is gone by now: what is here is taken first
                await self._send(again)
        return self._inbox.take()

    # -- leaving ---------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Leave. Calls that wait are broken off with EngineGone. Harmless twice."""
        self._closed = True
        self._lose(EngineGone("this session was closed"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- the link --------------------------------------------------------------------------------------------------

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    async def _call(self, frame: frames.Call, kind: type[T]) -> T:
        answer: asyncio.Future[bytes | Exception] = asyncio.get_running_loop().create_future()
        self._calls[frame.id] = answer
        try:
            await self._send(frame)
            found = await answer
        finally:
            del self._calls[frame.id]
        if isinstance(found, Exception):
            raise found
        return msgspec.json.decode(found, type=kind)

    async def _send(self, frame: frames.Asked) -> None:
        if self._gone is not None:
            raise self._gone
        await self._link.send(frames.sendable(frame))

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                frame = frames.meant(await self._link.receive())
                self._heard = loop.time()
                self._alive.set()
                if (back := self._take(frame)) is not None:
                    await self._link.send(frames.encode(back))
        except ApiError as error:
            self._lose(error)
        except Exception as error:  # noqa: BLE001  whatever it is, nobody may wait for ever
            self._lose(EngineGone(f"a defect in the client: {type(error).__name__}: {error}"))

    def _take(self, frame: frames.Answered) -> frames.Asked | None:
        match frame:
            case frames.Published(event=event):
                back = self._inbox.published(bytes(event))
                self._arrived.set()
                return back
            case frames.Said():
                self._inbox.said(frame)
                self._arrived.set()
            case frames.Subscribed():
                self._inbox.begun()
            case frames.Done(id=number, data=data):
                self._settle(number, bytes(data))
            case frames.Refused(id=number):
                self._settle(number, frame.error())
            case _:
                pass
        return None

    def _settle(self, number: int, answer: bytes | Exception) -> None:
        """Answer a call, unless whoever made it broke it off."""
        call = self._calls.get(number)
        if call is not None and not call.done():
            call.set_result(answer)

    async def _watch(self) -> None:
        """Find out whether the engine hangs."""
        loop = asyncio.get_running_loop()
        while self._gone is None:
            silent = loop.time() - self._heard
            if silent < SILENCE:
                await asyncio.sleep(SILENCE - silent)
                continue
            self._alive.clear()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._link.send(frames.encode(frames.Ping()))
                    await self._alive.wait()
            except TimeoutError:
                self._lose(EngineGone(f"the engine hangs: no sign of life for {SILENCE + PATIENCE:.0f} s", hung=True))
            except EngineGone:
                return  # whoever reads finds out why

    def _lose(self, why: ApiError) -> None:
        """The engine is gone, for the first reason that is known."""
        if self._gone is None:
            self._gone = why
        for number in self._calls:
            self._settle(number, self._gone)
        self._arrived.set()
