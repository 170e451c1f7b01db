"""What people may ask of the engine, and what its hands report back: two closed unions.

A request may be refused; a report is about something that has happened and is never refused, at most ignored.
`version` is what the asker saw of the thing it wants changed; a stale one is refused with what it is now.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from engine.core.values import (
    AgentSpec,
    Amount,
    Change,
    CheckRun,
    Level,
    Limited,
    Limits,
    Side,
    Source,
    TaskSpec,
    Tokens,
    Trouble,
    Verdict,
)


def _tag(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True, tag=_tag, tag_field="do"):
    """Base of what people ask."""


# -- requests ------------------------------------------------------------------------------------------------------


class StartRun(Request, frozen=True, kw_only=True):
    """Begin a run. Ids, the base and the crew are found by whoever asks: the core makes none up."""

    run: str
    goal: str
    pattern: str
    target: str
    base: str
    crew: tuple[AgentSpec, ...]
    limits: Limits
    check: tuple[str, ...]
    tasks: tuple[TaskSpec, ...] = ()
    approvals: dict[str, Level] = {}
    review: bool = True
    allow_red: bool = False
    unconfined: bool = False  # the user accepts that there may be no confinement
    notices: tuple[str, ...] = ()


class ResumeRun(Request, frozen=True, kw_only=True):
    """Go on with the unfinished run. `unconfined`: the user accepts from here on that there may be no confinement."""

    version: int | None = None
    unconfined: bool = False


class StopRun(Request, frozen=True, kw_only=True):
    """Bring the run to rest; it can be resumed."""

    reason: str = "stopped by the user"
    version: int | None = None


class AddTasks(Request, frozen=True, kw_only=True):
    """Add tasks to the plan, all or none."""

    tasks: tuple[TaskSpec, ...]
    source: Source = "command"


class ReviseTask(Request, frozen=True, kw_only=True):
    """Change what a task says; a running one reads it in its next attempt."""

    spec: TaskSpec
    version: int | None = None


class RetryTask(Request, frozen=True, kw_only=True):
    """Grant one more round of work."""

    task: str
    note: str = ""
    version: int | None = None


class CancelTask(Request, frozen=True, kw_only=True):
    """End a task that is not wanted any more."""

    task: str
    note: str = ""
    version: int | None = None


class ReassignTask(Request, frozen=True, kw_only=True):
    """Pin a task to an agent; a round under way is taken back and begun again there."""

    task: str
    to: str
    version: int | None = None


class PauseAgent(Request, frozen=True, kw_only=True):
    """Freeze an agent's whole tree."""

    agent: str
    version: int | None = None


class ResumeAgent(Request, frozen=True, kw_only=True):
    """Thaw an agent, or free it of the hold a stop or kill left."""

    agent: str
    version: int | None = None


class StopAgent(Request, frozen=True, kw_only=True):
    """End what an agent does, gently, and hold it."""

    agent: str
    reason: str = ""
    version: int | None = None


class BringBack(Request, frozen=True, kw_only=True):
    """Bring kept work back. `kept` is its id, its ref, or the beginning of its commit; the engine finds the rest."""

    kept: str
    ref: str = ""
    commit: str = ""
    branch: str = ""
    run: str = ""  # that it was begun in
    task: str = ""
    kind: str = ""


class SteerAgent(Request, frozen=True, kw_only=True):
    """Tell an agent something while it works."""

    agent: str
    text: str


class Answer(Request, frozen=True, kw_only=True):
    """Decide an approval, or give leave. `approval` is its id, or names exactly one: its task, the end of its id.

    `always`, for a leave only: the same answer from here on, whichever agent of its pool asks.
    """

    approval: str
    granted: bool
    why: str = ""
    version: int | None = None  # of its task
    always: bool = False


class DropRule(Request, frozen=True, kw_only=True):
    """Take back an answer that was given once and for all."""

    pool: str
    signature: str


class RaiseBudget(Request, frozen=True, kw_only=True):
    """Raise a budget by `amount`; `scope` is `run`, `day`, `task:ID` or an agent's name."""

    scope: str
    amount: Amount
    version: int | None = None  # of the run, the agent or the task


