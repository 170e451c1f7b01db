"""A place beside the repository's objects where foreign ones wait until they are checked, as git's own receiver has.

What is refused never reaches the repository, not even as an unreachable object that `git fsck` would complain of. The
folder stays from one time to the next: making and removing a dozen folders costs more than the check itself.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

_LAST = (".pack", ".rev", ".idx")
"""A pack is there for git when its index is, so that comes last."""


class Quarantine:
    """A folder of objects that git writes to under `env`, and sees the repository's own through. For one at a time."""

    def __init__(self, common_dir: Path, name: str) -> None:
        self._objects = common_dir / "objects"
        self._folder = common_dir / "quarterdeck" / "intake" / name  # the same file system: moving is renaming
        self._empty = False  # an engine that died may have left something

    @property
    def env(self) -> Mapping[str, str]:
        """What a git command has to be told."""
        return {"GIT_OBJECT_DIRECTORY": str(self._folder)}

    def begin(self) -> None:
        """Have it empty: what was not released last time goes now."""
        if not self._empty:
            self._make()
        self._empty = False

    def release(self) -> None:
        """Move all objects into the repository; those it has already are the same, by their name."""
        for path in sorted(self._files(), key=lambda path: _LAST.index(path.suffix) if path.suffix in _LAST else -1):
            target = self._objects / path.relative_to(self._folder)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                target.parent.chmod(stat.S_IMODE(self._objects.stat().st_mode))  # a shared repository stays shared
            path.replace(target)
        self._empty = True

    def _make(self) -> None:
        info = self._folder / "info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "alternates").write_bytes(os.fsencode(self._objects) + b"\n")
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        folders = (entry.path for entry in os.scandir(self._folder) if entry.name != "info" and entry.is_dir())
        return [Path(entry.path) for folder in folders for entry in os.scandir(folder)]
