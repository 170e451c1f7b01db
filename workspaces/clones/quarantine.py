"""A place beside the repository's objects where foreign ones wait until they are checked, as git's own receiver does.

What is refused never reaches the repository, not even as an unreachable object that `git fsck` would complain of.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LAST = (".pack", ".rev", ".idx")
"""A pack is there for git when its index is, so that comes last."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A folder of objects that git writes to under `env`, and sees the repository's own through."""

    folder: Path
    objects: Path

    @property
    def env(self) -> Mapping[str, str]:
        """What a git command has to be told."""
        return {"GIT_OBJECT_DIRECTORY": str(self.folder)}

    def release(self) -> None:
        """Move all objects into the repository; those it has already are the same, by their name."""
        info = self.folder / "info"
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.parent != info)
        for path in sorted(files, key=lambda path: _LAST.index(path.suffix) if path.suffix in _LAST else -1):
            target = self.objects / path.relative_to(self.folder)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                target.parent.chmod(stat.S_IMODE(self.objects.stat().st_mode))  # a shared repository stays shared
            if not target.exists():
                path.rename(target)


@contextmanager
def quarantine(objects: Path) -> Iterator[Quarantine]:
    """Make one within the repository's `objects` folder, gone with all that was not released."""
    folder = Path(tempfile.mkdtemp(prefix="tmp_objdir-quarterdeck-", dir=objects))
    try:
        (folder / "info").mkdir()
        (folder / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
        yield Quarantine(folder, objects)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
