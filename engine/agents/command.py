"""Any program as an agent: it finds its task in a file, leaves a change in its clone, and may leave a `result.json`.

Nothing stands on its standard input and nothing on its screen is understood: what it did is read from its clone, what
it claims from its exit status and its result (see `outcome.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from engine.agents.base import (
    Brief,
    Finished,
    Held,
    Keeper,
    NoCommand,
    Notice,
    OnUpdate,
    Running,
    Session,
    Started,
    Text,
    Usage,
)
from engine.agents.environment import usual
from engine.agents.outcome import clear_result, judge
from engine.core.values import Tokens
from engine.messages.files import folder, write_new
from engine.processes.errors import Interrupted, ProgramMissing, StartFailed
from engine.processes.rings import LOG_BYTES, RATE
from engine.processes.values import Program

GRACE_SECONDS = 5.0


class CommandAdapter:
    """Starts `brief.command` as it is given, in the clone, with nothing on its standard input."""

    scripted = False

    def home(self, brief: Brief) -> Mapping[str, bytes]:  # noqa: ARG002  the protocol's
        """Nothing: what it needs is its own."""
        return {}

    def environment(self, brief: Brief) -> Mapping[str, str]:
        """Where models are, under the vendors' usual names."""
        return usual(brief.bases, brief.token)

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Write the task file, take away what an earlier attempt left, and start the program."""
        if not brief.command:
            raise NoCommand(brief.agent, "the program and its arguments")
        return await start_program(brief, brief.command, keeper, on_update)


async def start_program(brief: Brief, argv: Sequence[str], keeper: Keeper, on_update: OnUpdate) -> Session:
    """Start `argv` for a brief under the contract of a command agent; what every such adapter ends in."""
    try:
        prepare(brief)
    except OSError as error:
        return EndedSession(Finished(reason="failed", detail=f"its task can not be handed over: {error}"), on_update)
    speech = Speech(on_update)
    program = _program(brief, argv, on_update)
    try:
        running = await keeper.run(program, on_output=speech.hear)
    except (ProgramMissing, StartFailed) as error:
        return EndedSession(Finished(reason="missing", detail=str(error)), on_update)
    except Interrupted as error:
        return EndedSession(Finished(reason="killed", detail=str(error)), on_update)
    speech.begin(running.pid)
    return CommandSession(brief, keeper, running, on_update)


def _program(brief: Brief, argv: Sequence[str], on_update: OnUpdate) -> Program:
    return Program(
        argv=tuple(argv),
        cwd=brief.clone,
        env=brief.environment,
        log=brief.transcript,
        log_bytes=brief.limits.log or LOG_BYTES,
        rate=brief.limits.output or RATE,
        held=lambda limit: on_update(Held(limit=limit)),
        nice=brief.limits.nice,
    )


class Speech:
    """Passes a program's output on, none of it before `Started`."""

    def __init__(self, on_update: OnUpdate) -> None:
        self._on_update = on_update
        self._early: list[bytes] | None = []

    def hear(self, data: bytes) -> None:
        """More output came, perhaps before the keeper said that the program runs."""
        if self._early is not None:
            self._early.append(data)
        else:
            self._on_update(Text(data=data))

    def begin(self, pid: int) -> None:
        """The program runs: say that, then what it said already."""
        early, self._early = self._early or [], None
        self._on_update(Started(pid=pid))
        for data in early:
            self._on_update(Text(data=data))


class EndedSession:
    """A session that was over before its program ran."""

    def __init__(self, end: Finished, on_update: OnUpdate) -> None:
        self._end = end
        on_update(end)

    async def finished(self) -> Finished:
        """The end, at once."""
        return self._end

    async def steer(self, text: str) -> bool:  # noqa: ARG002  nobody is there to read it
        """Nobody is there."""
        return False

    async def answer(self, ask: str, *, allow: bool, why: str = "") -> None:
        """It asks nothing."""

    async def interrupt(self) -> None:
        """There is no turn to end."""

    async def cancel(self) -> None:
        """Nothing is left to end."""


class CommandSession:
    """A program at work. Its end is watched from the start, whether anybody waits for it or not."""

    def __init__(self, brief: Brief, keeper: Keeper, running: Running, on_update: OnUpdate) -> None:
        self._brief, self._keeper, self._running, self._on_update = brief, keeper, running, on_update
        self._cancelled = False
        self._end = asyncio.create_task(self._watch(), name=f"agent {brief.agent}")

    async def finished(self) -> Finished:
        """Wait for the end; a waiter that is cancelled does not end the agent."""
        return await asyncio.shield(self._end)

    async def steer(self, text: str) -> bool:  # noqa: ARG002  see below
        """A command agent takes messages only from its inbox."""
        return False

    async def answer(self, ask: str, *, allow: bool, why: str = "") -> None:
        """It asks nothing."""

    async def interrupt(self) -> None:
        """It knows nothing but signals."""

    async def cancel(self) -> None:
        """SIGTERM to its tree, SIGKILL to what is left of it after the grace."""
        if not self._end.done():  # afterwards the keeper may run somebody else's program
            self._cancelled = True
            await self._keeper.stop(GRACE_SECONDS)
        await self.finished()

    async def _watch(self) -> Finished:
        ended = await self._running.wait()
        if ended.leftovers and not self._cancelled:
            self._on_update(Notice(text=f"{ended.leftovers} processes were left running by it, and ended"))
        end = judge(self._brief, ended, cancelled=self._cancelled, tail=self._running.tail())
        if end.result and (used := end.result.usage) and (used.tokens != Tokens() or used.usd != "0"):
            self._on_update(Usage(tokens=used.tokens, usd=used.usd))
        self._on_update(end)
        return end


def prepare(brief: Brief) -> None:
    """Write what the agent is told, and take away what an earlier attempt said of itself.

    Both folders are the agent's to write: links that it may have planted there are not followed. Raises `OSError`.
    """
    clear_result(brief.outbox)
    told = json.dumps(brief.instructions, indent=2, ensure_ascii=False)
    with folder(brief.task_file.parent) as here:
        write_new(brief.task_file.name, here, told.encode())
