"""A keeper that runs nothing: a test prints, hears and ends in the program's place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from engine.agents.base import Adapter, Brief, Session, Update
from engine.processes.errors import ProgramMissing
from engine.processes.values import Exit, Program

STREAMS = Path(__file__).parents[1] / "agents/streams"


def stream(name: str) -> list[dict[str, Any]]:
    """What a real agent once printed."""
    return [json.loads(line) for line in (STREAMS / f"{name}.jsonl").read_text().splitlines()]


class Played:
    """The program, as a test plays it."""

    pid = 7

    def __init__(self, program: Program, on_output: Callable[[bytes], None]) -> None:
        self.program, self._on_output = program, on_output
        self.heard = b""
        self.hushed = asyncio.Event()
        self.stderr = b""
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    def say(self, data: bytes) -> None:
        if not self.hushed.is_set():
            self.heard += data

    def hush(self) -> None:
        self.hushed.set()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    def tail(self) -> bytes:
        return self.stderr

    @property
    def told(self) -> list[dict[str, Any]]:
        """The lines of JSON that were said to it."""
        return [json.loads(line) for line in self.heard.splitlines()]

    def print(self, messages: Iterable[object], *, piece: int = 1 << 16) -> None:
        """Print lines, in pieces of so many bytes."""
        self.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages), piece=piece)

    def write(self, data: bytes, *, piece: int = 1 << 16) -> None:
        for at in range(0, len(data), piece):
            self._on_output(data[at : at + piece])

    def end(self, code: int | None = 0, *, signal: int | None = None, leftovers: int = 0) -> None:
        if not self._exit.done():
            self._exit.set_result(Exit(code, signal, leftovers, 1.0))


class ReplayKeeper:
    """`early` is printed before it is said that the program runs. `ends_on_stop`: with which signal."""

    def __init__(self, *, early: bytes = b"", missing: bool = False) -> None:
        self.early, self.missing = early, missing
        self.stops: list[float] = []
        self.played: Played | None = None

    async def run(self, program: Program, *, on_output: Callable[[bytes], None] | None = None) -> Played:
        if self.missing:
            raise ProgramMissing(program.argv[0], "PATH")
        assert on_output is not None
        self.played = Played(program, on_output)
        if self.early:
            on_output(self.early)
        return self.played

    async def stop(self, grace: float) -> None:
        self.stops.append(grace)
        assert self.played is not None
        self.played.end(None, signal=15)


class Stage:
    """An assignment that a test plays both sides of."""

    def __init__(self, adapter: Adapter, brief: Brief, **keeper: Any) -> None:
        self.adapter, self.brief = adapter, brief
        self.keeper = ReplayKeeper(**keeper)
        self.updates: list[Update] = []
        self.session: Session

    async def begin(self) -> Played:
        self.session = await self.adapter.start(self.brief, self.keeper, self.updates.append)
        assert self.keeper.played is not None
        return self.keeper.played

    async def replay(self, messages: Iterable[object], code: int = 0, *, piece: int = 1 << 16) -> Any:
        """All of it printed at once, then the end."""
        program = await self.begin()
        program.print(messages, piece=piece)
        program.end(code)
        return await self.session.finished()

    def of(self, kind: type) -> list[Any]:
        return [update for update in self.updates if isinstance(update, kind)]

    @property
    def transcript(self) -> str:
        return self.brief.transcript.read_text()


def make_brief(folder: Path, *, role: str = "work", told: dict[str, Any] | None = None, **fields: Any) -> Brief:
    """A brief whose folders are there. Its clone is called /clone, as in the recorded streams."""
    for name in ("inbox", "outbox"):
        (folder / name).mkdir(exist_ok=True)
    defaults: dict[str, Any] = {
        "run": "r", "task": "a", "role": role, "attempt": 1, "agent": "builder", "lease": 1, "clone": Path("/clone"),
        "inbox": folder / "inbox", "outbox": folder / "outbox", "task_file": folder / "task.json",
        "transcript": folder / "transcript.log", "command": (), "environment": {},
        "instructions": {"id": "a", "role": role, "attempt": 1, "title": "T", "prompt": "Do it.", "goal": "G"}
        | (told or {}),
    }  # fmt: skip
    return Brief(**(defaults | fields))
