"""Small frozen values that facts, commands and the state share.

Nothing here decides anything: a value says what was given or found, and where it came from.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Outcome = Literal["verified", "failed", "budget", "needs_human", "stopped"]
"""How a run ended. The last three can be resumed."""

TaskOutcome = Literal["done", "failed", "blocked", "cancelled"]
StageKind = Literal["plan", "work", "check", "review", "merge", "wait", "ask"]
Verdict = Literal["approve", "reject"]
Level = Literal["auto", "confirm", "review"]
Risk = Literal["low", "medium", "high"]
Source = Literal["plan", "file", "planner", "command", "goal"]
Bite = Literal["slowed", "cut", "refused", "ended", "frozen"]
"""What a limit does: wait for it, drop the rest, give no more, end the program, freeze the agent."""
Trouble = Literal["retry", "limited", "opened", "probing", "closed", "fallback", "cache_hit", "refused", "estimated"]
"""What happened at a provider of models: `opened`, `probing` and `closed` are the states of its circuit breaker."""
Waits = Literal["", "budget", "provider"]
"""Why an agent is paused: because a person says so, a budget is short, or a provider takes nothing for a while."""


class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all values: immutable, written without its defaults so that fields can be added later."""


class AgentSpec(Value, frozen=True, kw_only=True):
    """One instance of a configured worker, as the run knew it. `does` are capabilities."""

    name: str
    runtime: str
    does: tuple[str, ...]
    pool: str = ""  # the configured name: `builder` for `builder-1`
    tier: str = "standard"
    confine: str = ""  # the least confinement asked for; empty: basic
    budget: Amount | None = None
    write: tuple[str, ...] | None = None  # globs of what may change in what it hands in; None: anything
    given: tuple[str, ...] = ()  # of these, what the person's own settings say: see `guarded`
    model: str = ""  # in place of what its tier means
    asks: dict[str, Level] = {}  # which tools need a person's leave: see `permissions`
    fallback: tuple[str, ...] = ()  # models, in their order, for when its own can not be had
    late: bool = False  # metered by its own word, not by the gateway: paused when a budget is found used up


class Amount(Value, frozen=True, kw_only=True):
    """A limit or a sum: money as a decimal string in US dollars, tokens as an integer. None: not limited."""

    usd: str | None = None
    tokens: int | None = None


class Tokens(Value, frozen=True, kw_only=True):
    """Tokens of one booking or a sum of bookings, split as vendors price them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """All four kinds together, which is what a token budget counts."""
        return self.input + self.output + self.cache_read + self.cache_write

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
        )


class TaskSpec(Value, frozen=True, kw_only=True):
    """One task as it was asked for; the fields of the contract's plan schema."""

    id: str
    title: str
    prompt: str = ""
    kind: str = "implement"
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    priority: int = 0
    agent: str | None = None
    accept: tuple[str, ...] = ()
    review: bool | None = None
    risk: Risk = "low"
    tier: str = ""  # of the model that works on it; empty: its agent's
    budget: Amount | None = None  # all that may be spent on it; None: the run's `task_budget`


class Limits(Value, frozen=True, kw_only=True):
    """What a run may use at most: agents at once, rounds of work a task, money and tokens; and what one agent may.

    Of an agent: processes, bytes (`output` a second), seconds. 0 is no limit, as it was before there were any.
    """

    agents: int = 4
    attempts: int = 3
    budget: Amount = Amount()
    processes: int = 0
    memory: int = 0
    disk: int = 0  # clone, home and tmp together
    file: int = 0
    output: int = 0
    log: int = 0
    time: float = 0.0  # of one attempt, without its pauses
    nice: int = 0
    freeze_idle: float = 0.0
    task_budget: Amount = Amount()  # of each task that has none of its own
    day_budget: Amount = Amount()  # of all runs here of one day, in UTC
    warn_at: tuple[int, ...] = (75, 90)  # percent of a budget


class Limited(Value, frozen=True, kw_only=True):
    """A limit that was reached: its name, what it is and what was used, in words, and what was done about it."""

    limit: str
    value: str
    done: Bite
    used: str = ""


class Guarded(Value, frozen=True, kw_only=True):
    """A changed path that acts without anybody asking for it, so that a person must grant it, and why."""

    path: str
    why: str


class Change(Value, frozen=True, kw_only=True):
    """A change that was taken in from a clone. Hashes are full git object names.

    `tree` is what the agent's clone held, `base` the commit its difference is taken against, `patch` git's stable
    patch-id of that difference (so that a review survives a moved target). `guarded` are paths it may not bring to the
    target without a person's word.
    """

    commit: str
    tree: str
    base: str
    patch: str
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    guarded: tuple[Guarded, ...] = ()


class CheckRun(Value, frozen=True, kw_only=True):
    """One shell line of a check, run on exactly `tree` in the environment `env` (a hash). `output` is its tail."""

    command: str
    tree: str
    env: str
    passed: bool
    exit: int | None
    reason: str = ""  # why it did not pass, in words
    output: str = ""
    seconds: float = 0.0
    log: str = ""  # path of the whole output, relative to the run's artifacts


class Side(Value, frozen=True, kw_only=True):
    """One conflicting file with what both sides made of it (tails of text, for the author)."""

    path: str
    ours: str = ""  # the target's
    theirs: str = ""  # the attempt's


class Feedback(Value, frozen=True, kw_only=True):
    """What an earlier round left for the next one to mend."""

    attempt: int
    kind: Literal["failure", "check", "review", "gate", "conflict", "person", "plan"]
    text: str
    by: str = ""
    sides: tuple[Side, ...] = ()
