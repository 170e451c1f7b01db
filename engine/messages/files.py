"""Files in folders that others write to: opened without following links, without waiting, without trusting sizes.

Everything goes by a descriptor of the folder, so that swapping the folder for a link in between changes nothing.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.messages.errors import Unreadable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry of a folder: what is in it, or why that can not be had (`raw` is None then)."""

    path: Path
    raw: bytes | None
    refusal: str = ""
    inode: int
    size: int
    mtime_ns: int


@contextmanager
def folder(path: Path, *, create: bool = False) -> Iterator[int]:
    """A descriptor of a real directory. Raises `OSError` for a link or anything else; parents may be links."""
    if create:
        path.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def look(path: Path, wanted: Callable[[str], bool], *, limit: int, most: int | None = None) -> list[Found]:
    """The entries whose name is `wanted`, the first `most` by name, each of at most `limit` bytes.

    Empty for a folder that is gone; raises `OSError` for one that is a link or no folder.
    """
    try:
        with folder(path) as here:
            names = sorted(filter(wanted, names_in(here)))[:most]
            return [found for name in names if (found := _find(here, path / name, limit)) is not None]
    except FileNotFoundError:
        return []


def names_in(here: int) -> list[str]:
    """The names in a folder, by its descriptor."""
    return os.listdir(here)


def read(name: str, here: int, limit: int) -> bytes:
    """A regular file of the folder `here` that has no second name.

    Raises `Unreadable` with the reason, `FileNotFoundError` when it is gone.
    """
    try:
        descriptor = os.open(name, _READ, dir_fd=here)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(_why_not_opened(name, here, error)) from None
    try:
        _must_be_plain(os.fstat(descriptor), limit)
        return _all(descriptor, limit)
    finally:
        os.close(descriptor)


def write_new(name: str, here: int, data: bytes) -> None:
    """Put a file into the folder `here` whole: written aside under a hidden name, then renamed."""
    aside = f".tmp-{secrets.token_hex(8)}"
    descriptor = os.open(aside, _NEW, 0o644, dir_fd=here)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
            file.write(data)
        os.rename(aside, name, src_dir_fd=here, dst_dir_fd=here)
    except BaseException:
        os.unlink(aside, dir_fd=here)
        raise


def _find(here: int, path: Path, limit: int) -> Found | None:
    raw, refusal = None, ""
    try:
        status = os.stat(path.name, dir_fd=here, follow_symlinks=False)
        raw = read(path.name, here, limit)
    except FileNotFoundError:
        return None
    except Unreadable as error:
        refusal = error.reason
    return Found(
        path=path, raw=raw, refusal=refusal, inode=status.st_ino, size=status.st_size, mtime_ns=status.st_mtime_ns
    )


def _why_not_opened(name: str, here: int, error: OSError) -> str:
    """Links and sockets fail to open with numbers that say little (and differ on macOS)."""
    try:
        mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
    except OSError:
        mode = 0
    return _not_a_file(mode) or f"cannot be read: {error.strerror}"


def _must_be_plain(status: os.stat_result, limit: int) -> None:
    if reason := _not_a_file(status.st_mode):
        raise Unreadable(reason)
    if status.st_nlink != 1:
        raise Unreadable("has a second name (a hard link)")
    if status.st_size > limit:
        raise Unreadable(f"{status.st_size} bytes are more than the {limit} allowed")


def _not_a_file(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    kind = kinds.get(stat.S_IFMT(mode))
    return f"is {kind}, not a file" if kind else ""


def _all(descriptor: int, limit: int) -> bytes:
    """To the end; a file that grew meanwhile is held to the limit too."""
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and (piece := os.read(descriptor, min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise Unreadable(f"more than the {limit} bytes allowed")
    return b"".join(pieces)
