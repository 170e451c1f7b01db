# ruff: noqa: D102  what each call does is said once, in the protocol
"""The calls through which the record reaches the disk, as a protocol, so that tests can lose power between any two.

No policy lives here: nothing is retried and nothing is hidden. Errors are the system's own `OSError`.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """What the record needs of a file system. Contents are durable after `sync`, names after `sync_dir`."""

    def make_folder(self, path: Path) -> None:
        """Create `path`, its parents too, for its owner only; an existing one is left."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Names in `folder`, sorted; none when there is no such folder."""
        ...

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder of that name."""
        ...

    def size(self, path: Path) -> int:
        """Bytes in the file."""
        ...

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        """At most `size` bytes from `offset`; -1: to the end. Fewer only at the end of the file."""
        ...

    def open_append(self, path: Path) -> int:
        """Open for writing at the end, created with mode 0600 when missing."""
        ...

    def write(self, handle: int, data: bytes | memoryview) -> int:
        """Write once; returns how many bytes were taken, which may be fewer."""
        ...

    def truncate(self, handle: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        ...

    def sync(self, handle: int) -> None:
        """Return once contents and size are on the disk."""
        ...

    def close(self, handle: int) -> None:
        """Give the handle back."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Give the file another name, replacing what had it."""
        ...

    def remove(self, path: Path) -> None:
        """Remove the file's name."""
        ...

    def sync_dir(self, folder: Path) -> None:
        """Return once the names in `folder` are on the disk."""
        ...


class RealFiles:
    """The operating system's files."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208  names, not paths
        except FileNotFoundError:
            return []

    def is_folder(self, path: Path) -> bool:
        return path.is_dir()

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def open_append(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, handle: int, data: bytes | memoryview) -> int:
        return os.write(handle, data)

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        if sys.platform == "darwin":  # there fsync stops at the drive's own cache
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    def remove(self, path: Path) -> None:
        path.unlink()

    def sync_dir(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


REAL = RealFiles()


def write_all(files: Files, handle: int, data: bytes) -> None:
    """Write every byte, going on after short writes."""
    rest = memoryview(data)
    while rest:
        rest = rest[files.write(handle, rest) :]


def publish(files: Files, path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, or a crash, sees all of it or none: aside, synced, renamed."""
    aside = path.with_name(f".{path.name}.part")
    handle = files.open_append(aside)
    try:
        files.truncate(handle, 0)  # what an earlier crash left
        write_all(files, handle, data)
        files.sync(handle)
    finally:
        files.close(handle)
    files.rename(aside, path)
    files.sync_dir(path.parent)


def cut(files: Files, path: Path, size: int) -> None:
    """Shorten the file to `size` bytes, durably. Cutting to its own size syncs what it holds."""
    handle = files.open_append(path)
    try:
        files.truncate(handle, size)
        files.sync(handle)
    finally:
        files.close(handle)
