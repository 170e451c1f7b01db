"""Was anything in a clone touched since a moment? Told by the times of its files, without starting a process.

Nobody can set the time of a change of status (ctime) back, and a name that goes changes its folder's. Nothing is opened
but folders, no link is followed, and a doubt is a yes: it costs a closer look.
"""

from __future__ import annotations

import os
from pathlib import Path

MOST = 50_000
"""Entries after which it is not searched any further."""


def touched(folder: Path, since: int) -> bool:
    """Whether anything in `folder`, but for its `.git`, has changed since that moment, in nanoseconds of Unix time."""
    try:
        return folder.lstat().st_ctime_ns >= since or _below(folder, since)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _below(folder: Path, since: int) -> bool:
    seen, folders = 0, [os.fspath(folder)]
    while folders:
        here = folders.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                if here == os.fspath(folder) and entry.name == ".git":
                    continue
                seen += 1
                if seen > MOST or entry.stat(follow_symlinks=False).st_ctime_ns >= since:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return False
