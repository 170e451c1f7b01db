"""`tasks/`: a file that a person drops there is a task; what becomes of it is written beside it, never into it.

A file is known by its content: the same content is taken once, whatever touches it. Files that are there while no run
is on wait for the next one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.core import commands as c
from engine.core.errors import Refused
from engine.core.evidence import grade
from engine.core.plans import is_id
from engine.core.state import Run, Task
from engine.core.values import TaskSpec
from engine.messages.errors import TaskFileRefused
from engine.messages.files import Found
from engine.messages.stillness import Stillness
from engine.messages.taskfile import parse_task_file, state_file, task_files
from engine.runtime.post import turned_away
from engine.runtime.record import Record
from workspaces.layout import Layout


class TaskBox:
    """The folder of one repository."""

    def __init__(self, record: Record, layout: Layout, stillness: Stillness) -> None:
        self._record, self._layout, self._stillness = record, layout, stillness
        self._digests: dict[str, str] = {}  # task -> content taken or refused

    def look(self, now: float) -> None:
        """Take in what is new or changed."""
        run = self._record.state.run
        found = task_files(self._layout.tasks)
        self._stillness.keep(self._layout.tasks, {one.path for one in found})
        if run is None or not run.unfinished:
            return
        for one in found:
            self._take(run, one, now)

    def _take(self, run: Run, found: Found, now: float) -> None:
        name = found.path.stem
        digest = hashlib.sha256(found.raw or b"").hexdigest()
        if self._known(name) == digest:
            return
        try:
            if found.raw is None:
                raise TaskFileRefused(f"tasks/{found.path.name}", None, "", found.refusal)
            self._submit(run, parse_task_file(found.path, found.raw))
        except (TaskFileRefused, Refused) as error:
            if not self._stillness.still(found.path, found.size, found.mtime_ns, now):
                return
            self._refuse(name, digest, found, str(error))
        else:
            self._digests[name] = digest
            self.write_state(name)
        self._stillness.forget(found.path)

    def _submit(self, run: Run, spec: TaskSpec) -> None:
        if spec.id in run.tasks:
            self._record.submit(c.ReviseTask(spec=spec), actor="person")
        else:
            self._record.submit(c.AddTasks(tasks=(spec,), source="file"), actor="person")

    def _refuse(self, name: str, digest: str, found: Found, reason: str) -> None:
        self._digests[name] = digest
        self._record.report(turned_away("person", f"tasks/{found.path.name}", reason))
        if not is_id(name) or name in (self._record.state.run.tasks if self._record.state.run else {}):
            return
        try:
            state_file(self._layout.tasks, name, {"id": name, "state": "refused", "reason": reason, "digest": digest})
        except OSError:
            return

    def _known(self, name: str) -> str:
        if name not in self._digests:
            self._digests[name] = self._recorded(name)
        return self._digests[name]

    def _recorded(self, name: str) -> str:
        if not is_id(name):
            return ""
        try:
            said = json.loads(self._layout.task_state(name).read_bytes())
        except (OSError, ValueError):
            return ""
        return str(said.get("digest", "")) if isinstance(said, dict) else ""

    def write_state(self, name: str) -> None:
        """Say beside the files how a task stands."""
        run = self._record.state.run
        if run is None or name not in run.tasks:
            return
        told = _told(run, run.tasks[name]) | {"digest": self._digests.get(name, "")}
        state_file(self._layout.tasks, name, told)


def _told(run: Run, task: Task) -> dict[str, Any]:
    open_stages = [run.stages[name] for name in task.open]
    return {
        "id": task.spec.id,
        "run": run.id,
        "title": task.spec.title,
        "state": task.outcome or (open_stages[0].kind if open_stages else "waiting"),
        "agent": next((stage.agent for stage in open_stages if stage.agent), ""),
        "attempts": len(task.rounds),
        "evidence": grade(run, task),
        "commit": task.commit,
        "reason": task.reason,
    }
