"""What is said where agents are not confined: once at the top of a run and in every status."""

from __future__ import annotations

from tui import cells
from tui.headless.look import Look

UNCONFINED = "agents run with your rights, each in a clone of its own; give them only work that you would run by hand"


def confinement(tier: str, look: Look) -> list[str]:
    """The notice that agents are not confined; nothing where they are."""
    if tier != "unconfined":
        return []
    return [f"  {look.state('note', 'unconfined')}{look.dot}{UNCONFINED}"] if look.width is None else _narrow(look)


def _narrow(look: Look) -> list[str]:
    return [f"  {look.state('note', 'unconfined')}", *(f"    {row}" for row in cells.wrap(UNCONFINED, look.left(4)))]
