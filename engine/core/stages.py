"""The vocabulary of patterns: what a step is, how it is named, and what a pattern may look at.

A pattern is a pure function of a `View`; it answers with the steps that should be under way now, or with the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.state import ROOT, Agent, Round, Run, Stage, Task
from engine.core.values import StageKind, TaskOutcome

AGENT_KINDS = frozenset({"plan", "work", "review"})
"""Steps that an agent does; the engine does the others, a person answers `ask`."""
MAX_INTERRUPTIONS = 5
MAX_INFRASTRUCTURE_FAILURES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A step towards the outcome. `due` is seconds, for a wait; `why` and `about` are for an ask."""

    kind: StageKind
    round: int
    lane: int = 0
    needs: tuple[str, ...] = ()
    pin: str | None = None
    avoid: tuple[str, ...] = ()
    due: float = 0.0
    why: str = ""
    about: str = ""
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """These steps should be under way; none means: wait for others."""

    stages: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The task is over."""

    outcome: TaskOutcome
    reason: str = ""
    commit: str = ""


def stage_id(run: str, task: str, want: Want) -> str:
    """`run/task/kind.round.lane`."""
    return f"{run}/{task}/{want.kind}.{want.round}.{want.lane}"


@dataclass(frozen=True, slots=True)
class View:
    """What a pattern may know: the task's own facts, its children, and facts of the run and its crew."""

    task: Task
    run: Run
    crew: Mapping[str, Agent]

    @property
    def is_root(self) -> bool:
        """Is this the run itself?"""
        return self.task.spec.id == ROOT

    @property
    def round(self) -> Round | None:
        """The latest round of work."""
        return self.task.round

    @property
    def merging(self) -> bool:
        """May the target have moved already? From its gate on a merge is carried through: only it can say."""
        return merging(self.run, self.task)

    @property
    def open(self) -> list[Stage]:
        """The steps that are open now."""
        return [self.run.stages[name] for name in self.task.open]

    @property
    def ready(self) -> bool:
        """May it begin: the base is known to be good enough, and all it depends on is done."""
        return based(self.run) and not self.task.unmet

    @property
    def blocked_by(self) -> str | None:
        """A dependency that ended without being done."""
        for name in self.task.unmet:
            other = self.run.tasks.get(name)
            if other is not None and other.outcome not in {None, "done"}:
                return name
        return None

    def able(self, *needs: str) -> list[str]:
        """Names of the agents with all these capabilities."""
        return [name for name, agent in self.crew.items() if set(needs).issubset(agent.spec.does)]


def merging(run: Run, task: Task) -> bool:
    """Is a merge under way, or was one cut off after its gate and may have been made?"""
    merge = next((run.stages[name] for name in task.open if run.stages[name].kind == "merge"), None)
    if merge is None or merge.obstacle or task.round is None:
        return False
    return bool(merge.agent) or task.round.gated is True


def based(run: Run) -> bool:
    """Has the gate run on the base, with a result the run may start from?"""
    first = run.root.rounds[0] if run.root.rounds else None
    return first is not None and (first.checked is True or (first.checked is False and run.allow_red))
