"""Every fact the record can hold: one closed union, and the envelope around it.

A fact is past tense and complete: the state is nothing but the fold of these. A fact says what happened, never what to
do about it; no rule lives here. Fields may be added with a default, never renamed or removed: journals of every
released version stay readable.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

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
    Value,
    Verdict,
    Waits,
)


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all facts."""


# -- the engine ----------------------------------------------------------------------------------------------------


class EngineStarted(Fact, frozen=True, kw_only=True):
    """An engine took the record up. Whatever was assigned under an earlier epoch is interrupted by this."""

    epoch: int
    pid: int
    version: str
    confinement: str  # the label of the tier in force
    holes: tuple[str, ...] = ()  # what that is known not to hold, a sentence each


class EngineStopped(Fact, frozen=True, kw_only=True):
    """An engine ended in order; what was unfinished can be resumed."""

    reason: str


# -- the run -------------------------------------------------------------------------------------------------------


class RunStarted(Fact, frozen=True, kw_only=True):
    """A run began: its goal, its crew and its rules, as they were at that moment. `base` is a commit."""

    goal: str
    pattern: str
    target: str
    base: str
    crew: tuple[AgentSpec, ...]
    limits: Limits
    check: tuple[str, ...]
    approvals: dict[str, Level] = {}
    review: bool = True
    allow_red: bool = False
    unconfined: bool = False
    planned: bool = False  # tasks were given with the run, so nothing is to be planned


class RunEnded(Fact, frozen=True, kw_only=True):
    """A run came to rest. `budget`, `needs_human` and `stopped` may be taken up again by `run_resumed`."""

    outcome: Outcome
    reason: str
    tasks: dict[str, str]  # task -> outcome, or the state it rests in
    merged: tuple[Merged, ...] = ()
    usage: Tokens = Tokens()
    usd: str = "0"


class Merged(Value, frozen=True, kw_only=True):
    """One task's commit on the target."""

    task: str
    commit: str


class RunResumed(Fact, frozen=True, kw_only=True):
    """A run at rest goes on, because of what a person said or raised."""

    reason: str
    unconfined: bool = False  # the user accepts from here on that there may be no confinement


class PlanRevised(Fact, frozen=True, kw_only=True):
    """A validated plan changed what is to be done. The tasks themselves follow as `task_added` and `task_ended`."""

    source: Source
    added: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    note: str = ""


class PlanRefused(Fact, frozen=True, kw_only=True):
    """A plan did not validate; nothing of it was applied."""

    source: Source
    reason: str


# -- tasks ---------------------------------------------------------------------------------------------------------


class TaskAdded(Fact, frozen=True, kw_only=True):
    """A task became part of the run."""

    spec: TaskSpec
    source: Source


class TaskRevised(Fact, frozen=True, kw_only=True):
    """A person changed a task's words; the next attempt reads them."""

    spec: TaskSpec


class TaskRetried(Fact, frozen=True, kw_only=True):
    """A person granted one more round of work."""

    note: str = ""


class TaskReassigned(Fact, frozen=True, kw_only=True):
    """A person pinned the task to an agent."""

    to: str


class TaskCancelAsked(Fact, frozen=True, kw_only=True):
    """A person does not want the task any more."""

    note: str = ""


class TaskEnded(Fact, frozen=True, kw_only=True):
    """A task came to its end. `commit` is the merge on the target, for `done`."""

    outcome: TaskOutcome
    reason: str = ""
    commit: str = ""


# -- stages --------------------------------------------------------------------------------------------------------


class StageOpened(Fact, frozen=True, kw_only=True):
    """A step is due. Its id is `run/task/kind.round.lane`."""

    stage: str
    kind: StageKind
    round: int
    lane: int = 0
    needs: tuple[str, ...] = ()
    agent: str | None = None  # pinned to it
    avoid: tuple[str, ...] = ()  # agents that may not do it: the author, for a review
    due: float = 0.0  # seconds a `wait` lasts
    why: str = ""  # what an `ask` is about


class StageAssigned(Fact, frozen=True, kw_only=True):
    """An agent holds the stage under a lease. Reports under an older lease are ignored. Envelope: agent."""

    stage: str
    lease: int


class StageInterrupted(Fact, frozen=True, kw_only=True):
    """An assignment ended without a result, through no fault of the work; it is not counted as an attempt.

    `counted`: it counts towards the limit of interruptions; not so when a person brought it about.
    """

    stage: str
    lease: int
    reason: str
    counted: bool = True


class StageClosed(Fact, frozen=True, kw_only=True):
    """A stage has its result, which the facts before this one say."""

    stage: str
    result: str


