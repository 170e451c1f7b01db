"""What `doctor` says of one thing it looked at: a fact with a level. How it looks is the command line's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `mend` says what to do and is empty where nothing is; `more` is the rest, a line each."""

    level: Level
    what: str
    detail: str
    mend: str = ""
    more: tuple[str, ...] = ()
