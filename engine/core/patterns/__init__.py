"""Patterns by name. A pattern is one file with one pure function of a view; adding one adds a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.patterns.parallel import parallel
from engine.core.patterns.pipeline import pipeline
from engine.core.patterns.solo import solo
from engine.core.stages import Doing, Ended, View

Pattern = Callable[[View], Doing | Ended]
PATTERNS: dict[str, Pattern] = {"solo": solo, "pipeline": pipeline, "parallel": parallel}
PLANNING = frozenset({"pipeline", "parallel"})
"""Patterns whose goal is split by a planner when no plan is given."""
REVIEWING = frozenset({"pipeline", "parallel"})
"""Patterns in which work is reviewed unless the task or the project says otherwise."""