class StageCancelled(Fact, frozen=True, kw_only=True):
    """A stage is not wanted any more."""

    stage: str
    reason: str


class ResultIgnored(Fact, frozen=True, kw_only=True):
    """Something was reported for a stage that was closed, or under an old lease."""

    stage: str
    lease: int
    reason: str


class AttemptStarted(Fact, frozen=True, kw_only=True):
    """The agent's program runs. Envelope: task, attempt, agent."""

    stage: str
    lease: int
    pid: int = 0
    tree: str = ""  # the clone it works in
    carried: str = ""  # the commit of earlier work that it begins with


class AttemptClaimed(Fact, frozen=True, kw_only=True):
    """An agent says it is done and left a change, which was taken in. A claim is not evidence."""

    stage: str
    change: Change
    summary: str = ""
    confidence: float | None = None


class AttemptFailed(Fact, frozen=True, kw_only=True):
    """A round of work ended without a usable change. `blame` is `agent` for a crash or a timeout."""

    stage: str
    reason: str
    detail: str = ""
    blame: Literal["agent", "work"] = "work"
    kept: str = ""  # ref under which what it left is kept


class PlanGiven(Fact, frozen=True, kw_only=True):
    """A planner's result, before validation."""

    stage: str
    tasks: tuple[TaskSpec, ...]
    summary: str = ""


class CheckPassed(Fact, frozen=True, kw_only=True):
    """Every line of a check passed on one tree. `at_gate`: on the combined tree, at the head of the merge lane."""

    stage: str
    runs: tuple[CheckRun, ...]
    at_gate: bool = False


class CheckFailed(Fact, frozen=True, kw_only=True):
    """A line of a check did not pass, or no test was run."""

    stage: str
    runs: tuple[CheckRun, ...]
    reason: str
    at_gate: bool = False


class ReviewGiven(Fact, frozen=True, kw_only=True):
    """A reviewer judged one change, known by its patch-id. Envelope: agent is the reviewer."""

    stage: str
    verdict: Verdict
    patch: str
    remarks: str = ""


class ReviewFailed(Fact, frozen=True, kw_only=True):
    """A reviewer ended without a verdict."""

    stage: str
    reason: str


class MergeDone(Fact, frozen=True, kw_only=True):
    """The target advanced by exactly this commit, whose tree is the one the gate passed on."""

    stage: str
    commit: str
    tree: str
    parent: str
    target: str
    found: bool = False  # it was there already: an earlier engine merged and died before it could say so


class MergeConflicted(Fact, frozen=True, kw_only=True):
    """The change and the target touch the same lines."""

    stage: str
    parent: str
    sides: tuple[Side, ...]


class MergeWaiting(Fact, frozen=True, kw_only=True):
    """The target cannot be advanced without touching the person's own edits; nothing moved."""

    stage: str
    reason: str
    paths: tuple[str, ...] = ()


class MergeCleared(Fact, frozen=True, kw_only=True):
    """What a merge waited for is gone; it may try again."""

    stage: str


class MergeFailed(Fact, frozen=True, kw_only=True):
    """The merge could not be made, for a reason that is neither a conflict nor a red gate."""

    stage: str
    reason: str


# -- agents --------------------------------------------------------------------------------------------------------


class AgentPauseAsked(Fact, frozen=True, kw_only=True):
    """The agent is to be frozen. `why`: a person wants it; or a budget is short, or a provider takes nothing.

    For `budget`: `scope` is whose, `needed` what the request under way may cost at most. For `provider`: `until` is
    Unix time, 0 where it is not known. `reason` says it in words.
    """

    why: Waits = ""
    until: float = 0.0
    scope: str = ""
    needed: Amount | None = None
    reason: str = ""


class AgentPaused(Fact, frozen=True, kw_only=True):
    """The agent's whole tree is frozen; `processes` were stopped."""

    processes: int = 0


class AgentResumed(Fact, frozen=True, kw_only=True):
    """The agent goes on, or is free of its hold."""


class AgentHeld(Fact, frozen=True, kw_only=True):
    """A person stopped or killed the agent: it gets nothing until resumed. `how` is `stop` or `kill`."""

    how: Literal["stop", "kill"]
    reason: str = ""


class AgentStopped(Fact, frozen=True, kw_only=True):
    """The agent's program ended on request; the proof says that nothing of it is left."""

    proof: str = ""
    processes: int = 0


class AgentKilled(Fact, frozen=True, kw_only=True):
    """The agent's whole tree is gone. `gone` is never true without a proof."""

    gone: bool
    proof: str
    processes: int = 0
    ms: float = 0.0
    snapshot: str | None = None
    keeping: bool = False  # its work was still being put aside; `work_kept` tells of it


