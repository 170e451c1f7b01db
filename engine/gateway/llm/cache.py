"""Answers that were given before, on disk, for identical requests: diskcache behind the port of the gateway.

Nothing that is read here is ever unpickled, and no file is opened by a name that the database gives: what lies in the
folder may have been put there by somebody else. What is wrong with the cache is never the request's trouble: it is then
as if there were none.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import diskcache  # type: ignore[import-untyped]
import msgspec
from diskcache import Disk
from msgspec import Struct

from engine.gateway.errors import GatewayError
from engine.gateway.llm.content import same
from engine.gateway.llm.ports import Asked, Stored

log = logging.getLogger(__name__)

PRIVATE = 0o700
GOOD = 200
_IN_THE_DATABASE = 1 << 40
_PATIENCE = 5.0
_HEADERS = frozenset({"content-type", "content-encoding"})


class NotOurs(GatewayError):
    """The cache's folder is another user's, or a link."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the cache's folder {folder} is not ours; move it away")
        self.folder = folder


class OnlyBytes(Disk):  # type: ignore[misc]  # the library has no types
    """Keys and values are bytes in the database, and nothing else is believed to be one."""

    def put(self, key: object) -> tuple[Any, bool]:
        """A key as the database has it."""
        if not isinstance(key, bytes):
            raise TypeError("a key is bytes")
        return sqlite3.Binary(key), True

    def get(self, key: object, raw: object) -> bytes:
        """A key from the database. Raises ValueError."""
        return _bytes(key, raw=raw)

    def store(self, value: object, read: object, key: object = None) -> tuple[int, int, None, Any]:  # noqa: ARG002
        """A value as the database has it."""
        if not isinstance(value, bytes) or read:
            raise TypeError("a value is bytes")
        return 0, diskcache.core.MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: object) -> bytes:
        """A value from the database. Raises ValueError."""
        if mode != diskcache.core.MODE_RAW or filename is not None or read:
            raise ValueError("a value that was not written here")
        return _bytes(value, raw=True)

    def remove(self, file_path: object) -> None:
        """No value is in a file of its own, so none is taken away."""


class _Kept(Struct, array_like=True):
    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]


class DiskCache:
    """At most `size` bytes in `folder`, which is made, for its owner alone; the least lately used go first.

    Raises `NotOurs`, or OSError where there can be no such folder.
    """

    def __init__(self, folder: Path, size: int) -> None:
        _make_private(folder)
        self._size = size
        self._cache = _opened(folder, size)

    def get(self, asked: Asked) -> Stored | None:
        """The answer to the same question; None where there is none."""
        try:
            found = self._cache.get(same(asked))
            kept = msgspec.msgpack.decode(found, type=_Kept) if found is not None else None
        except (sqlite3.Error, diskcache.Timeout, OSError, ValueError) as error:
            log.warning("an answer in the cache can not be read: %s", type(error).__name__)
            return None
        if kept is None:
            return None
        return Stored(status=kept.status, headers=tuple(kept.headers), chunks=tuple(kept.chunks))

    def put(self, asked: Asked, answer: Stored) -> None:
        """Keep a whole, good answer. One that does not fit is dropped in silence."""
        held = sum(map(len, answer.chunks))
        if answer.status != GOOD or answer.cut or not held or held > self._size // 2:
            return
        headers = [(name, value) for name, value in answer.headers if name.lower() in _HEADERS]
        kept = _Kept(answer.status, headers, list(answer.chunks))
        try:
            self._cache.set(same(asked), msgspec.msgpack.encode(kept))
        except (sqlite3.Error, diskcache.Timeout, OSError) as error:
            log.warning("an answer is not kept in the cache: %s", type(error).__name__)

    def close(self) -> None:
        """Let go of the database."""
        self._cache.close()


def _bytes(value: object, *, raw: object) -> bytes:
    if not isinstance(value, bytes) or not raw:
        raise ValueError("something that was not written here")
    return value


def _make_private(folder: Path) -> None:
    if not folder.is_symlink():
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NotOurs(folder)
    folder.chmod(PRIVATE)


def _opened(folder: Path, size: int) -> Any:  # noqa: ANN401  the library has no types
    """The database; one that can not be read is thrown away, since that is what a cache is for."""
    try:
        return _open(folder, size)
    except (sqlite3.Error, ValueError, KeyError):
        log.warning("the cache can not be read and begins anew: %s", folder)
        shutil.rmtree(folder)
        _make_private(folder)
        return _open(folder, size)


def _open(folder: Path, size: int) -> Any:  # noqa: ANN401
    return diskcache.Cache(
        str(folder),
        timeout=_PATIENCE,
        disk=OnlyBytes,
        disk_min_file_size=_IN_THE_DATABASE,
        size_limit=size,
        eviction_policy="least-recently-used",
        statistics=0,
        tag_index=0,
    )