Requests = (
    StartRun
    | ResumeRun
    | StopRun
    | AddTasks
    | ReviseTask
    | RetryTask
    | CancelTask
    | ReassignTask
    | PauseAgent
    | ResumeAgent
    | StopAgent
    | BringBack
    | SteerAgent
    | Answer
    | RaiseBudget
    | DropRule
)


# -- reports -------------------------------------------------------------------------------------------------------


class Report(Struct, frozen=True, kw_only=True):
    """Base of what the hands report."""


class CameUp(Report, frozen=True, kw_only=True):
    """An engine took up the record."""

    epoch: int
    pid: int
    version: str
    confinement: str
    holes: tuple[str, ...] = ()
    held: dict[str, Literal["stop", "kill"]] = {}  # hold files that a kill without an engine left


class GoesDown(Report, frozen=True, kw_only=True):
    """The engine ends in order."""

    reason: str


class Began(Report, frozen=True, kw_only=True):
    """An agent's program runs."""

    stage: str
    lease: int
    pid: int
    tree: str
    carried: str = ""


class Worked(Report, frozen=True, kw_only=True):
    """An agent claims success and its change was taken in.

    `author` is given where it is not the assignee: an earlier engine had taken the change in already.
    """

    change: Change
    summary: str = ""
    confidence: float | None = None
    author: str = ""


class Broke(Report, frozen=True, kw_only=True):
    """Work, a review or a plan ended without what it owes."""

    reason: str
    detail: str = ""
    blame: Literal["agent", "work"] = "work"
    kept: str = ""


class Planned(Report, frozen=True, kw_only=True):
    """A planner's tasks, of the right shape but not yet validated against the run. `problem`: they were not."""

    tasks: tuple[TaskSpec, ...] = ()
    summary: str = ""
    problem: str = ""


class Checked(Report, frozen=True, kw_only=True):
    """Each line of a check with what came of it; `reason` is empty when all passed."""

    runs: tuple[CheckRun, ...]
    reason: str = ""


class Reviewed(Report, frozen=True, kw_only=True):
    """A reviewer's verdict on the change with this patch-id."""

    verdict: Verdict
    patch: str
    remarks: str = ""


class MergeMade(Report, frozen=True, kw_only=True):
    """The target advanced."""

    commit: str
    tree: str
    parent: str
    found: bool = False


class Conflicted(Report, frozen=True, kw_only=True):
    """The change and the target's `parent` touch the same lines."""

    parent: str
    sides: tuple[Side, ...]


class Obstructed(Report, frozen=True, kw_only=True):
    """The person's own edits are in the way."""

    reason: str
    paths: tuple[str, ...] = ()


class Waited(Report, frozen=True, kw_only=True):
    """A timer ran out."""


class Interrupted(Report, frozen=True, kw_only=True):
    """The assignment ended through no fault of the work. Not `counted`: it can not happen again by itself."""

    reason: str
    counted: bool = True


Result = Worked | Broke | Planned | Checked | Reviewed | MergeMade | Conflicted | Obstructed | Waited | Interrupted


class Finished(Report, frozen=True, kw_only=True):
    """A stage's effect ended."""

    stage: str
    lease: int
    result: Result


class GatePassed(Report, frozen=True, kw_only=True):
    """The gate passed on the combined tree; the merge waits until this is durable."""

    stage: str
    lease: int
    runs: tuple[CheckRun, ...]


class Cleared(Report, frozen=True, kw_only=True):
    """What obstructed a merge is gone."""

    stage: str


class Froze(Report, frozen=True, kw_only=True):
    """An agent's tree is frozen."""

    agent: str
    processes: int


class Ended(Report, frozen=True, kw_only=True):
    """A stopped agent's tree is gone."""

    agent: str
    proof: str
    processes: int


class Killed(Report, frozen=True, kw_only=True):
    """A kill was carried out, with or without success."""

    agent: str
    gone: bool
    proof: str
    processes: int
    ms: float
    snapshot: str | None = None
    keeping: bool = False


