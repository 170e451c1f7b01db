"""Writes artifacts so that a reader sees a whole file or none. Names are checked, contents are not looked at."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from workspaces.layout import safe


class Artifacts:
    """The artifact folder of one attempt, made by the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: bytes | str) -> Path:
        """Write one file whole, replacing an earlier one; text becomes UTF-8. Raises `UnsafeName`, `OSError`."""
        target = self.folder / safe(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = content.encode(errors="backslashreplace") if isinstance(content, str) else content
        handle, aside = tempfile.mkstemp(prefix=".", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(raw)
            Path(aside).replace(target)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        return target

    def read(self, name: str) -> bytes:
        """Give what was written. Raises `FileNotFoundError`."""
        return (self.folder / safe(name)).read_bytes()

    def names(self) -> tuple[str, ...]:
        """Files there, sorted."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(entry.name for entry in self.folder.iterdir() if not entry.name.startswith(".")))
