"""How strong a tier of confinement is, read from the label that is recorded and shown.

A label is the tier and how it is made: "strong (namespaces)", "strong+ (bubblewrap 0.8.0, cgroup)",
"basic (Landlock ABI 7)", "unconfined".
"""

from __future__ import annotations

from typing import Literal

Level = Literal["strong", "basic", "unconfined"]

UNCONFINED: Level = "unconfined"
_LEVELS: dict[str, Level] = {"strong": "strong", "strong+": "strong", "basic": "basic"}


def level(label: str) -> Level:
    """How strong a labelled tier is; what is not known counts as nothing."""
    return _LEVELS.get(label.partition(" ")[0], UNCONFINED)
