"""One watch over a changing set of folders, which says "look there" and nothing more.

An event is a hint: the kernel drops events when its queue overflows, watchfiles tells of neither that nor of order.
So the watcher gives no changes and no file names, only folders to list and compare with what is known, and it names
all of them whenever something may have been missed: at the start, after the set changed, after a large burst, after
a failure, and every `period` seconds while busy. A lost event costs seconds, never a task.

There is ONE awatch for all folders: each takes a thread and an inotify instance, and fifty of them starve.
It wakes every `step` for ever, hence two paces: quick while a run is on, slow when nothing is. When idle and whole
it has no timer of its own; with a folder missing or the kernel refusing, it looks again every so often.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from watchfiles import Change, awatch
from watchfiles.main import FileChange

from workspaces.watch.droppings import is_dropping
from workspaces.watch.roots import Identity, by_spelling, identify

LARGE_BATCH: Final = 1000
"""A batch over this may come from an overflowed queue: everything is looked at."""
FIRST_RETRY: Final = 0.05
"""Seconds until a missing folder or a failed watch is tried again; doubled each time, up to the period."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How watchfiles gathers events, in milliseconds. Measured from file to look: about 2 x step, at most debounce."""

    step: int
    debounce: int


BUSY: Final = Pace(step=10, debounce=50)
IDLE: Final = Pace(step=50, debounce=100)


class Watcher:
    """Use as `async with Watcher(folders) as watcher: async for look in watcher: ...`; a look is a set of folders.

    Looks that nobody has taken yet are joined, so a slow reader finds one set and never a queue. A folder in a look
    may be gone: recreating it is the reader's affair, and it is watched again once it is there.
    """

    def __init__(self, folders: Iterable[Path] = (), *, busy: bool = False, period: float = 3.0) -> None:
        self._roots = frozenset(folders)
        self._pace = BUSY if busy else IDLE
        self._period = period
        self._pending: set[Path] = set()
        self._news = asyncio.Event()
        self._rearm = asyncio.Event()
        self._closed = False
        self._retry = FIRST_RETRY
        self._pump: asyncio.Task[None] | None = None
        self.trouble: str = ""
        """Why folders are looked at by the clock instead of watched (or: which are missing); empty when all is well."""

    def roots(self, folders: Iterable[Path]) -> None:
        """Watch exactly these folders from now on; they are all looked at once the new watch stands."""
        changed = frozenset(folders)
        if changed != self._roots:
            self._roots = changed
            self._pending &= changed
            self._rearm.set()

    def busy(self, on: bool) -> None:
        """Quick and with a periodic look while a run is on; slow and without a timer when not."""
        pace = BUSY if on else IDLE
        if pace != self._pace:
            self._pace = pace
            self._rearm.set()

    async def __aenter__(self) -> Self:
        self._pump = asyncio.create_task(self._keep_watching(), name="watcher")
        self._pump.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._rearm.set()
        if self._pump is not None:
            await self._pump

    def __aiter__(self) -> AsyncIterator[frozenset[Path]]:
        return self

    async def __anext__(self) -> frozenset[Path]:
        while not self._pending:
            if self._pump is None or self._pump.done():
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        look, self._pending = frozenset(self._pending), set()
        return look

    def _tell(self, folders: Iterable[Path]) -> None:
        self._pending.update(folders)
        if self._pending:
            self._news.set()

    async def _keep_watching(self) -> None:
        while not self._closed:
            self._rearm.clear()
            armed = identify(self._roots)
            try:
                await self._session(armed)
            except Exception as error:  # noqa: BLE001  whatever the kernel or watchfiles refuse, we look by the clock
                self.trouble = f"cannot watch, looking every {self._period:g} s instead: {error}"
                self._tell(self._roots)
                await self._pause()

    async def _pause(self) -> None:
        """Wait before the next try; that the failed watch asked to be armed again does not cut it short."""
        if not self._closed:
            self._rearm.clear()
            await self._nap(self._backoff())

    async def _session(self, armed: Mapping[Path, Identity]) -> None:
        """Watch what there is until the set, the pace or a folder's identity changes."""
        stop = asyncio.Event()
        reader = asyncio.create_task(self._read(armed, stop))
        reader.add_done_callback(lambda _: self._rearm.set())
        try:
            # The watch is armed in the reader's first step, before it waits for anything: one turn of the loop later
            # nothing can be missed any more, so only now is everything looked at.
            await asyncio.sleep(0)
            if not reader.done():
                self._tell(self._roots)
                await self._until_stale(armed)
        finally:
            stop.set()
            await reader

    async def _read(self, armed: Mapping[Path, Identity], stop: asyncio.Event) -> None:
        if not armed:
            await stop.wait()
            return
        spelled = by_spelling(armed)
        async for batch in awatch(
            *armed,
            watch_filter=None,
            step=self._pace.step,
            debounce=self._pace.debounce,
            stop_event=stop,
            recursive=False,
            ignore_permission_denied=True,
        ):
            self._digest(batch, spelled)

    def _digest(self, batch: set[FileChange], spelled: Mapping[str, Path]) -> None:
        if len(batch) > LARGE_BATCH:
            self._rearm.set()  # which looks at everything; a folder's own removal may be among what was lost
            return
        for change, name in batch:
            folder, _, file = name.rpartition(os.sep)
            if name in spelled:
                self._digest_root(change, spelled[name])
            elif not is_dropping(file):
                self._tell([spelled[folder]] if folder in spelled else self._roots)

    def _digest_root(self, change: Change, root: Path) -> None:
        """A folder was itself touched. Gone: the kernel's watch is gone too, even if one with its inode is back."""
        if change is Change.deleted:
            self._tell([root])
            self._rearm.set()

    async def _until_stale(self, armed: Mapping[Path, Identity]) -> None:
        missing = self._roots - armed.keys()
        self.trouble = f"folders missing: {', '.join(sorted(map(str, missing)))}" if missing else ""
        if not missing:
            self._retry = FIRST_RETRY
        while not await self._nap(self._patience(missing=bool(missing))):
            if identify(self._roots) != armed:
                return
            if self._pace is BUSY:
                self._tell(self._roots)

    def _patience(self, *, missing: bool) -> float | None:
        """Seconds until the folders are looked at unasked; None: never."""
        if missing:
            return self._backoff()
        return self._period if self._pace is BUSY else None

    def _backoff(self) -> float:
        delay, self._retry = self._retry, min(self._retry * 2, self._period)
        return delay

    async def _nap(self, seconds: float | None) -> bool:
        """Wait to be asked to arm again, at most so long. True when asked."""
        try:
            async with asyncio.timeout(seconds):
                await self._rearm.wait()
        except TimeoutError:
            return False
        return True
