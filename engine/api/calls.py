"""What a client asks of the engine beyond the core's own requests, and the port the server serves.

`Engine` is all that a transport knows of the engine: the real one and the one in tests pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from engine.core.commands import Requests
from engine.core.events import Event

PROTOCOL = 1


class RunRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Begin a run, or go on with the unfinished one (`resume`), as the command line was told to.

    `plan` is the text of a plan and `plan_name` the file it came from, for errors. `environment` holds what the
    client hands over (PATH and the like); it is kept in memory only. `budget` is as written: `5usd`, `200ktok`.
    """

    goal: str = ""
    plan: str | None = None
    plan_name: str = ""
    pattern: str | None = None
    agent: str | None = None
    budget: str | None = None
    target: str | None = None
    unconfined: bool = False
    allow_red: bool = False
    resume: bool = False
    environment: dict[str, str] = {}


class CallRefused(Exception):
    """The engine will not do it; `exit` is the contract's exit code, `code` a word for programs."""

    def __init__(self, reason: str, *, code: str = "refused", exit_code: int = 2) -> None:
        super().__init__(reason)
        self.reason, self.code, self.exit_code = reason, code, exit_code


class Engine(Protocol):
    """The engine as its transports see it."""

    version: str

    @property
    def seq(self) -> int:
        """The last event that is durable."""
        ...

    def since(self, seq: int, limit: int) -> Sequence[bytes]:
        """Durable events after `seq`, oldest first, at most `limit`, each as its encoded JSON object."""
        ...

    async def changed(self, seq: int) -> None:
        """Return once an event after `seq` is durable."""
        ...

    async def submit(self, request: Requests, *, actor: str) -> Sequence[Event]:
        """Decide a request; returns when what followed is durable. Raises CallRefused."""
        ...

    async def start_run(self, request: RunRequest, *, actor: str) -> str:
        """Begin or take up a run; its id. Raises CallRefused before anything has happened."""
        ...

    async def kill(self, agent: str | None) -> Sequence[dict[str, Any]]:
        """Kill one agent, or all for None; one object an agent, as `kill --json` prints it."""
        ...

    async def settled(self, agent: str | None, wanted: str) -> Sequence[dict[str, Any]]:
        """Return when the agent (None: all) is indeed `paused`, `stopped` or `resumed`; an object with proof each."""
        ...

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        ...

    def end(self, *, kill: bool) -> None:
        """Begin to end the engine, leaving a state that can be resumed."""
        ...
