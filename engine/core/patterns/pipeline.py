"""Plan, then each task: work, the author's check, one review, merge; what fails goes back to the author."""

from __future__ import annotations

from engine.core.patterns.common import progress
from engine.core.patterns.root import coordinate
from engine.core.stages import Doing, Ended, View


def pipeline(view: View) -> Doing | Ended:
    """One reviewer a task, another instance than the author."""
    if view.is_root:
        return coordinate(view, plans=True)
    wanted = view.run.review if view.task.spec.review is None else view.task.spec.review
    return progress(view, reviewers=1 if wanted else 0)
