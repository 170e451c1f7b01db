"""What a client asks of the engine beyond the core's own requests, and the port the server serves.

`Engine` is all that a transport knows of the engine: the real one and the one in tests pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from engine.core.commands import Requests
from engine.core.events import Event

if TYPE_CHECKING:  # frames are made of what is defined here
    from engine.api.frames import Said

PROTOCOL = 1
PAGE = 256 * 1024
"""The most bytes of a file that one page holds."""
LARGEST_DIFF = 2 * 1024 * 1024
"""The most bytes of a difference that are sent; JSON can make six of each, and still a frame holds them."""


class RunRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Begin a run, or go on with the unfinished one (`resume`), as the command line was told to.

    `plan` is the text of a plan and `plan_name` the file it came from, for errors. `environment` holds what the
    client hands over (PATH and the like, and keys); it is kept in memory only. `budget` is as written: `5usd`,
    `200ktok`. `record` and `replay` are absolute paths of a tape that is made, or played in place of asking models.
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
    record: str | None = None
    replay: str | None = None

    def __repr__(self) -> str:
        """What is handed over has keys in it, and is left out."""
        said = {name: getattr(self, name) for name in self.__struct_fields__ if name != "environment"}
        return f"RunRequest({', '.join(f'{name}={value!r}' for name, value in said.items() if value)})"


class Difference(Struct, frozen=True, kw_only=True):
    """A change as git's unified diff, against the commit `base`; `text` ends with a whole line.

    `cut` bytes of it are missing at the end. `at` is Unix time; a `live` one is of a clone as it was then.
    """

    base: str
    text: str
    at: float
    cut: int = 0
    live: bool = False


class Page(Struct, frozen=True, kw_only=True):
    """Bytes `offset` to `next` of the file `name` as text; the next page begins at `next`, the last one at `size`.

    A page ends with a whole line where it can. `size` is that of the file now: it may be growing.
    """

    name: str
    text: str
    offset: int
    next: int
    size: int


class Artifact(Struct, frozen=True, kw_only=True):
    """A file that an attempt left: diff, outputs of checks, review."""

    task: str
    attempt: int
    name: str
    size: int


class Printed(Struct, frozen=True, kw_only=True):
    """Which transcript: the latest that fits all that is said here."""

    agent: str | None = None
    task: str | None = None
    attempt: int | None = None
    kind: str | None = None


class CallRefused(Exception):
    """The engine will not do it; `exit` is the contract's exit code, `code` a word for programs."""

    def __init__(self, reason: str, *, code: str = "refused", exit_code: int = 2) -> None:
        super().__init__(reason)
        self.reason, self.code, self.exit_code = reason, code, exit_code


class Following(Protocol):
    """What agents print, for one client, as a place in each transcript: it holds no text."""

    def choose(self, lines: Collection[str], *, others: bool) -> None:
        """Each line of the agents in `lines`, and the last line of the others, if `others`.

        Begins with the end of what is there; an agent that stays chosen goes on where it was. Raises CallRefused.
        """
        ...

    async def said(self) -> Said:
        """What comes next, once there is something and it is not too soon."""
        ...

    def close(self) -> None:
        """Follow no more."""
        ...


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

    async def kept(self) -> dict[str, Any]:
        """What `undo --json` prints."""
        ...

    async def state(self) -> bytes:
        """The core's State as JSON; all that it rests on is durable. Events after its `seq` lead on from it."""
        ...

    async def diff(self, *, agent: str | None, task: str | None, attempt: int | None) -> Difference:
        """What an agent's clone holds now, or what an attempt (None: the latest) at a task claimed.

        Raises CallRefused.
        """
        ...

    def transcript(self, which: Printed, *, offset: int, limit: int) -> Page:
        """A page of a transcript; a negative offset counts from the end. Raises CallRefused."""
        ...

    def artifacts(self, task: str, attempt: int | None) -> Sequence[Artifact]:
        """The files that attempts (None: all) at a task left. Raises CallRefused."""
        ...

    def artifact(self, task: str, attempt: int, name: str, *, offset: int, limit: int) -> Page:
        """A page of one of them; a negative offset counts from the end. Raises CallRefused."""
        ...

    def follow(self) -> Following:
        """Follow what agents print; nothing is chosen yet."""
        ...

    def end(self, *, kill: bool) -> None:
        """Begin to end the engine, leaving a state that can be resumed."""
        ...
