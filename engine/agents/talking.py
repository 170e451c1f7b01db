"""A program that tells in lines of JSON what it does, from its start to its end: what all such adapters have in common.

What a line means is an `Interpreter`'s business; it knows one program's language and nothing of processes, files or
time. Here are the pipes, the transcript, the end in order, and what is made of all that (see `outcome.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.agents.base import (
    Brief,
    Finished,
    Held,
    Keeper,
    Notice,
    OnUpdate,
    Running,
    Session,
    Started,
    Tool,
    Update,
)
from engine.agents.closing import Tools
from engine.agents.command import GRACE_SECONDS, EndedSession, prepare
from engine.agents.lines import JsonLines, Line, Reader, encode
from engine.agents.outcome import Claim, judge
from engine.agents.profiles import Profile
from engine.agents.prompt import again, prompt
from engine.agents.telling import Telling
from engine.processes.errors import Interrupted, ProcessError, ProgramMissing, StartFailed
from engine.processes.rings import LOG_BYTES, RATE
from engine.processes.values import Exit, Program

LINGER_SECONDS: Final = 30.0
"""A program that is through and does not end by then is ended."""
MOST_COMPLAINTS: Final = 5
MOST_CHANGE: Final = 200_000
"""Characters of a change that stand in the prompt of its review."""
_MISREAD: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class Voice:
    """What an interpreter speaks with: updates to the engine, and lines to the program."""

    def __init__(self, telling: Telling, tools: Tools, linger: Callable[[], None]) -> None:
        self._telling, self._tools, self._linger = telling, tools, linger
        self._running: Running | None = None

    def connect(self, running: Running) -> None:
        """The program is there to be spoken to."""
        self._running = running

    def tell(self, update: Update) -> None:
        """Pass on what the program does; what is known of a tool is completed."""
        self._telling.tell(self._tools.put(update) if isinstance(update, Tool) else update)

    def known(self, tool: str) -> Tool | None:
        """What is known of the tool with this id."""
        return self._tools.get(tool)

    def say(self, message: Mapping[str, Any]) -> None:
        """Send it a line of JSON."""
        self.write(encode(message))

    def write(self, data: bytes) -> None:
        """Send it these bytes."""
        if self._running is not None:
            try:
                self._running.say(data)
            except ProcessError as error:
                self.tell(Notice(text=f"it can not be told more: {error}"))

    def hush(self) -> None:
        """It will be sent nothing more."""
        if self._running is not None:
            self._running.hush()

    def over(self) -> None:
        """Its last event has come and it is sent nothing more: it should end now by itself."""
        self.hush()
        self._linger()


class Interpreter:
    """Knows one program's language. What it does not override, the program does not do.

    `hear` may raise what reading a message of an unexpected shape raises; the message is then told of and passed over.
    """

    def __init__(self, brief: Brief, voice: Voice) -> None:
        self.brief, self.voice = brief, voice

    def lines(self) -> Reader:
        """How its output is cut into messages."""
        return JsonLines()

    def begin(self, task: str) -> None:
        """The program runs: say what is to be said first. `task` is the prompt."""

    def hear(self, message: dict[str, Any]) -> None:
        """It printed this."""
        raise NotImplementedError

    def steer(self, text: str) -> bool:  # noqa: ARG002  see base.Session
        """Deliver a text into its turn; False: it can not be."""
        return False

    def answer(self, ask: str, *, allow: bool, why: str) -> None:
        """Answer what it asked leave for."""

    def interrupt(self) -> bool:
        """Ask it to end its turn in order; False: it knows no such thing."""
        return False

    async def end(self) -> None:
        """The program is gone and all that it printed was heard: come to an end with it."""

    def claim(self) -> Claim:
        """What its events have come to, now that there are no more."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TalkingAdapter:
    """An agent by its profile and its language."""

    profile: Profile
    language: Callable[[Brief, Voice], Interpreter]
    scripted: bool = False

    def home(self, brief: Brief) -> Mapping[str, bytes]:
        """The profile's."""
        return self.profile.home(brief)

    def environment(self, brief: Brief) -> Mapping[str, str]:
        """The profile's."""
        return self.profile.environment(brief)

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Start the program and tell it its task."""
        try:
            prepare(brief)
            task = (again if brief.session else prompt)(brief, change=change_of(brief))
        except OSError as error:
            end = Finished(reason="failed", detail=f"its task can not be handed over: {error}")
            return EndedSession(end, on_update)
        session = TalkingSession(brief, keeper, self.language, on_update)
        return await session.start(self.profile.argv(brief), task)


class TalkingSession:
    """A program at work, and what is understood of it."""

    def __init__(
        self, brief: Brief, keeper: Keeper, language: Callable[[Brief, Voice], Interpreter], on_update: OnUpdate
    ) -> None:
        self._brief, self._keeper, self._on_update = brief, keeper, on_update
        self._telling = Telling(brief, on_update)
        self._tools = Tools()
        self._voice = Voice(self._telling, self._tools, self._linger)
        self._interpreter = language(brief, self._voice)
        self._lines = self._interpreter.lines()
        self._early: list[bytes] | None = []
        self._complaints = 0
        self._cancelled = False
        self._lingering: asyncio.Task[None] | None = None
        self._overstayed = False
        self._gone = False
        self._end: asyncio.Task[Finished] | None = None

    async def start(self, argv: tuple[str, ...], task: str) -> Session:
        """Start the program; a session that has ended already where that fails."""
        try:
            running = await self._keeper.run(self._program(argv), on_output=self._hear)
        except (ProgramMissing, StartFailed) as error:
            return self._ended(Finished(reason="missing", detail=str(error)))
        except Interrupted as error:
            return self._ended(Finished(reason="killed", detail=str(error)))
        except BaseException:
            self._telling.close()
            raise
        self._begin(running, task)
        self._end = asyncio.create_task(self._watch(running), name=f"agent {self._brief.agent}")
        return self

    async def finished(self) -> Finished:
        """Wait for the end; a waiter that is cancelled does not end the agent."""
        return await asyncio.shield(self._ending)

    async def steer(self, text: str) -> bool:
        """Deliver `text` into the turn, where the program can take it."""
        return not self._ending.done() and not self._cancelled and self._interpreter.steer(text)

    async def answer(self, ask: str, *, allow: bool, why: str = "") -> None:
        """Answer what it asks."""
        if not self._ending.done():
            self._interpreter.answer(ask, allow=allow, why=why)

    async def interrupt(self) -> None:
        """Ask it to end its turn, and wait for its end as long as the grace."""
        if not self._ending.done():
            self._cancelled = True
            if self._interpreter.interrupt():
                await asyncio.wait((self._ending,), timeout=GRACE_SECONDS)

    async def cancel(self) -> None:
        """Ask it to end its turn; then SIGTERM to its tree, and SIGKILL to what is left, each after the grace."""
        await self.interrupt()
        if not self._ending.done():
            await self._keeper.stop(GRACE_SECONDS)
        await self.finished()

    @property
    def _ending(self) -> asyncio.Task[Finished]:
        if self._end is None:
            raise RuntimeError("a session that was not started")
        return self._end

    def _program(self, argv: tuple[str, ...]) -> Program:
        limits = self._brief.limits
        return Program(
            argv=argv,
            cwd=self._brief.clone,
            env=self._brief.environment,
            log=self._brief.transcript,
            log_bytes=limits.log or LOG_BYTES,
            rate=limits.output or RATE,
            held=lambda limit: self._on_update(Held(limit=limit)),
            nice=limits.nice,
            talks=True,
        )

    def _begin(self, running: Running, task: str) -> None:
        self._voice.connect(running)
        self._on_update(Started(pid=running.pid))
        self._interpreter.begin(task)
        early, self._early = self._early or [], None
        for data in early:
            self._hear(data)

    def _hear(self, data: bytes) -> None:
        """More output came, perhaps before the keeper said that the program runs."""
        if self._early is not None:
            self._early.append(data)
            return
        for line in self._lines.feed(data):
            self._understand(line)

    def _understand(self, line: Line) -> None:
        self._telling.keep(line.raw)
        if line.message is None:
            self._complain(line.refusal)
            return
        try:
            self._interpreter.hear(line.message)
        except _MISREAD as error:
            self._complain(f"an event that is not as expected ({type(error).__name__}: {error})")

    def _complain(self, text: str) -> None:
        """The first few; a program whose output is something else altogether would say little new."""
        self._complaints += 1
        if self._complaints <= MOST_COMPLAINTS:
            self._voice.tell(Notice(text=f"it printed {text}"))

    def _linger(self) -> None:
        if self._lingering is None and not self._gone:
            self._lingering = asyncio.create_task(self._end_lingerer(), name=f"end of agent {self._brief.agent}")

    async def _end_lingerer(self) -> None:
        await asyncio.sleep(LINGER_SECONDS)
        self._overstayed = True
        await self._keeper.stop(GRACE_SECONDS)

    async def _watch(self, running: Running) -> Finished:
        try:
            ended = await running.wait()
            self._gone = True  # from here on the keeper may run somebody else's program
            await self._see_lingerer_out()
            end = await self._conclude(ended, running.tail())
        finally:
            self._telling.close()
        self._on_update(end)
        return end

    async def _see_lingerer_out(self) -> None:
        if self._lingering is not None:
            if not self._overstayed:
                self._lingering.cancel()
            with suppress(asyncio.CancelledError, ProcessError):
                await self._lingering

    async def _conclude(self, ended: Exit, tail: bytes) -> Finished:
        """Nothing of it is left: tell the last of it, and what it all came to."""
        for line in self._lines.close():
            self._understand(line)
        await self._interpreter.end()
        for tool in self._tools.close():
            self._telling.tell(tool)
        self._tell_leftovers(ended)
        claim = self._interpreter.claim()
        if self._overstayed and claim.good:
            ended = Exit(0, None, ended.leftovers, ended.seconds)
        return judge(self._brief, ended, cancelled=self._cancelled, tail=tail, claim=claim)

    def _tell_leftovers(self, ended: Exit) -> None:
        if self._overstayed:
            self._telling.tell(Notice(text="it was through and did not end by itself, and was ended"))
        elif ended.leftovers and not self._cancelled:
            self._telling.tell(Notice(text=f"{ended.leftovers} processes were left running by it, and ended"))

    def _ended(self, end: Finished) -> Session:
        self._telling.close()
        return EndedSession(end, self._on_update)


def change_of(brief: Brief) -> str:
    """The patch under review, as far as it stands in a prompt; empty where there is none."""
    change = brief.instructions.get("change")
    if not change:
        return ""
    with Path(change["diff"]).open(encoding="utf-8", errors="replace") as file:
        text = file.read(MOST_CHANGE + 1)
    return text if len(text) <= MOST_CHANGE else f"{text[:MOST_CHANGE]}\n[cut here; the file has it whole]"
