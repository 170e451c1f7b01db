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
Kind = Literal["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"]
"""What a tool does, as the Agent Client Protocol sorts them."""
Status = Literal["pending", "running", "done", "failed"]
Scope = Literal["call", "turn", "session"]
"""What an agent's figure of tokens is the sum of."""
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
class Opened:
    """Who answers: the agent's own version and model, and the session that can be taken up again; "" where unknown."""

    session: str = ""
    version: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """More of what the agent tells the person. Portions with the same `message` belong together."""

    text: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """More of what it thinks."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool it uses, as it stands now; the same `id` again replaces what is not empty. All are closed at the end.

    `paths` are files it is about, as the agent calls them; `input` and `output` are texts, cut to what can be read.
    """

    id: str
    title: str = ""
    kind: Kind = "other"
    status: Status = "running"
    paths: tuple[str, ...] = ()
    input: str = ""
    output: str = ""
    exit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A file that the agent says it changed. A hint: what it changed is read from its clone."""

    path: str
    patch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of an agent's own plan."""

    text: str
    status: Literal["pending", "running", "done"] = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intends:
    """Its own plan, whole, as it stands now."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """It wants leave for a tool and waits for `Session.answer(id, ...)`. `command` is the line it would execute."""

    id: str
    tool: Tool
    command: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money (US dollars, a decimal string) that the agent says it used. Its own word, and often late.

    Of scope `call` and `turn` each is new; of scope `session` it is the sum since `Started`, and takes the place of
    what was said before.
    """

    tokens: Tokens
    usd: str = "0"
    scope: Scope = "session"
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How full its context is, in tokens; `size` 0 where it does not say."""

    used: int
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """It tries a request again: which time, after how many seconds, because of which HTTP status (0: none came)."""

    attempt: int
    seconds: float = 0.0
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erred:
    """An error that it tells of; `status` is HTTP's, 0 where there is none. Whether it ends by it, `Finished` says."""

    text: str
    status: int = 0


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


Update = (
    Started | Text | Opened | Said | Thought | Tool | Edited | Intends | Asks | Usage | Context | Retries | Erred
    | Notice | Held | Finished
)  # fmt: skip
OnUpdate = Callable[[Update], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One assignment: who does what, where, and what it is told.

    `environment` is complete and already allow-listed (see `environment.py`); `instructions` is the document that
    the adapter writes to `task_file` (see `instructions.py`). The folders exist; the files need not.

    `model` is what its tier means ("": the agent's own choice). `bases` are addresses of the gateway by the kind of API
    (anthropic, openai, gemini), without a trailing slash; `token` is what it shows there in place of a key. `session`
    is one of its own on this task that is taken up again. `home` is its HOME, as it is called inside.
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
    model: str = ""
    bases: Mapping[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    session: str = ""
    home: Path = Path("/")


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

    def say(self, data: bytes) -> None:
        """Write to its standard input, of a program that `talks`; what it does not read yet waits here."""
        ...

    def hush(self) -> None:
        """Close its standard input, once all that was said is written. Harmless twice, and when it has ended."""
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

    async def answer(self, ask: str, *, allow: bool, why: str = "") -> None:
        """Answer what it `Asks`. An answer to what is not asked any more is dropped."""
        ...

    async def interrupt(self) -> None:
        """Ask it to end its turn in its own way, where it knows one, and give it a moment for that."""
        ...

    async def cancel(self) -> None:
        """End the agent in order; returns when nothing of it is left. Harmless after the end."""
        ...


class Adapter(Protocol):
    """A kind of agent. `scripted` is shown wherever the agent is: what it does was written down before."""

    scripted: bool

    def home(self, brief: Brief) -> Mapping[str, bytes]:
        """Files that it wants in its HOME, by path from there; written, confined, before `start`."""
        ...

    def environment(self, brief: Brief) -> Mapping[str, str]:
        """What its environment holds besides `brief.environment`, which it is not asked to repeat."""
        ...

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Begin an assignment. A program that can not be started ends at once as `missing`; it is no exception.

        Raises `NoCommand`, and `KeeperLost` or `Busy` of the keeper, before anything was started.
        """
        ...
