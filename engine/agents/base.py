"""The adapter protocol: how any agent is started, followed, steered and ended, and what it says meanwhile.

One stream of typed updates, closed by exactly one `Finished`. An adapter knows nothing of stages, attempts to come or
merging: it is given a brief and tells what became of it. What a program says of itself is passed on as its own word;
nothing here turns a claim into evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from engine.core.values import Limits, Tokens
from engine.messages.result import Result
from engine.processes.values import Exit, Program

Role = Literal["work", "review", "plan"]
Reason = Literal["completed", "failed", "missing", "cancelled", "killed"]


class AgentError(Exception):
    """Base of what the adapters refuse."""


class UnknownRuntime(AgentError):
    """A crew names a runtime that no adapter is for."""

    def __init__(self, agent: str, runtime: str, known: Sequence[str]) -> None:
        self.agent, self.runtime, self.known = agent, runtime, tuple(known)
        super().__init__(f"agent {agent}: no runtime {runtime!r}; there are {', '.join(known)}")


class NoCommand(AgentError):
    """An agent's `command` is not what its runtime starts."""

    def __init__(self, agent: str, wanted: str) -> None:
        self.agent, self.wanted = agent, wanted
        super().__init__(f"agent {agent}: `command` must be {wanted}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The program runs."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """More of the agent's own output, in portions that may end anywhere.

    A stranger's bytes: `processes.rings.Lines` makes of them what may be looked at. It is not done here, since a flood
    of short lines would cost the engine more than it costs the agent.
    """

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money (US dollars, a decimal string) that the agent says it used, since its start."""

    tokens: Tokens
    usd: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the person should know which is not the agent's own output."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A limit on what it prints held it, for the first time: `output` slows it down, `log` cuts its transcript."""

    limit: Literal["output", "log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end, exactly once and last. Nothing the program started is left alive.

    `completed` is a claim of success with a usable result; `missing`: the program could not be started; `cancelled`: we
    ended it on request; `killed`: a signal ended it that we did not send. `exit` is its status, or None if it has none;
    then `signal` is what ended it, if that is known.
    `detail` says why in words, with the tail of its output where that helps.
    """

    reason: Reason
    exit: int | None = None
    signal: int | None = None
    result: Result | None = None
    detail: str = ""


Update = Started | Text | Usage | Notice | Held | Finished
OnUpdate = Callable[[Update], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One assignment: who does what, where, and what it is told.

    `environment` is complete and already allow-listed (see `environment.py`); `instructions` is the document that
    the adapter writes to `task_file` (see `instructions.py`). The folders exist; the files need not.
    """

    run: str
    task: str
    role: Role
    attempt: int
    agent: str
    lease: int
    clone: Path
    inbox: Path
    outbox: Path
    task_file: Path
    transcript: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    instructions: Mapping[str, Any] = field(default_factory=dict)


class Running(Protocol):
    """What an adapter needs of a program that a keeper runs."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    async def wait(self) -> Exit:
        """How it ended; its whole tree is gone by then."""
        ...

    def tail(self) -> bytes:
        """The last of its output."""
        ...


class Keeper(Protocol):
    """What an adapter needs of a keeper of processes."""

    async def run(self, program: Program, *, on_output: Callable[[bytes], None] | None = None) -> Running:
        """Start it; `ProgramMissing` when there is nothing to start."""
        ...

    async def stop(self, grace: float) -> object:
        """SIGTERM to the whole tree, SIGKILL after `grace` seconds; returns when it is gone."""
        ...


class Session(Protocol):
    """One started agent."""

    async def finished(self) -> Finished:
        """Wait for the end. May be awaited by several, and again."""
        ...

    async def steer(self, text: str) -> bool:
        """Deliver `text` into the turn. False: it can not be, and belongs into the agent's inbox."""
        ...

    async def cancel(self) -> None:
        """End the agent in order; returns when nothing of it is left. Harmless after the end."""
        ...


class Adapter(Protocol):
    """A kind of agent. `scripted` is shown wherever the agent is: what it does was written down before."""

    scripted: bool

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Begin an assignment. A program that can not be started ends at once as `missing`; it is no exception.

        Raises `NoCommand`, and `KeeperLost` or `Busy` of the keeper, before anything was started.
        """
        ...
