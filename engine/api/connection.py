"""One client of the engine, on any channel: greets, reads its calls, answers them, follows record and agents for it.

A client that follows is a cursor over seq and nothing else: it is sent the next events once it has taken the last, so
a slow one holds no memory, never delays the engine and never misses an event. What agents print is followed the same
way, by a place in a file; there a slow client is told what was skipped. A call that was read is carried out even
if its client is gone by then (a kill above all); only waiting ends with the client.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator

from msgspec import Raw

from engine.api import frames
from engine.api.calls import PROTOCOL, CallRefused, Engine, Following, Printed
from engine.api.channel import Channel
from engine.api.errors import BadFrame
from engine.core.events import encode as encode_event

GREETING = 10.0
"""Seconds in which a client must say who it is."""
CALLS = 32
"""Calls under way for one client; further ones are not read until one is done."""
EVENTS, BYTES = 256, 256 * 1024
"""What is read from the record and written to a client at a time."""

_log = logging.getLogger(__name__)


class Connection:
    """A connected client. `joined` is called with it once it was welcomed."""

    def __init__(self, engine: Engine, channel: Channel, joined: Callable[[Connection], None]) -> None:
        self._engine, self._channel, self._joined = engine, channel, joined
        self._cursor: int | None = None
        self._stream: asyncio.Task[None] | None = None  # of events
        self._following: Following | None = None  # of what agents print
        self._refusal = ""
        self._slots = asyncio.Semaphore(CALLS)
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()  # these end with the client

    async def serve(self) -> None:
        """Serve the client until it leaves or sends what is no frame."""
        try:
            await self._greet()
            while True:
                await self._take(await self._read())
        except BadFrame as bad:
            await self._tell(frames.Error(reason=bad.reason, code=bad.code))
        except (EOFError, ConnectionError):
            pass
        finally:
            for task in self._waiting:
                task.cancel()
            if self._following is not None:
                self._following.close()
            self._channel.close()
            await self._channel.closed()

    async def finish(self) -> None:
        """Answer the calls under way, send what is durable, say that the engine ends, and close."""
        for task in self._waiting:
            task.cancel()
        if under_way := self._calls | self._waiting:
            await asyncio.wait(under_way)  # which leaves them be if we are cancelled: a kill goes on
        if self._cursor is not None:
            await self._catch_up()
        await self._tell(frames.Bye(reason="the engine ended"))
        self._channel.close()

    def abort(self) -> None:
        """Close at once, whatever was not sent."""
        self._channel.abort()

    # -- reading ---------------------------------------------------------------------------------------------------

    async def _read(self) -> frames.Asked:
        return frames.asked(await self._channel.receive())

    async def _greet(self) -> None:
        try:
            async with asyncio.timeout(GREETING):
                hello = await self._read()
        except TimeoutError:
            raise BadFrame(f"no hello within {GREETING:.0f} s", code="hello") from None
        if not isinstance(hello, frames.Hello):
            raise BadFrame("the first frame must be a hello", code="hello")
        engine = self._engine
        if (hello.protocol, hello.version) != (PROTOCOL, engine.version):
            self._refusal = frames.mismatch(engine=engine.version, pid=os.getpid(), client=hello.version)
        await self._tell(frames.Welcome(protocol=PROTOCOL, version=engine.version, pid=os.getpid(), seq=engine.seq))
        self._joined(self)

    async def _take(self, frame: frames.Asked) -> None:
        if isinstance(frame, frames.Ping):
            await self._tell(frames.Pong())
        elif isinstance(frame, frames.Hello):
            raise BadFrame("a second hello", code="hello")
        elif isinstance(frame, frames.Subscribe):
            await self._subscribe(frame.since)
        elif isinstance(frame, frames.Unsubscribe):
            self._unsubscribe()
        elif self._refusal and not isinstance(frame, frames.End):
            await self._tell(frames.Refused(id=frame.id, reason=self._refusal, code="version", exit=2))
        else:
            await self._slots.acquire()
            self._spawn(self._waiting if isinstance(frame, frames.Settled) else self._calls, self._call(frame))

    async def _subscribe(self, since: int) -> None:
        if self._refusal:
            raise BadFrame(self._refusal, code="version")
        self._unsubscribe()
        self._cursor = since
        await self._tell(frames.Subscribed(since=since))
        self._stream = self._spawn(self._waiting, self._follow())

    def _unsubscribe(self) -> None:
        self._cursor = None
        if self._stream is not None:
            self._stream.cancel()  # it stands at an await, and sends nothing more

    # -- answering -------------------------------------------------------------------------------------------------

    def _spawn(self, tasks: set[asyncio.Task[None]], coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _call(self, frame: frames.Call) -> None:
        try:
            answer = frames.done(frame.id, await self._carry_out(frame))
        except CallRefused as no:
            answer = frames.encode(frames.Refused(id=frame.id, reason=no.reason, code=no.code, exit=no.exit_code))
        except Exception as error:  # noqa: BLE001  a defect must not leave the client waiting
            _log.exception("%s failed", type(frame).__name__)
            reason = f"a defect in the engine: {type(error).__name__}: {error}"
            answer = frames.encode(frames.Refused(id=frame.id, reason=reason, code="defect", exit=1))
        finally:
            self._slots.release()
        await self._channel.send(answer)

    async def _carry_out(self, frame: frames.Call) -> object:
        engine = self._engine
        match frame:
            case frames.Submit():
                return [Raw(encode_event(e)) for e in await engine.submit(frame.request, actor=frame.actor)]
            case frames.Start():
                return await engine.start_run(frame.request, actor=frame.actor)
            case frames.Kill():
                return await engine.kill(frame.agent)
            case frames.Settled():
                return await engine.settled(frame.agent, frame.wanted)
            case frames.End():
                engine.end(kill=frame.kill)
                return None
            case frames.Follow():
                self._listen(frame)
                return None
            case _:
                return await self._look_up(frame)

    async def _look_up(self, frame: frames.Question) -> object:
        engine = self._engine
        match frame:
            case frames.Query(what="state"):
                return Raw(await engine.state())
            case frames.Query(what="kept"):
                return await engine.kept()
            case frames.Query():
                return engine.status()
            case frames.Diff():
                return await engine.diff(agent=frame.agent, task=frame.task, attempt=frame.attempt)
            case frames.Transcript():
                which = Printed(agent=frame.agent, task=frame.task, attempt=frame.attempt, kind=frame.kind)
                return engine.transcript(which, offset=frame.offset, limit=frame.limit)
            case frames.Artifacts():
                return engine.artifacts(frame.task, frame.attempt)
            case frames.Artifact():
                place = (frame.task, frame.attempt, frame.name)
                return engine.artifact(*place, offset=frame.offset, limit=frame.limit)

    # -- following -------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        try:
            while self._cursor is not None:
                await self._catch_up()
                await self._engine.changed(self._cursor)
        except Exception as error:  # noqa: BLE001  whatever it is, the client must hear of it
            _log.exception("following from %s failed", self._cursor)
            await self._tell(frames.Error(reason=f"the record cannot be read: {error}", code="record"))
            self._channel.close()

    async def _catch_up(self) -> None:
        while lines := self._engine.since(self._cursor or 0, EVENTS):
            for some in _portions(lines):
                self._cursor = (self._cursor or 0) + len(some)  # seq has no gaps
                await self._channel.send(b"".join(map(frames.published, some)))
            await asyncio.sleep(0)  # a client that keeps up never lets drain wait, and others want a turn

    def _listen(self, choice: frames.Follow) -> None:
        if self._following is None:
            self._following = self._engine.follow()
            self._spawn(self._waiting, self._pass_on(self._following))
        self._following.choose(choice.lines, others=choice.others)

    async def _pass_on(self, following: Following) -> None:
        try:
            while True:
                await self._tell(await following.said())
        except Exception:  # noqa: BLE001  a defect here must not end what else the client does
            _log.exception("following what agents print failed")

    async def _tell(self, frame: frames.Answered) -> None:
        await self._channel.send(frames.encode(frame))


def _portions(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    size = 0
    for line in lines:
        some.append(line)
        size += len(line)
        if size >= BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some
