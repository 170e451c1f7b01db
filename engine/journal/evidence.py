"""Gathers what `verify` looks at, from a record's folder or from an exported file, so that one check serves both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.journal import archive, segments
from engine.journal.checkpoints import NAME, Checkpoint, parse, read_file, read_keys
from engine.journal.errors import JournalDamaged
from engine.journal.files import Files


class Line(NamedTuple):
    """One complete line of the record, without its line end, and where it stands."""

    file: Path
    number: int
    offset: int
    text: bytes


@dataclass(slots=True)
class Evidence:
    """A record as it lies there. `checkpoints` may be none; `keys` are those the record names as its signers."""

    files: Files
    paths: list[Path]
    where: Path  # the file that checkpoints stand in
    keys: tuple[bytes, ...] = ()
    checkpoints: list[Checkpoint] = field(default_factory=list)
    exported: bool = False

    @property
    def unfinished(self) -> int:
        """Bytes behind the last line end: a line that is being written, or was cut by a crash."""
        return self._behind_last_line(self.paths[-1]) if self.paths else 0

    def lines(self) -> Iterator[Line]:
        """The record's lines in order. Raises `JournalDamaged` for an incomplete line with more behind it."""
        for path in self.paths:
            number = 0
            for offset, block in segments.blocks(self.files, path):
                for text in block:
                    number += 1
                    if not (self.exported and (text.startswith(archive.NOTE) or number == 1)):
                        yield Line(path, number, offset, text)
                    offset += len(text) + 1  # noqa: PLW2901  walks on inside the block
            if path != self.paths[-1] and (left := self._behind_last_line(path)):
                raise JournalDamaged(path, "its last line has no end", line=number + 1, offset=self._size(path) - left)

    def _size(self, path: Path) -> int:
        return self.files.size(path)

    def _behind_last_line(self, path: Path) -> int:
        size, window = self._size(path), 64 * 1024
        while window < size and b"\n" not in self.files.read(path, size - window):
            window *= 8
        tail = self.files.read(path, max(0, size - window))
        return len(tail) - (tail.rfind(b"\n") + 1)


def gather(files: Files, record: Path) -> Evidence:
    """Read all but the events. Raises `JournalDamaged` where checkpoints or the header cannot be read."""
    return _from_folder(files, record) if files.is_folder(record) else _from_export(files, record)


def _from_folder(files: Files, folder: Path) -> Evidence:
    found, good, rest = read_file(files, folder)
    path = folder / NAME
    if rest:
        raise JournalDamaged(path, "no checkpoint of this record", offset=good)
    return Evidence(files, segments.listed(files, folder), path, read_keys(files, folder), found)


def _from_export(files: Files, path: Path) -> Evidence:
    found = Evidence(files, [path], path, exported=True)
    found.keys = _header(path, files.read(path, 0, segments.BLOCK).partition(b"\n")[0])
    if found.unfinished:
        raise JournalDamaged(path, "an exported record ends in a whole line", offset=files.size(path))
    for _, lines in segments.blocks(files, path):
        found.checkpoints += [_note(path, line) for line in lines if line.startswith(archive.NOTE)]
    return found


def _header(path: Path, line: bytes) -> tuple[bytes, ...]:
    try:
        return archive.keys_in(line)
    except ValueError as error:
        raise JournalDamaged(path, "no header of an exported record", line=1) from error


def _note(path: Path, line: bytes) -> Checkpoint:
    try:
        return parse(archive.note_in(line))
    except ValueError as error:
        raise JournalDamaged(path, "no checkpoint of this record") from error
