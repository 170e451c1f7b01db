"""What is so: the fold of all events, and nothing else.

`evolve` holds no rule. It writes down what an event says, mutating in place; whoever keeps a state owns it alone. The
same fold serves the engine, every viewer, the tests and replay. Open stages are kept, closed ones leave only facts.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from engine.core.values import (
    AgentSpec,
    Amount,
    Change,
    CheckRun,
    Level,
    Limited,
    Limits,
    Outcome,
    Side,
    Source,
    StageKind,
    TaskOutcome,
    TaskSpec,
    Tokens,
    Trouble,
    Verdict,
    Waits,
)

ROOT = "_"
"""The id of the root task, which is the run itself; no task of a plan can have it."""


class Account(Struct, kw_only=True):
    """What was booked on a budget's account and raised since. `warned` is the last mark that was told, in percent.

    `spent_out`: nothing is started under it; it is used up, or has less left than a request may cost.
    """

    tokens: Tokens = Tokens()
    usd: str = "0"
    raised: tuple[Amount, ...] = ()
    spent_out: bool = False
    warned: int = 0


class Day(Account, kw_only=True):
    """What was spent on one day by all runs here. `number` is days since the epoch, in UTC."""

    number: int = 0


class Asked(Struct, kw_only=True):
    """Leave that an agent wants for a tool. `allow` is None while nobody has answered; `ask` is its own name of it."""

    id: str
    ask: str
    stage: str
    lease: int
    task: str
    agent: str
    tool: str
    title: str
    paths: tuple[str, ...]
    command: str
    reason: str
    level: Level
    signature: str
    at: float
    known: bool = False  # its answer follows at once
    outlived: bool = False  # the engine that it was asked under is gone; an answer is for when it is asked again
    allow: bool | None = None
    why: str = ""


class Provider(Struct, kw_only=True):
    """How a provider's model is: what happened last, since when; `until` and `to` as in `ProviderChanged`."""

    what: Trouble
    why: str
    until: float
    to: str
    at: float


class Review(Struct, frozen=True, kw_only=True):
    """One verdict on one change."""

    round: int
    lane: int
    agent: str
    verdict: Verdict
    patch: str
    remarks: str = ""


class Round(Struct, kw_only=True):
    """One numbered round of work on a task: what was claimed and what became of it."""

    number: int
    author: str = ""
    change: Change | None = None
    summary: str = ""
    failure: str = ""
    detail: str = ""
    blame: str = ""
    checked: bool | None = None
    check_reason: str = ""
    checks: tuple[CheckRun, ...] = ()
    review_failures: int = 0
    gated: bool | None = None
    gate_reason: str = ""
    gates: tuple[CheckRun, ...] = ()
    conflict: tuple[Side, ...] = ()
    merge_failures: int = 0
    merge_reason: str = ""
    merged_tree: str = ""
    merged: str = ""
    waited: bool = False
    carried: str = ""  # the commit of earlier work that it began with
    begun: int = 0  # how often its work was assigned
    interruptions: int = 0
    excused: int = 0  # of these, how many a person has waved through
    planned: tuple[str, ...] = ()
    again: bool = False  # the task failed with it, and a person wants another


class Approval(Struct, kw_only=True):
    """A decision a person owes, or gave."""

    stage: str
    task: str
    what: str
    about: str
    at: float
    patch: str = ""
    granted: bool | None = None
    why: str = ""


class Stage(Struct, kw_only=True):
    """A step that is open. `agent` is empty until it is assigned; an engine's own step is assigned to `engine`."""

    id: str
    task: str
    kind: StageKind
    round: int
    lane: int
    opened: int  # seq
    needs: tuple[str, ...] = ()
    pin: str | None = None
    avoid: tuple[str, ...] = ()
    due: float = 0.0
    why: str = ""
    agent: str = ""
    lease: int = 0
    assigned: int = 0  # seq of the assignment
    since: float = 0.0
    pid: int = 0
    tree: str = ""
    obstacle: str = ""  # why a merge waits
    paths: tuple[str, ...] = ()