class LimitReached(Fact, frozen=True, kw_only=True):
    """A limit held an agent's program, once for each limit and assignment. Envelope: task, attempt, agent."""

    stage: str
    limit: Limited


class WorkKept(Fact, frozen=True, kw_only=True):
    """What a clone held was put aside before anything in it was changed or deleted. Envelope: agent, task, attempt.

    `why` completes "put aside because"; `left` are files that were left out, the first of `lost`; `ignored` is the ref
    of what git ignores. `size` is in bytes.
    """

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


class WorkDropped(Fact, frozen=True, kw_only=True):
    """Kept work that was too old or too much is kept no more; `size` is in bytes."""

    refs: tuple[str, ...]
    size: int = 0


class WorkBroughtBack(Fact, frozen=True, kw_only=True):
    """A person has kept work back as a branch. `carried`: the next round of its task begins with it. Envelope: task."""

    ref: str
    commit: str
    branch: str
    carried: bool = False


class AgentSteered(Fact, frozen=True, kw_only=True):
    """A message was handed to the agent."""

    text: str
    delivered: bool


class SessionOpened(Fact, frozen=True, kw_only=True):
    """The agent's program told who answers: its session, its own version and model. Envelope: agent, task."""

    session: str = ""
    version: str = ""
    model: str = ""


# -- money, approvals, messages ------------------------------------------------------------------------------------


class UsageBooked(Fact, frozen=True, kw_only=True):
    """Tokens and money spent. `source` is who says so: `agent` is the agent's own word. Envelope: agent, task.

    `request` is the id of the one request that cost it, `price` where its price is from. `estimated`: its answer ended
    without figures. `failed`: it was billed and yet of no use. Not `counted`: the agent's own word on what the gateway
    has counted already. `saved`: it came from the cache, and is what it would have cost. `reasoning` is a part of the
    output.
    """

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


class BudgetWarned(Fact, frozen=True, kw_only=True):
    """`part` percent of a budget are used; told once for each mark, and again when it was raised."""

    scope: str
    part: int
    used: Amount
    limit: Amount


class BudgetReached(Fact, frozen=True, kw_only=True):
    """A budget is used up, or has less left than is `needed`: nothing more is started under it.

    `scope` is `run`, `day`, `task:ID` or an agent's name.
    """

    scope: str
    used: Amount
    limit: Amount
    needed: Amount | None = None


class BudgetRaised(Fact, frozen=True, kw_only=True):
    """A person raised a budget by `amount`; that of the day for this day."""

    scope: str
    amount: Amount


class ProviderChanged(Fact, frozen=True, kw_only=True):
    """Something happened at a provider of models. Envelope: agent whose request met it.

    `until` is Unix time, 0 where there is none; `to` is the model that takes its place.
    """

    provider: str
    model: str
    what: Trouble
    why: str = ""
    until: float = 0.0
    to: str = ""
    attempt: int = 0


class PermissionAsked(Fact, frozen=True, kw_only=True):
    """An agent wants leave for a tool and waits. Envelope: agent, task, attempt.

    `id` is what an answer names; `ask` is the agent's own name of it, under `lease`. `level` is what the crew's policy
    says; `signature` is what an answer may be remembered by, empty where nothing tells it from others.
    """

    id: str
    stage: str
    lease: int
    ask: str
    tool: str
    title: str = ""
    paths: tuple[str, ...] = ()
    command: str = ""
    why: str = ""
    level: Level = "auto"
    signature: str = ""
    known: bool = False  # its answer follows at once: nobody is asked


class PermissionGiven(Fact, frozen=True, kw_only=True):
    """The answer to it. `by` a rule: because of an earlier answer. `always`: it is to be remembered."""

    id: str
    stage: str
    lease: int
    ask: str
    allow: bool
    why: str = ""
    by: Literal["person", "policy", "rule"] = "person"
    always: bool = False


class RuleMade(Fact, frozen=True, kw_only=True):
    """From here on the agents of this pool get this answer to what has this signature, without anybody being asked."""

    pool: str
    signature: str
    allow: bool


class ApprovalAsked(Fact, frozen=True, kw_only=True):
    """A person owes a decision. Its id is the id of the `ask` stage."""

    stage: str
    what: str
    about: Literal["attempts", "risk", "review", "question", "interruptions", "guarded"]
    patch: str = ""


class ApprovalGiven(Fact, frozen=True, kw_only=True):
    """A person decided."""

    stage: str
    granted: bool
    why: str = ""
    patch: str = ""


