"""Delete what an agent left: whatever it closed, however deep it dug. Links are removed, never followed.

Only for trees in which nobody works any more. Everything goes by descriptors of folders, a few levels at a time: what
lies deeper is moved to the top for the next pass, so neither a path nor the stack grows with what is deleted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DEEPEST = 50
"""Levels gone down into in one pass: as many descriptors are open then."""


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """A descriptor of a folder, for as long as this lasts."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Delete a file, a link or a tree; nothing where there is none. Raises OSError."""
    with suppress(FileNotFoundError), opened(path.parent) as folder:
        remove_at(path.name, folder)


def remove_at(name: str, folder: int) -> None:
    """The same for a name in the folder that this is a descriptor of. Raises OSError, also where there is none."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    top = _entered(name, folder)
    try:
        while _pass(top, top, 0):
            pass
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=folder)


def _pass(top: int, here: int, depth: int) -> int:
    """Empty a folder; how many of those below it were too deep, and lie in `top` now."""
    moved = 0
    for name in os.listdir(here):
        if not stat.S_ISDIR(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=here)
            continue
        inner = _entered(name, here)
        try:
            if depth < DEEPEST:
                moved += _pass(top, inner, depth + 1)
        finally:
            os.close(inner)
        if depth < DEEPEST:
            os.rmdir(name, dir_fd=here)
        else:
            os.rename(name, os.urandom(8).hex(), src_dir_fd=here, dst_dir_fd=top)
            moved += 1
    return moved


def _entered(name: str, folder: int) -> int:
    """A descriptor of a folder in which its owner may do everything from now on."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        os.chmod(name, stat.S_IRWXU, dir_fd=folder)
        handle = os.open(name, flags, dir_fd=folder)
    os.fchmod(handle, stat.S_IRWXU)
    return handle
