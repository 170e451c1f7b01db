"""Tells a file that is wrong from one that is still being written: it must have been unchanged for a while.

It reads no clock and no disk; the caller says what it saw and when.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STILL_AFTER: Final = 0.5
"""Seconds; editors that write in place are done by then."""


@dataclass(frozen=True, slots=True)
class _Sight:
    size: int
    mtime_ns: int
    since: float


class Stillness:
    """For each file: since when it has looked as it does."""

    def __init__(self, after: float = STILL_AFTER) -> None:
        self._after = after
        self._sights: dict[Path, _Sight] = {}

    def still(self, path: Path, size: int, mtime_ns: int, now: float) -> bool:
        """Whether the file has been unchanged for long enough; `now` is any monotonic time in seconds."""
        sight = self._sights.get(path)
        if sight is None or (sight.size, sight.mtime_ns) != (size, mtime_ns):
            sight = self._sights[path] = _Sight(size, mtime_ns, now)
        return now - sight.since >= self._after

    def wait(self, now: float) -> float | None:
        """Seconds until some file can be still, for one timer; None when there is none in question."""
        if not self._sights:
            return None
        return max(0.0, min(sight.since for sight in self._sights.values()) + self._after - now)

    def forget(self, path: Path) -> None:
        """The file is valid, refused or gone."""
        self._sights.pop(path, None)

    def keep(self, folder: Path, present: Collection[Path]) -> None:
        """Forget the files of a folder that are not there any more."""
        gone = [path for path in self._sights if path.parent == folder and path not in present]
        for path in gone:
            del self._sights[path]
