"""The one thread that writes the record: everything queued while the last sync ran goes down in the next.

There is no time window: a lone event is written at once, a crowd shares a sync. The first error ends it for good: a
failed sync may have lost pages that a second one reports as written, so nothing is ever tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread

from engine.journal.chain import Mark
from engine.journal.errors import AppendFailed
from engine.journal.files import Files, write_all


@dataclass(slots=True)
class Part:
    """Lines that go to one segment under one sync. `first` is the seq of the first of them."""

    path: Path
    first: int
    lines: list[bytes] = field(default_factory=list)
    end: Mark | None = None


@dataclass(slots=True)
class Batch:
    """What waits for the next sync, and who waits for it."""

    parts: list[Part] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def part(self, path: Path, first: int) -> Part:
        """The part that lines for `path` join, begun with `first` when there is none yet."""
        if not self.parts or self.parts[-1].path != path:
            self.parts.append(Part(path, first))
        return self.parts[-1]


class Committer:
    """Writes batches in order, each with one write and one sync, and tells who waited."""

    def __init__(self, files: Files, folder: Path, durable: Mark) -> None:
        self._files = files
        self._folder = folder
        self._durable = durable
        self._wake = Condition()
        self._pending = Batch()
        self._failure: BaseException | str | None = None
        self._closing = False
        self._path: Path | None = None
        self._handle = -1
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def durable(self) -> Mark:
        """The end of what is on the disk. Raises `AppendFailed` once anything failed."""
        with self._wake:
            self._refuse_after_failure()
            return self._durable

    @contextmanager
    def queue(self) -> Iterator[Batch]:
        """The batch to add to; it is handed over when the block ends. Raises `AppendFailed`."""
        with self._wake:
            self._refuse_after_failure()
            if self._closing:
                raise self.failed()
            yield self._pending
            self._wake.notify_all()

    def wait_for(self, seq: int) -> None:
        """Block until the event `seq` is on the disk. Raises `AppendFailed`."""
        with self._wake:
            self._wake.wait_for(lambda: self._failure is not None or self._durable.head.seq >= seq)
            self._refuse_after_failure()

    def close(self) -> None:
        """Write what is queued, end the thread and refuse everything after."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()
        with self._wake:
            self._failure = self._failure or "it is closed"

    def failed(self) -> AppendFailed:
        """The error for whoever comes after a failure; a fresh one each, as each gets its own traceback."""
        return AppendFailed(self._folder, self._failure or "it is closed")

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self.failed()

    def _run(self) -> None:
        batch = None
        try:
            while (batch := self._take()) is not None:
                self._store(batch)
                _tell(batch.waiters, None)
        except Exception as error:  # noqa: BLE001  whatever it was, the state of the disk is unknown
            self._fail(error, batch)
        finally:
            with suppress(OSError):  # all that was told is synced
                self._close()

    def _take(self) -> Batch | None:
        with self._wake:
            self._wake.wait_for(lambda: self._pending.waiters or self._closing)
            batch, self._pending = self._pending, Batch()
            return batch if batch.waiters else None

    def _store(self, batch: Batch) -> None:
        for part in batch.parts:
            fresh = self._open(part.path)
            write_all(self._files, self._handle, b"".join(part.lines))
            self._files.sync(self._handle)
            if fresh:
                self._files.sync_dir(self._folder)
            with self._wake:
                self._durable = part.end or self._durable
                self._wake.notify_all()

    def _open(self, path: Path) -> bool:
        """Have `path` open; True when it was opened now, so that its name may not be on the disk yet."""
        if path == self._path:
            return False
        self._close()
        self._handle = self._files.open_append(path)
        self._path = path
        return True

    def _close(self) -> None:
        old, self._handle = self._handle, -1
        if old >= 0:
            self._files.close(old)

    def _fail(self, error: Exception, batch: Batch | None) -> None:
        with self._wake:
            self._failure = error
            waiters = (batch.waiters if batch else []) + self._pending.waiters
            self._pending = Batch()
            self._wake.notify_all()
        _tell(waiters, self.failed)


def _tell(waiters: list[asyncio.Future[None]], failed: Callable[[], AppendFailed] | None) -> None:
    """Resolve the futures on their loop; one that is closed has nobody left to tell."""
    try:
        if waiters:
            waiters[0].get_loop().call_soon_threadsafe(_resolve, waiters, failed)
    except RuntimeError:
        pass


def _resolve(waiters: list[asyncio.Future[None]], failed: Callable[[], AppendFailed] | None) -> None:
    for waiter in waiters:
        if waiter.done():  # whoever waited was cancelled; the record was not
            continue
        if failed is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(failed())
