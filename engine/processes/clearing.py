"""Empty folders that a program has had: whatever it closed, however deep it dug, and not what is mounted there.

Runs in a process of its own inside the confinement, so it can reach no more than the program could. A mount point is
known by its refusal to be removed (EBUSY); it stays, with the folders that lead to it.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterable

DEEP, LONG = 60, 2000
"""Levels, and bytes of a path, after which a folder is moved up: neither a path nor the stack grows without end."""
_NOT_YET = (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES)


def empty(folders: Iterable[bytes]) -> None:
    """Remove what is in them; one that does not exist is empty, one that is a link is refused. Raises OSError."""
    for folder in folders:
        if os.path.islink(folder):  # noqa: PTH114  pathlib costs a keeper its start-up time
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if os.path.exists(folder):  # noqa: PTH110
            while _Emptying(folder).moved:
                pass


class _Emptying:
    """One pass; what was too deep has been `moved` to the top, for the next one."""

    def __init__(self, top: bytes) -> None:
        self.moved = 0
        self._top = top
        self._inside(top, 0)

    def _inside(self, folder: bytes, depth: int) -> None:
        os.chmod(folder, 0o700)  # noqa: PTH101  as above
        for name in os.listdir(folder):  # noqa: PTH208
            path = os.path.join(folder, name)  # noqa: PTH118
            try:
                os.unlink(path)  # noqa: PTH108
            except (IsADirectoryError, PermissionError):  # which of them depends on the system
                self._folder(path, depth)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise

    def _folder(self, path: bytes, depth: int) -> None:
        if _removed(path):
            return
        if depth > DEEP or len(path) > LONG:
            os.chmod(path, 0o700)  # noqa: PTH101  a folder that moves has to be writable itself
            os.rename(path, os.path.join(self._top, os.urandom(8).hex().encode()))  # noqa: PTH104, PTH118
            self.moved += 1
            return
        self._inside(path, depth + 1)
        _removed(path)


def _removed(path: bytes) -> bool:
    """Whether nothing more is to be done about it: it is gone, or something is mounted there."""
    try:
        os.rmdir(path)  # noqa: PTH106
    except OSError as error:
        if error.errno in _NOT_YET:
            return False
        if error.errno != errno.EBUSY:
            raise
    return True
