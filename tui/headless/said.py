"""The shape of what is said of a fact: see `gist`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.core import events as e
from engine.core.state import State
from tui.faces import Face


class Gist(NamedTuple):
    """A state (face and word), what happened in one line, and lines that tell more."""

    face: Face
    word: str
    text: str = ""
    more: tuple[str, ...] = ()


Teller = Callable[[e.Event, Any, State], Gist]


def joined(*parts: str) -> str:
    """The parts that there are, each after a colon."""
    return ": ".join(part for part in parts if part)
