"""A pipeline in which several reviewers judge each piece at the same time, and all must agree."""

from __future__ import annotations

from engine.core.patterns.common import progress
from engine.core.patterns.root import coordinate
from engine.core.stages import Doing, Ended, View

REVIEWERS = 2


def parallel(view: View) -> Doing | Ended:
    """Two reviews a task, or as many as there are reviewers besides the author."""
    if view.is_root:
        return coordinate(view, plans=True)
    wanted = view.run.review if view.task.spec.review is None else view.task.spec.review
    author = view.round.author if view.round else ""
    others = [name for name in view.able("review") if name != author]
    return progress(view, reviewers=min(REVIEWERS, max(1, len(others))) if wanted else 0)
