"""One agent takes the goal as one task: work, check, merge. Reviewed only where the task asks for it."""

from __future__ import annotations

from engine.core.patterns.common import progress
from engine.core.patterns.root import coordinate
from engine.core.stages import Doing, Ended, View


def solo(view: View) -> Doing | Ended:
    """No planner and, unless asked for, no reviewer."""
    if view.is_root:
        return coordinate(view, plans=False)
    return progress(view, reviewers=1 if view.task.spec.review else 0)
