"""Paths as agents tell them, by their place in the clone: what people write patterns for."""

from __future__ import annotations

import os.path
from pathlib import Path


def inside(clone: Path, path: str) -> str:
    """`path` from the clone's top where it names something in there, else as it was said; no link is followed."""
    whole, top = os.path.normpath(clone / path), os.path.normpath(clone)
    if whole == top:
        return "."
    return whole.removeprefix(f"{top}/") if whole.startswith(f"{top}/") else path
