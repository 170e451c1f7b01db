"""The folders under watch, as they are on the disk at one moment.

A path may come to name another folder (`git clean`, then `mkdir`): the kernel goes on watching the old one and says
nothing of the new. So what was armed is compared by device and inode, not by name. A symbolic link is no folder
here: whoever can plant one in a drop box must not choose what the engine watches.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

Identity = tuple[int, int]
"""Device and inode."""


def identify(folders: Iterable[Path]) -> dict[Path, Identity]:
    """The folders that exist as real directories, with what they are. The others are missing from the answer."""
    return {folder: found for folder in folders if (found := _identity(folder)) is not None}


def _identity(folder: Path) -> Identity | None:
    try:
        status = folder.lstat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def by_spelling(folders: Iterable[Path]) -> Mapping[str, Path]:
    """Every way in which an event may spell a folder (as given, and with links resolved: macOS) to the folder."""
    spellings: dict[str, Path] = {}
    for folder in folders:
        spellings[os.path.realpath(folder)] = folder
        spellings[str(folder)] = folder
    return spellings
