"""Claude Code's own plan, out of the tools it keeps it with: one list at once, or one task at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from engine.agents.base import Intends, Step

_STATUS: Final[Mapping[object, Literal["pending", "running", "done"]]] = {
    "pending": "pending",
    "in_progress": "running",
    "completed": "done",
}


class Plan:
    """The plan as it stands."""

    def __init__(self) -> None:
        self._tasks: dict[str, Step] = {}
        self._calls: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def called(self, call: str, name: str, given: Mapping[str, Any]) -> Intends | None:
        """A tool is called; the plan, where it is given whole by that."""
        if name == "TodoWrite":
            entries = enumerate(given["todos"])
            self._tasks = {str(at): Step(text=str(one["content"]), status=_status(one)) for at, one in entries}
            return self._whole()
        if name in ("TaskCreate", "TaskUpdate"):
            self._calls[call] = name, given
        return None

    def returned(self, call: str, details: object) -> Intends | None:
        """It came to this; the plan, where that changed it."""
        name, given = self._calls.pop(call, ("", {}))
        if not isinstance(details, dict):
            return None
        if name == "TaskCreate":
            self._tasks[str(details["task"]["id"])] = Step(text=str(given["subject"]))
            return self._whole()
        if name == "TaskUpdate" and (step := self._tasks.get(str(given.get("taskId")))):
            self._update(str(given["taskId"]), step, given)
            return self._whole()
        return None

    def _update(self, task: str, step: Step, given: Mapping[str, Any]) -> None:
        if given.get("status") == "deleted":
            del self._tasks[task]
        else:
            status = _status(given) if "status" in given else step.status
            self._tasks[task] = Step(text=str(given.get("subject") or step.text), status=status)

    def _whole(self) -> Intends:
        return Intends(steps=tuple(self._tasks.values()))


def _status(entry: Mapping[str, Any]) -> Literal["pending", "running", "done"]:
    return _STATUS.get(entry.get("status"), "pending")
