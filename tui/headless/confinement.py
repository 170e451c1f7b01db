"""What confines agents: said at the top of a run and in every status; less than strong has a mark and its holes."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.confinement import level
from tui import cells
from tui.headless.look import Look

OPEN = "agents run with your rights, each in a clone of its own; give them only work that you would run by hand"


def calm(label: str) -> str:
    """A strong tier, for the pairs of a head; empty for any other, which `confinement` tells."""
    return label if level(label) == "strong" else ""


def confinement(label: str, holes: Sequence[str], look: Look) -> list[str]:
    """A tier that is less than strong, and what one should know of it; nothing before any is known."""
    if not label or calm(label):
        return []
    mark, told = look.state("note", cells.plain(label)), cells.plain(worry(label, holes))
    if look.width is None or not told:
        return [f"  {mark}{look.dot if told else ''}{told}"]
    return [f"  {mark}", *(f"    {row}" for row in cells.wrap(told, look.left(4)))]


def worry(label: str, holes: Sequence[str]) -> str:
    """What one should know of a tier that is less than strong, in a line; empty for a strong one."""
    strength = level(label)
    if strength == "unconfined":
        return OPEN
    return f"known holes: {'; '.join(holes)}" if strength == "basic" and holes else ""
