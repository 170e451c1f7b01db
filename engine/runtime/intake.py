"""Turns "look there" into what lies there: one watcher over the task folder and every outbox.

Looking is cheap and idempotent, so it is done whenever there may be something; nothing rests on an event being told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from engine.core import events as e
from engine.messages.stillness import Stillness
from engine.runtime.post import Post
from engine.runtime.record import Record
from engine.runtime.task_box import TaskBox
from workspaces.layout import Layout
from workspaces.watch.watcher import Watcher

log = logging.getLogger(__name__)

STATE_DELAY = 0.5
"""Seconds over which changes of task states are gathered before they are written beside the files."""


class Intake:
    """The drop boxes of one repository. `post` is there once a crew is."""

    def __init__(self, record: Record, layout: Layout) -> None:
        self._record, self._layout = record, layout
        self._stillness = Stillness()
        self.tasks = TaskBox(record, layout, self._stillness)
        self.post: Post | None = None
        self._watcher = Watcher([layout.tasks])
        self._again: asyncio.TimerHandle | None = None
        self._boxes: dict[Path, str] = {}
        self._dirty: set[str] = set()
        self._due: asyncio.TimerHandle | None = None
        record.listen(self._heard)

    def crew(self, post: Post, names: list[str]) -> None:
        """Watch these agents' outboxes too, and look at everything."""
        self.post = post
        self._boxes = {self._layout.outbox(name): name for name in names}
        self._watcher.roots([self._layout.tasks, *self._boxes])

    def busy(self, on: bool) -> None:
        """Watch closely while a run is on."""
        self._watcher.busy(on)

    @property
    def stillness(self) -> Stillness:
        """Shared by all boxes."""
        return self._stillness

    async def run(self) -> None:
        """Look wherever the watcher says, for ever."""
        async with self._watcher as watcher:
            async for look in watcher:
                for folder in look:
                    await self._look(folder)
                self._look_again()

    async def _look(self, folder: Path) -> None:
        now = time.monotonic()
        try:
            if folder == self._layout.tasks:
                self._layout.create()
                self.tasks.look(now)
            elif self.post is not None and folder in self._boxes:
                self._layout.create_agent(self._boxes[folder])
                await self.post.look(self._boxes[folder], now)
        except OSError as error:
            log.warning("could not look into %s: %s", folder, error)
        except Exception:
            log.exception("a defect: looking into %s failed", folder)  # and the next look is due all the same

    def _look_again(self) -> None:
        """Something may still be being written: look once more when it should be still."""
        wait = self._stillness.wait(time.monotonic())
        if wait is None or self._again is not None:
            return
        self._again = asyncio.get_running_loop().call_later(wait + 0.02, self._nudge)

    def _nudge(self) -> None:
        self._again = None
        self._task = asyncio.get_running_loop().create_task(self._look_everywhere())

    async def _look_everywhere(self) -> None:
        for folder in (self._layout.tasks, *self._boxes):
            await self._look(folder)
        self._look_again()

    def _heard(self, event: e.Event) -> None:
        run = self._record.state.run
        if run is not None and event.task in run.tasks:
            self._dirty.add(event.task)
        elif isinstance(event.data, e.EngineStarted) and run is not None and run.unfinished:
            self._dirty.update(run.tasks)  # an engine that died may not have come to it
        if self._dirty and self._due is None:
            self._due = asyncio.get_running_loop().call_later(STATE_DELAY, self.write_states)

    def write_states(self) -> None:
        """Say beside the files what has changed, without waiting for more."""
        if self._due is not None:
            self._due.cancel()
        self._due, dirty, self._dirty = None, self._dirty, set()
        for name in dirty:
            try:
                self.tasks.write_state(name)
            except OSError as error:
                log.warning("could not write the state of %s: %s", name, error)
