"""How much an agent's folders hold: looked at where there is reason to, in a thread, a little at a time.

A guard against accidents. It counts what files take up and follows no link, stays on one file system, and does not see
what a program hides: files without a name, folders that we may not read, nests deeper than `DEEPEST`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LEAST = 4096
"""Bytes that anything with a name counts for at least, so that a walk ends however many there are."""
DEEPEST = 100
SECONDS = 60.0
"""Between two walks without another reason."""
FALL = 16
"""A walk is due at once when free space fell by this part of the limit."""
REST, HURRY = 2000, 50
"""Processor time of a walk is at most this part of the time between two: as a rule, and when space falls."""


class Walked(NamedTuple):
    """What was found, in bytes, and the processor time it took, in seconds."""

    held: int
    cost: float


class Disk:
    """The folders of one agent, all on one file system. `clock` gives seconds."""

    def __init__(self, folders: Sequence[Path], limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folders, self._limit, self._clock = tuple(folders), limit, clock
        self._walking: asyncio.Future[Walked] | None = None
        self._closed = False
        self._last = Walked(0, 0.0)
        self._at, self._free = clock(), self._space()

    def over(self) -> int:
        """What they hold, when a walk found it to be more than the limit; else 0. Begins a walk where one is due."""
        if self._walking is not None and self._walking.done():
            self._last, self._walking = self._walking.result(), None
            self._at = self._clock()
        elif self._walking is None and self._limit and self._due():
            self._free = self._space()
            loop = asyncio.get_running_loop()
            self._walking = loop.run_in_executor(None, walk, self._folders, self._limit, lambda: self._closed)
        return self._last.held if self._last.held > self._limit > 0 else 0

    def close(self) -> None:
        """Give up a walk that is under way."""
        self._closed = True

    def _due(self) -> bool:
        since = self._clock() - self._at
        falls = self._free - self._space() > self._limit / FALL
        return since >= (self._last.cost * HURRY if falls else max(SECONDS, self._last.cost * REST))

    def _space(self) -> int:
        try:
            found = os.statvfs(self._folders[0])
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize


def walk(folders: Sequence[Path], most: int, given_up: Callable[[], bool] = lambda: False) -> Walked:
    """Add up what is below these folders, until it is more than `most`."""
    began, held = time.thread_time(), 0
    for folder in folders:
        with suppress(OSError):
            device = folder.lstat().st_dev
            for size in _sizes(folder, device, given_up):
                held += size
                if held > most:
                    break
    return Walked(held, time.thread_time() - began)


def _sizes(folder: Path, device: int, given_up: Callable[[], bool]) -> Iterator[int]:
    """What each thing takes up; one with several names is shared among them."""
    open_ = [os.scandir(folder)]
    try:
        while open_ and not given_up():
            entry = next(open_[-1], None)
            if entry is None:
                open_.pop().close()
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if found.st_dev != device:
                    continue
                inside = entry.is_dir(follow_symlinks=False)
                yield max(LEAST, found.st_blocks * 512 // (1 if inside else max(found.st_nlink, 1)))
                if inside and len(open_) < DEEPEST:
                    open_.append(os.scandir(entry.path))
    finally:
        for folder_ in open_:
            folder_.close()
