"""What a hand has before it: the step it is to do, the facts about its task, the world, and where to report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core import commands as c
from engine.core import events as e
from engine.core.state import Round, Run, Stage, Task, evidence_key
from engine.core.values import Limited
from engine.runtime.member import Gone
from engine.runtime.record import Record
from engine.runtime.world import World
from workspaces.artifacts.store import Artifacts


@dataclass(frozen=True, slots=True)
class Desk:
    """One step under one lease. `stage` is as it was when the step was begun."""

    record: Record
    world: World
    stage: Stage
    lease: int

    @property
    def run(self) -> Run:
        """The run. Raises Gone when another has taken its place."""
        run = self.record.state.run
        if run is None or run.id != self.world.run_id:
            raise Gone
        return run

    @property
    def task(self) -> Task:
        """The task the step is about."""
        return self.run.task(self.stage.task)

    @property
    def round(self) -> Round:
        """The round the step belongs to."""
        return next(r for r in self.task.rounds if r.number == self.stage.round)

    @property
    def artifacts(self) -> Artifacts:
        """Where the round's traces go. The root's are under `run`."""
        return self.world.artifacts(self.label, self.stage.round)

    @property
    def label(self) -> str:
        """The task's name in paths."""
        return self.stage.task if self.stage.task in self.run.tasks else "run"

    def known(self, tree: str, command: str, env: str) -> bool:
        """Has this passed before on exactly this tree?"""
        return evidence_key(tree, command, env) in self.run.evidence

    def reached(self, limit: Limited) -> None:
        """Tell that a limit held what runs for this step."""
        if not self.record.broken.done():
            self.report(c.Bit(stage=self.stage.id, lease=self.lease, limit=limit))

    def report(self, report: c.Report) -> asyncio.Future[Sequence[e.Event]]:
        """Tell the core something; done when it is durable."""
        return self.record.report(report)