class Task(Account, kw_only=True):
    """One task with everything known about it."""

    spec: TaskSpec
    source: Source
    order: int
    added: int  # seq
    version: int = 0
    last: int = 0  # seq of the last event about it
    at: float = 0.0
    unmet: list[str] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    answers: list[Approval] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)  # what a person said with a retry, by round
    open: list[str] = field(default_factory=list)  # ids of open stages
    brought: str = ""  # the commit of kept work that a person has brought back for the next round
    granted: int = 0
    pin: str | None = None
    unwanted: str | None = None  # why a person cancelled it
    outcome: TaskOutcome | None = None
    reason: str = ""
    commit: str = ""

    @property
    def round(self) -> Round | None:
        """The latest round, if any was opened."""
        return self.rounds[-1] if self.rounds else None


class Agent(Account, kw_only=True):
    """One worker. `held` is how a person took it out of service.

    `paused_for`, and what follows it, is why it is paused, where not because of a person: see `AgentPauseAsked`.
    """

    spec: AgentSpec
    version: int = 0
    stage: str = ""
    done: int = 0  # assignments so far: its load over time
    pause: Literal["", "asked", "frozen"] = ""
    held: Literal["", "stop", "kill"] = ""
    ending: bool = False
    proof: str = ""
    gone: bool = True
    since: float = 0.0
    seq: int = 0  # the event its state rests on
    limited: Limited | None = None  # the last limit that its program reached
    paused_for: Waits = ""
    until: float = 0.0
    scope: str = ""
    needed: Amount | None = None
    reason: str = ""
    asking: list[str] = field(default_factory=list)  # ids of what it wants leave for
    told: Tokens = Tokens()  # its own word on what the gateway counted
    told_usd: str = "0"
    sessions: dict[str, str] = field(default_factory=dict)  # by task
    program: str = ""  # the version of its program, as that says
    model_used: str = ""

    @property
    def waits(self) -> Literal["", "budget", "provider", "permission"]:
        """What it waits for; empty where it is at work, idle, or paused by a person."""
        if self.pause:
            return self.paused_for
        return "permission" if self.asking else ""


class Run(Account, kw_only=True):
    """The one run: its rules, its tasks, its open stages and what it used."""

    id: str
    goal: str
    pattern: str
    target: str
    base: str
    limits: Limits
    check: tuple[str, ...]
    approvals: dict[str, Level]
    review: bool
    allow_red: bool
    unconfined: bool
    planned: bool
    started: float
    seq: int
    root: Task
    version: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    dependants: dict[str, list[str]] = field(default_factory=dict)
    unended: int = 0
    under_way: dict[str, int] = field(default_factory=dict)  # kind of step -> how many are assigned
    evidence: dict[str, int] = field(default_factory=dict)  # passed: (tree, command, env) -> seq
    saved: Tokens = Tokens()  # what answers from the cache would have cost
    saved_usd: str = "0"
    asked: dict[str, Asked] = field(default_factory=dict)  # leave that waits for a person, or has a person's answer
    outcome: Outcome | None = None  # None: under way
    reason: str = ""
    ended: float = 0.0

    def task(self, name: str) -> Task:
        """The task of that id, the root included. Raises KeyError."""
        return self.root if name == ROOT else self.tasks[name]

    @property
    def unfinished(self) -> bool:
        """Under way, or at rest with something left that can be resumed."""
        return self.outcome in {None, "budget", "needs_human", "stopped"}


class State(Struct, kw_only=True):
    """Everything. A new run replaces the one before; agents keep their holds."""

    seq: int = 0
    at: float = 0.0
    epoch: int = 0
    pid: int = 0
    up: bool = False
    version: str = ""
    confinement: str = ""  # the label of the tier in force
    holes: tuple[str, ...] = ()
    run: Run | None = None
    agents: dict[str, Agent] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)  # id -> accepted | seen | acted, of this run
    kept: list[str] = field(default_factory=list)  # refs of work that was put aside, the oldest first
    dropped: int = 0  # how much of it is kept no more
    dropped_at: float = 0.0
    day: Day = field(default_factory=Day)  # the last on which anything was booked or raised
    providers: dict[str, Provider] = field(default_factory=dict)  # "PROVIDER/MODEL" -> what is the matter with it
    rules: dict[str, dict[str, bool]] = field(default_factory=dict)  # pool -> signature -> the answer to it


def evidence_key(tree: str, command: str, env: str) -> str:
    """What a check proves something about: exactly this tree, this command, this environment."""
    return f"{tree} {env} {command}"


def evidence_of(key: str) -> tuple[str, str, str]:
    """Tree, environment and command of such a key."""
    tree, env, command = key.split(" ", 2)
    return tree, env, command
