"""The record, opened for writing: the only way a fact becomes durable.

One process at a time; the caller holds the lock (`engine.journal.lock`) for as long as this is open. Appending is
called on one event loop's thread and returns at once; what may leave the engine waits for the future.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.core.events import Event, encode
from engine.journal import chain, reader, segments
from engine.journal.chain import Head, Mark
from engine.journal.checkpoints import Checkpoint, Checkpoints
from engine.journal.commit import Committer
from engine.journal.errors import AppendFailed, CheckpointRefused, OpenFailed, OutOfOrder
from engine.journal.files import REAL, Files
from engine.journal.keys import Signer
from engine.journal.recovery import find_end, mend
from engine.journal.snapshots import Snapshots


class Journal:
    """The record in one folder. Use `Journal.open`."""

    def __init__(self, folder: Path, files: Files, signer: Signer | None) -> None:
        found = find_end(files, folder)
        self._checkpoints = Checkpoints(files, folder, found.end)  # has its say before anything is cut
        self.folder = folder
        self.notices = mend(files, folder, found)
        """What recovery cut at the end, in words; empty after an orderly end."""
        self._files = files
        self._signer = signer
        self._segments = len(found.paths) or 1
        self._path = found.paths[-1] if found.paths else folder / segments.name_for(1, "engine")
        self._begun = bool(found.paths)
        self._end = found.end
        self._snapshots = Snapshots(files, folder)
        self._committer = Committer(files, folder, found.end)

    @classmethod
    def open(cls, folder: Path, *, files: Files = REAL, signer: Signer | None = None) -> Journal:
        """Open the record in `folder`, created when missing, and bring its end in order.

        Raises `JournalDamaged` when a valid line stands behind the damage or a checkpoint says there was more,
        `OpenFailed` when the disk does not let it.
        """
        try:
            files.make_folder(folder)
            files.sync_dir(folder.parent)
            return cls(folder, files, signer)
        except OSError as error:
            raise OpenFailed(folder, error) from error

    @property
    def head(self) -> Head:
        """The last line, durable or queued."""
        return self._end.head

    @property
    def durable(self) -> Head:
        """The last line that is on the disk. Raises `AppendFailed` once anything failed."""
        return self._committer.durable.head

    @property
    def next_seq(self) -> int:
        """The seq that the next event must carry."""
        return self._end.head.seq + 1

    @property
    def last_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint; None before the first."""
        return self._checkpoints.last

    def segment(self, run: str) -> None:
        """Let the next append begin a new file, named for `run`."""
        if self._begun:
            self._segments += 1
            self._begun = False
        self._path = self.folder / segments.name_for(self._segments, run)

    def append(self, events: Sequence[Event]) -> asyncio.Future[None]:
        """Queue the events, in order; the future resolves once they and all before them are on the disk.

        They are one decision: after a crash the record holds all of them or none.
        Without events it resolves once all that was queued is. Once a write or a sync failed, this and every later
        future raises `AppendFailed`. Raises `OutOfOrder`, queueing nothing.
        """
        waiter = asyncio.get_running_loop().create_future()
        bodies = [encode(event) for event in events]
        try:
            with self._committer.queue() as batch:
                self._refuse_gaps(events)
                batch.waiters.append(waiter)
                if bodies:
                    self._begun = True
                    part = batch.part(self._path, self.next_seq)
                    part.lines += self._sealed(bodies, part.first)
                    part.end = self._end
        except AppendFailed as error:
            waiter.set_exception(error)
        return waiter

    def checkpoint(self, at: float) -> Checkpoint:
        """Sign what is durable now; `at` is the time, in seconds since the epoch. Blocks for one sync.

        The first one after opening follows the chain from the last checkpoint (two seconds for a million events).
        Raises `CheckpointRefused` instead of signing a shorter or a forked record, `AppendFailed`, `BadKey`.
        """
        if self._signer is None:
            raise CheckpointRefused(self.folder, "it was opened without a key")
        return self._checkpoints.add(self._committer.durable, at, self._signer)

    def offer_snapshot(self, seq: int, blob: bytes) -> None:
        """Keep `blob` as the state after event `seq`. Blocks until both are on the disk: call it in a thread.

        Raises `ValueError` for an event that is not there yet, `AppendFailed`, and `OSError`, which nothing rests on.
        """
        if seq > self.head.seq:
            raise ValueError(f"there is no event {seq} to save the state of: the record ends at {self.head.seq}")
        self._committer.wait_for(seq)
        head = reader.head_at(self.folder, seq, files=self._files)
        if head is not None:
            self._snapshots.save(head, blob)

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """The newest sound snapshot that fits this record: (seq, blob)."""
        return self._snapshots.latest(self._end.head)

    def replay(self, since: int = 0, *, verify: bool = False) -> Iterator[Event]:
        """Every event after seq `since`; with `verify` each hash is checked on the way. Raises `JournalDamaged`."""
        read = reader.read_verified if verify else reader.read
        return read(self.folder, since, files=self._files)

    def close(self) -> None:
        """Write what is queued and end. Futures still resolve on their loop; later appends fail."""
        self._committer.close()

    def _refuse_gaps(self, events: Sequence[Event]) -> None:
        for expected, event in enumerate(events, self.next_seq):
            if event.seq != expected:
                raise OutOfOrder(event.seq, expected)

    def _sealed(self, bodies: list[bytes], first: int) -> list[bytes]:
        """The lines for `bodies`, which are written together with all from seq `first`; moves the end on."""
        (seq, digest), size = self._end
        lines = []
        for body in [*map(chain.more, bodies[:-1]), *bodies[-1:]]:
            seq += 1
            line, digest = chain.seal(body if seq == first else chain.mark(body, first), digest)
            lines.append(line)
            size += len(line)
        self._end = Mark(Head(seq, digest), size)
        return lines
