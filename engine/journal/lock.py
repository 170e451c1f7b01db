"""One engine a repository: an exclusive `flock` on the common git directory, or on any given file.

The kernel gives the lock back when its holder dies, however it dies; nothing is written and nothing goes stale.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.journal.errors import AlreadyHeld


class Lock:
    """A held lock; `release` it, or let a `with` block do so."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle: int | None = handle

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def hold(path: Path) -> Lock:
    """Take the lock on `path`, a folder or a file (created when missing), without waiting. Raises `AlreadyHeld`."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(handle)
        os.close(handle)
        raise AlreadyHeld(path, holder) from None
    except BaseException:
        os.close(handle)
        raise
    return Lock(path, handle)


def _holder(handle: int) -> int | None:
    """Who holds the lock, as Linux lists it in /proc/locks: `1: FLOCK ADVISORY WRITE pid major:minor:inode 0 EOF`."""
    found = os.fstat(handle)
    name = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    try:
        rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return None
    return next((int(row[4]) for row in rows if "FLOCK" in row and "->" not in row and name in row), None)