class MessageAccepted(Fact, frozen=True, kw_only=True):
    """A draft was valid, stamped and signed, and is delivered. `path` is in the recipient's inbox."""

    id: str
    sender: str
    to: str
    kind: str
    payload: dict[str, Any] = {}
    correlation: str = ""


class MessageRefused(Fact, frozen=True, kw_only=True):
    """A draft was not valid; it is kept in the sender's `refused/`."""

    sender: str
    file: str
    reason: str


class MessageDelivered(Fact, frozen=True, kw_only=True):
    """The recipient has the message: `seen` by its program, or `acted` on."""

    id: str
    state: Literal["seen", "acted"]


class NetworkRefused(Fact, frozen=True, kw_only=True):
    """An agent asked for a host that it may not reach. Told once an assignment and host; the log has all requests."""

    host: str
    port: int
    why: str


class NoticeGiven(Fact, frozen=True, kw_only=True):
    """Something a person should know: uncommitted files that agents do not see, an unusual repository."""

    text: str


class RuleDropped(Fact, frozen=True, kw_only=True):
    """A person took such a rule back: they are asked again."""

    pool: str
    signature: str


Data = (
    EngineStarted
    | EngineStopped
    | RunStarted
    | RunEnded
    | RunResumed
    | PlanRevised
    | PlanRefused
    | TaskAdded
    | TaskRevised
    | TaskRetried
    | TaskReassigned
    | TaskCancelAsked
    | TaskEnded
    | StageOpened
    | StageAssigned
    | StageInterrupted
    | StageClosed
    | StageCancelled
    | ResultIgnored
    | AttemptStarted
    | AttemptClaimed
    | AttemptFailed
    | PlanGiven
    | CheckPassed
    | CheckFailed
    | ReviewGiven
    | ReviewFailed
    | MergeDone
    | MergeConflicted
    | MergeWaiting
    | MergeCleared
    | MergeFailed
    | AgentPauseAsked
    | AgentPaused
    | AgentResumed
    | AgentHeld
    | AgentStopped
    | AgentKilled
    | LimitReached
    | WorkKept
    | WorkDropped
    | WorkBroughtBack
    | AgentSteered
    | UsageBooked
    | BudgetReached
    | BudgetRaised
    | ApprovalAsked
    | ApprovalGiven
    | MessageAccepted
    | MessageRefused
    | MessageDelivered
    | NetworkRefused
    | NoticeGiven
    | SessionOpened
    | BudgetWarned
    | ProviderChanged
    | PermissionAsked
    | PermissionGiven
    | RuleMade
    | RuleDropped
)


class Event(Struct, frozen=True, kw_only=True):
    """A fact in the record: when, about whom, said by whom, and because of which earlier event.

    `at` is seconds since the epoch; `actor` is a person, an agent or `engine`; `cause` is a seq.
    """

    seq: int
    at: float
    kind: str
    data: Data
    run: str = ""
    task: str = ""
    attempt: int = 0
    agent: str = ""
    actor: str = "engine"
    cause: int | None = None


class _Line(Struct, frozen=True, kw_only=True):
    """An event's line with the fact not yet read: its type depends on `kind`."""

    seq: int
    at: float
    kind: str
    data: msgspec.Raw
    run: str = ""
    task: str = ""
    attempt: int = 0
    agent: str = ""
    actor: str = "engine"
    cause: int | None = None


def kind_of(fact: type[Fact]) -> str:
    """The public name of a fact's type: `TaskAdded` is `task_added`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", fact.__name__).lower()


KINDS: dict[type[Fact], str] = {fact: kind_of(fact) for fact in get_args(Data)}
_DECODERS: dict[str, msgspec.json.Decoder[Data]] = {kind: msgspec.json.Decoder(fact) for fact, kind in KINDS.items()}
_line = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class UnknownKind(ValueError):
    """A record holds a fact that this version does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the record holds {what}, which a later version of Quarterdeck wrote: upgrade to that one")


def encode(event: Event) -> bytes:
    """One JSON object, without a line end."""
    return _encoder.encode(event)


def decode(line: bytes) -> Event:
    """Read what `encode` wrote; fields it does not know (the chain's among them) are passed over.

    Raises `UnknownKind` for a kind of a later version, `msgspec.MsgspecError` for anything that is no event.
    """
    raw = _line.decode(line)
    decoder = _DECODERS.get(raw.kind)
    if decoder is None:
        raise UnknownKind(f'"{raw.kind}"')
    return Event(
        seq=raw.seq,
        at=raw.at,
        kind=raw.kind,
        data=decoder.decode(raw.data),
        run=raw.run,
        task=raw.task,
        attempt=raw.attempt,
        agent=raw.agent,
        actor=raw.actor,
        cause=raw.cause,
    )
