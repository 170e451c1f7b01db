"""What confines agents: said once at the top of a run and in every status, with a mark where it is less than strong."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.confinement import level
from tui import cells
from tui.headless.look import Look

OPEN = "agents run with your rights, each in a clone of its own; give them only work that you would run by hand"


def confinement(label: str, holes: Sequence[str], look: Look) -> list[str]:
    """The tier in force, and what it does not hold where that should worry; nothing before any is known."""
    if not label:
        return []
    if level(label) == "strong":
        return [look.ink(f"  {cells.plain(label)}", "dim")]
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
