"""Saved states, so that a start need not fold the whole record. Opaque here, and always free to throw away.

A snapshot names the head it was taken at and the SHA-256 of its bytes. One that is damaged, ahead of the record or of
another record is passed over in silence: the record is the truth, and replay from the beginning gives the same state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from engine.journal import reader
from engine.journal.chain import Head
from engine.journal.files import Files, publish

KEPT = 2
_NAME = re.compile(r"\d{18}\.snapshot")
_HEADER = re.compile(rb"quarterdeck snapshot (\d+) ([0-9a-f]{64}) ([0-9a-f]{64})\n")


class Snapshots:
    """The snapshot folder of one record."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._record = folder
        self._folder = folder / "snapshots"

    def save(self, head: Head, blob: bytes) -> None:
        """Keep `blob`, the state at `head`, and forget all but the newest two."""
        self._files.make_folder(self._folder)
        header = f"quarterdeck snapshot {head.seq} {head.hash} {sha256(blob).hexdigest()}\n"
        publish(self._files, self._folder / f"{head.seq:018}.snapshot", header.encode() + blob)
        for old in self._names()[KEPT:]:
            self._files.remove(self._folder / old)

    def latest(self, end: Head) -> tuple[int, bytes] | None:
        """The newest snapshot that fits the record, which ends at `end`: (seq, blob)."""
        for head, blob in self._sound():
            if head.seq <= end.seq and reader.head_at(self._record, head.seq, files=self._files) == head:
                return head.seq, blob
        return None

    def _sound(self) -> Iterator[tuple[Head, bytes]]:
        for name in self._names():
            try:
                data = self._files.read(self._folder / name)
            except FileNotFoundError:  # the engine has just put a newer one in its place
                continue
            header = _HEADER.match(data)
            if header and sha256(blob := data[header.end() :]).hexdigest().encode() == header[3]:
                yield Head(int(header[1]), header[2].decode()), blob

    def _names(self) -> list[str]:
        """The snapshots' names, newest first."""
        return [name for name in reversed(self._files.names(self._folder)) if _NAME.fullmatch(name)]
