"""Plays a run by hand: the test is every hand and every person, and says what each stage finds.

A stage is named by its end: `parse/work.1.0`. What it finds is made up, consistently: tree `T-parse.1`, patch
`p-parse.1`, and `M-parse.1` for the tree of both together.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import commands as c
from engine.core import events as e
from engine.core.approvals import waiting_approvals
from engine.core.decide import Mind
from engine.core.guarded import Touch, guarded
from engine.core.state import Agent, Run, Stage, Task
from engine.core.values import AgentSpec, Change, CheckRun, Limits, TaskSpec


def task(name: str, *after: str, **fields: object) -> TaskSpec:
    """A task that comes after others."""
    return TaskSpec(id=name, title=f"do {name}", after=after, **fields)  # type: ignore[arg-type]


def agent(name: str, *does: str, **fields: object) -> AgentSpec:
    """An agent; it implements unless said otherwise."""
    return AgentSpec(name=name, runtime="scripted", does=does or ("implement",), **fields)  # type: ignore[arg-type]


BUILDERS = (agent("ann"), agent("bob"))
CREW = (*BUILDERS, agent("rev", "review"))


class ByHand:
    """One mind, and the events of its last decision."""

    def __init__(self) -> None:
        self.mind = Mind()
        self.all: list[e.Event] = []
        self.last: list[e.Event] = []
        self.do(c.CameUp(epoch=1, pid=1, version="0", confinement="unconfined"))

    @classmethod
    def started(
        cls, *tasks: TaskSpec, crew: Sequence[AgentSpec] = CREW, based: bool = True, **fields: object
    ) -> ByHand:
        """A run under way, its base found green unless `based` is false."""
        hand = cls()
        given: dict[str, object] = {"pattern": "pipeline", "limits": Limits(), "check": ("true",), **fields}
        hand.do(
            c.StartRun(run="r", goal="goal", target="main", base="b0", crew=tuple(crew), tasks=tasks, **given)  # type: ignore[arg-type]
        )
        if based:
            hand.checks("_/check.0.0")
        return hand

    # -- asking --------------------------------------------------------------------------------------------------------

    def do(self, command: c.Command, actor: str = "me") -> list[e.Event]:
        """Decide; the events. Raises Refused."""
        self.last = self.mind.decide(command, at=float(len(self.all)), actor=actor)
        self.all += self.last
        return self.last

    def finish(self, stage: str, result: c.Result) -> list[e.Event]:
        """A stage's effect ends."""
        return self.do(c.Finished(stage=f"r/{stage}", lease=self.stage(stage).lease, result=result), actor="engine")

    def works(self, stage: str, *files: str, patch: str = "") -> None:
        """An agent claims a change, of these files."""
        self.finish(stage, c.Worked(change=self._change(stage, patch, files)))

    def _change(self, stage: str, patch: str, files: tuple[str, ...] = ()) -> Change:
        key = self._key(stage)
        return Change(
            commit=f"c-{key}",
            tree=f"T-{key}",
            base="b0",
            patch=patch or f"p-{key}",
            files=files,
            guarded=guarded(Touch(name, name) for name in files),
        )

    def _key(self, stage: str) -> str:
        found = self.stage(stage)
        return f"{found.task}.{found.round}"

    def crashes(self, stage: str) -> None:
        """An agent's program crashes."""
        self.finish(stage, c.Broke(reason="it crashed", blame="agent"))

    def gives_up(self, stage: str) -> None:
        """An agent says itself that it could not do it."""
        self.finish(stage, c.Broke(reason="too hard"))

    def checks(self, stage: str, reason: str = "") -> None:
        """A check passes, or is red for a reason."""
        self.finish(stage, c.Checked(runs=(self._run(stage, "T", passed=not reason),), reason=reason))

    def _run(self, stage: str, tree: str, *, passed: bool = True, line: str = "true") -> CheckRun:
        return CheckRun(command=line, tree=f"{tree}-{self._key(stage)}", env="e", passed=passed, exit=int(not passed))

    def reviews(self, stage: str, verdict: str = "approve", remarks: str = "") -> None:
        """A reviewer judges the change of the round."""
        found = self.stage(stage)
        change = next(r for r in self.task(found.task).rounds if r.number == found.round).change
        assert change is not None
        self.finish(stage, c.Reviewed(verdict=verdict, patch=change.patch, remarks=remarks))  # type: ignore[arg-type]

    def gate_passes(self, stage: str, *lines: str) -> None:
        """The gate on the combined tree is green."""
        found = self.stage(stage)
        runs = tuple(self._run(stage, "M", line=line) for line in lines or ("true",))
        self.do(c.GatePassed(stage=found.id, lease=found.lease, runs=runs), actor="engine")

    def made(self, stage: str, *, found: bool = False) -> c.MergeMade:
        """What a merge hand says of the target."""
        key = self._key(stage)
        return c.MergeMade(commit=f"m-{key}", tree=f"M-{key}", parent="p", found=found)

    def merges(self, stage: str) -> None:
        """The gate passes and the target advances."""
        self.gate_passes(stage)
        self.finish(stage, self.made(stage))

    def does(self, name: str, number: int = 1) -> None:
        """A whole round without trouble: work, check, every review, merge."""
        self.works(f"{name}/work.{number}.0")
        self.checks(f"{name}/check.{number}.0")
        while reviews := [stage for stage in self.assigned() if stage.startswith(f"{name}/review")]:
            self.reviews(reviews[0])
        self.merges(f"{name}/merge.{number}.0")

    # -- looking -------------------------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run."""
        assert self.mind.state.run is not None
        return self.mind.state.run

    def task(self, name: str) -> Task:
        """A task, `_` for the run itself."""
        return self.run.task(name)

    def agent(self, name: str) -> Agent:
        """An agent."""
        return self.mind.state.agents[name]

    def stage(self, name: str) -> Stage:
        """An open stage by the end of its id. Raises KeyError."""
        return self.run.stages[f"r/{name}"]

    def assigned(self) -> dict[str, str]:
        """Open stages that somebody holds, and who."""
        return {name.removeprefix("r/"): stage.agent for name, stage in self.run.stages.items() if stage.agent}

    def waiting(self) -> list[str]:
        """Open stages that nobody holds."""
        return [name.removeprefix("r/") for name, stage in self.run.stages.items() if not stage.agent]

    def asked(self) -> list[str]:
        """What a person owes, in words."""
        return [approval.what for approval in waiting_approvals(self.run)]

    def kinds(self) -> list[str]:
        """The kinds of the last decision's events."""
        return [event.kind for event in self.last]
