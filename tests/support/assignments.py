"""Assignments played by real agents through their adapters: no engine, no sandbox, a keeper that ends what it started.

A `Bench` is one agent with a HOME, a clone and boxes of its own, whose model is the scripted one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from support import real_agents
from support.llm import Model
from support.repos import clean_environment

from engine.agents.base import Adapter, Asks, Brief, Finished, Session, Update
from engine.agents.environment import agent_environment
from engine.agents.runtimes import adapter_for
from engine.processes.keeper import Keeper

Act = Callable[[Session, Update], Awaitable[None]]
T = TypeVar("T")
MODELS = {"codex": "gpt-5.5", "gemini": "gemini-2.5-pro"}
"""Asked for where a test names none. Newer ones of Codex declare their tools in a way that the scripted one does not read;
Gemini CLI without a name asks another model first which one to ask."""
KINDS = {"anthropic": "", "openai": "", "gemini": ""}


@dataclass
class Played:
    """What an assignment came to."""

    updates: list[Update] = field(default_factory=list)

    @property
    def end(self) -> Finished:
        """How it ended."""
        last = self.updates[-1]
        assert isinstance(last, Finished), self.updates
        return last

    def of(self, kind: type[T]) -> list[T]:
        """The updates of a kind."""
        return [update for update in self.updates if isinstance(update, kind)]


class Bench:
    """One agent and all that is its own. `marker` stands in the environment of everything that it starts."""

    def __init__(
        self,
        folder: Path,
        runtime: str,
        llm: Model,
        *,
        program: str = "",
        model: str = "",
        command: tuple[str, ...] = (),
    ) -> None:
        self.command = command
        self.folder, self.runtime, self.llm = folder, runtime, llm
        self.model = model or MODELS.get(runtime, "")
        self.program = program or runtime
        self.marker = f"bench-{uuid.uuid4().hex}"
        for name in ("clone", "inbox", "outbox", "home", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", str(self.clone)], check=True, env=clean_environment() | dict(os.environ))

    @property
    def clone(self) -> Path:
        """Where it works."""
        return self.folder / "clone"

    def brief(self, task: str, *, role: str = "work", session: str = "", adapter: Adapter, **told: Any) -> Brief:
        """An assignment; its environment and HOME are made ready, as the engine does it."""
        boxes = {
            "task_file": self.folder / "task.json",
            "inbox": self.folder / "inbox",
            "outbox": self.folder / "outbox",
        }
        base = {"PATH": real_agents.where(), "HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        fields: dict[str, Any] = {
            "run": "r", "task": "a", "role": role, "attempt": 1, "agent": "builder", "lease": 1, "clone": self.clone,
            "transcript": self.folder / "transcript.log", "command": self.command, "model": self.model, "session": session,
            "instructions": {"id": "a", "role": role, "attempt": 1, "feedback": [], "prompt": task, "goal": "", **told},
            "bases": dict.fromkeys(KINDS, self.llm.lane(self.marker)), "token": "sk-test-token", **boxes,
            "home": self.folder / "home",
        }  # fmt: skip
        environment = agent_environment(base, agent="builder", attempt=1, **boxes) | {"BENCH": self.marker}
        brief = Brief(environment=environment, **fields)
        for path, data in adapter.home(brief).items():
            target = self.folder / "home" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return Brief(environment=environment | dict(adapter.environment(brief)), **fields)

    async def play(self, task: str, act: Act | None = None, *, leave: bool = True, **fields: Any) -> Played:
        """An assignment from its start to its end; `act` is awaited with every update, in order.

        Every `leave` that it asks for is given at once, unless `act` is to answer.
        """
        adapter = adapter_for("builder", self.runtime)
        played, answers = Played(), set[asyncio.Task[None]]()

        def hear(update: Update) -> None:
            played.updates.append(update)
            if leave and isinstance(update, Asks):
                answers.add(asyncio.ensure_future(session.answer(update.id, allow=True)))

        keeper = await Keeper.start("builder", records=self.folder / "records")
        try:
            brief = self.brief(task, adapter=adapter, **fields)
            session = await adapter.start(brief, keeper, hear)
            await _follow(session, played, act)
        finally:
            await keeper.close()
        return played

    def left(self) -> list[str]:
        """What of it is still alive."""
        return real_agents.marked(self.marker)

    def read(self, path: str) -> str:
        """A file of its clone; "" if there is none."""
        with suppress(FileNotFoundError):
            return (self.clone / path).read_text()
        return ""


async def _follow(session: Session, played: Played, act: Act | None) -> None:
    seen = 0
    end = asyncio.ensure_future(session.finished())
    while act is not None and not end.done():
        while seen < len(played.updates):
            update = played.updates[seen]
            seen += 1
            await act(session, update)
        await asyncio.wait((end,), timeout=0.02)
    await end