class Bit(Report, frozen=True, kw_only=True):
    """A limit held an agent's program."""

    stage: str
    lease: int
    limit: Limited


class PutAside(Report, frozen=True, kw_only=True):
    """What an agent's clone held is kept under `ref`; the rest as in `WorkKept`. `run` is the one it was begun in."""

    agent: str
    run: str
    task: str
    attempt: int
    ref: str
    commit: str
    why: str
    files: int = 0
    added: int = 0
    removed: int = 0
    size: int = 0
    left: tuple[str, ...] = ()
    lost: int = 0
    ignored: str = ""


class Dropped(Report, frozen=True, kw_only=True):
    """Kept work is kept no more."""

    refs: tuple[str, ...]
    size: int = 0


class Steered(Report, frozen=True, kw_only=True):
    """A message reached the agent's program, or was put into its inbox (`delivered` false)."""

    agent: str
    text: str
    delivered: bool


class Spent(Report, frozen=True, kw_only=True):
    """Tokens and money were used; the rest as in `UsageBooked`."""

    agent: str
    task: str
    tokens: Tokens
    usd: str = "0"
    source: Literal["agent", "gateway"] = "agent"
    model: str = ""
    provider: str = ""
    request: str = ""
    price: str = ""
    estimated: bool = False
    failed: bool = False
    counted: bool = True
    saved: bool = False
    reasoning: int = 0


class Short(Report, frozen=True, kw_only=True):
    """A request may cost more than is left. `scope`: of which budget; empty: the first that it does not fit.

    `hold`: it is kept waiting, so its agent is paused until there is room; else it is refused, or ends the turn.
    """

    agent: str
    task: str
    scope: str = ""
    needed: Amount = Amount()
    why: str = ""
    hold: bool = True


class Parked(Report, frozen=True, kw_only=True):
    """A provider takes nothing until then (Unix time, 0 where it is not known); the request is kept waiting."""

    agent: str
    provider: str
    model: str
    until: float = 0.0
    why: str = ""


class Unparked(Report, frozen=True, kw_only=True):
    """What the agent was parked for is over; or a budget that it waits for may have room again."""

    agent: str


class Provider(Report, frozen=True, kw_only=True):
    """Something happened at a provider, as in `ProviderChanged`."""

    agent: str
    provider: str
    model: str
    what: Trouble
    why: str = ""
    until: float = 0.0
    to: str = ""
    attempt: int = 0


class AskedLeave(Report, frozen=True, kw_only=True):
    """An agent wants leave for a tool. `id` is its own name of it; `paths` are relative to its clone, if inside."""

    stage: str
    lease: int
    id: str
    tool: str
    title: str = ""
    paths: tuple[str, ...] = ()
    command: str = ""
    why: str = ""


class Opened(Report, frozen=True, kw_only=True):
    """An agent's program told who answers."""

    stage: str
    lease: int
    session: str = ""
    version: str = ""
    model: str = ""


class Took(Report, frozen=True, kw_only=True):
    """A draft was valid and is being delivered."""

    id: str
    sender: str
    to: str
    kind: str
    payload: dict[str, Any]
    correlation: str = ""


class TurnedAway(Report, frozen=True, kw_only=True):
    """A draft was not valid."""

    sender: str
    file: str
    reason: str


class Read(Report, frozen=True, kw_only=True):
    """A delivered message was seen or acted on."""

    id: str
    state: Literal["seen", "acted"]


class Barred(Report, frozen=True, kw_only=True):
    """An agent asked for a host that it may not reach."""

    agent: str
    host: str
    port: int
    why: str


class Noticed(Report, frozen=True, kw_only=True):
    """Something a person should know."""

    text: str


Reports = (
    CameUp
    | GoesDown
    | Began
    | Finished
    | GatePassed
    | Cleared
    | Froze
    | Ended
    | Killed
    | Bit
    | PutAside
    | Dropped
    | Steered
    | Spent
    | Took
    | TurnedAway
    | Read
    | Barred
    | Noticed
    | Short
    | Parked
    | Unparked
    | Provider
    | AskedLeave
    | Opened
)

Command = Requests | Reports
