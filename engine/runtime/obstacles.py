"""Watches what is in the way of a merge: a person's own edits, or an operation under way in their checkout.

Only while something waits, and only by reading; when the way is clear the merge is offered again.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from engine.core import commands as c
from engine.core.state import Stage
from engine.runtime.record import Record
from workspaces.errors import WorkspaceError
from workspaces.repository import Repository

EVERY = 1.0
LONGEST = 30.0


class Obstacles:
    """One watch at a time."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._task: asyncio.Task[None] | None = None
        self._tries: Counter[str] = Counter()

    def waiting(self) -> list[Stage]:
        """Merges that wait for a person's checkout."""
        run = self._record.state.run
        return [stage for stage in run.stages.values() if stage.obstacle] if run is not None else []

    def watch(self, repo: Repository) -> None:
        """See to it that somebody looks, if anything waits."""
        if self.waiting() and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._look(repo), name="obstacles")

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self, repo: Repository) -> None:
        while waiting := self.waiting():
            await asyncio.sleep(min(self._pause(stage) for stage in waiting))
            for stage in waiting:
                if await self._clear(repo, stage):
                    self._tries[stage.id] += 1
                    self._record.report(c.Cleared(stage=stage.id))

    def _pause(self, stage: Stage) -> float:
        """What is in the way can not always be seen from here; a merge that is stopped again is tried less often."""
        return min(EVERY * 2.0 ** min(self._tries[stage.id], 10), LONGEST)

    async def _clear(self, repo: Repository, stage: Stage) -> bool:
        run = self._record.state.run
        try:
            places = await repo.checkouts(run.target) if run is not None else []
            if len(places) > 1 or any(place.busy for place in places):
                return False
            return not any([await repo.edited(place.path, stage.paths) for place in places])
        except WorkspaceError:
            return False
