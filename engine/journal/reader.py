"""Reads the record without a lock, while the engine may be writing it.

A reader sees a prefix: it stops before an incomplete last line, or an end that a crash damaged, and does not wait for
more. What it reads may not be synced yet. It mends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.core.events import Event, UnknownKind, decode
from engine.journal import chain, segments
from engine.journal.chain import BrokenLine, Head
from engine.journal.errors import JournalDamaged
from engine.journal.files import REAL, Files
from engine.journal.recovery import is_end


def read(folder: Path, since: int = 0, *, files: Files = REAL) -> Iterator[Event]:
    """Every event after seq `since`. Raises `JournalDamaged`, and `UnknownKind` for a record of a later version."""
    due = since + 1
    for path, offset, lines in read_blocks(folder, since, files=files):
        for index, line in enumerate(lines):
            try:
                event = _event(line)
                if event.seq != due:
                    raise BrokenLine(f"seq {event.seq} stands where {due} is due")
            except BrokenLine as error:
                _refuse(files, path, offset, lines[:index], why=error, good=due - 1)
                return
            due += 1
            yield event


def read_lines(folder: Path, since: int = 0, *, files: Files = REAL) -> Iterator[bytes]:
    """The lines after seq `since` as they stand in the record, without their line ends."""
    for _, _, lines in read_blocks(folder, since, files=files):
        yield from lines


def read_verified(folder: Path, since: int = 0, *, files: Files = REAL) -> Iterator[Event]:
    """As `read`, every line checked against its hash and the line before."""
    head = None if since else chain.ORIGIN
    for path, offset, lines in read_blocks(folder, since, files=files):
        for index, line in enumerate(lines):
            try:
                head = chain.check(line + b"\n", head)
            except BrokenLine as error:
                _refuse(files, path, offset, lines[:index], why=error, good=head.seq if head else since)
                return
            yield _event(line)


def head_at(folder: Path, seq: int, *, files: Files = REAL) -> Head | None:
    """The head that the line of `seq` made, the line itself checked; None when there is no such line."""
    if seq == 0:
        return chain.ORIGIN
    line = next(read_lines(folder, seq - 1, files=files), b"")
    try:
        head = chain.check(line + b"\n", None)
    except BrokenLine:
        return None
    return head if head.seq == seq else None


def read_blocks(folder: Path, since: int = 0, *, files: Files = REAL) -> Iterator[tuple[Path, int, list[bytes]]]:
    """The complete lines after seq `since`, in blocks: (segment, byte of the first line, lines)."""
    paths = segments.listed(files, folder)
    first, offset = segments.find(files, paths, since + 1) if since else (0, 0)
    for path in paths[first:]:
        for start, lines in segments.blocks(files, path, offset):
            yield path, start, lines
        offset = 0


def _event(line: bytes) -> Event:
    """Read a line. Raises `BrokenLine`; and `UnknownKind` for one that was sealed so: only a later version did that."""
    try:
        return decode(line)
    except msgspec.MsgspecError as error:
        chain.check(line + b"\n", None)
        raise UnknownKind(f"a fact that can not be read ({error})") from error


def _refuse(files: Files, path: Path, offset: int, before: list[bytes], *, why: Exception, good: int) -> None:
    """Raise `JournalDamaged`, unless nothing valid follows: that is the end which the next start cuts."""
    offset += sum(len(line) + 1 for line in before)
    later = path.name < segments.listed(files, path.parent)[-1].name
    if later or not is_end(files, path, offset, good):
        line = segments.line_number(files, path, offset)
        raise JournalDamaged(path, str(why), line=line, offset=offset) from why
