"""Finds the end of a record when it is opened, and cuts what a crash left behind it.

A damaged end is cut only if no valid line follows the damage, and the bytes are moved to `damaged/` first. With it go
the lines of a decision whose last line is missing: nobody was told of them, and half a decision is none. One case
looks different and is the same: a disk may write the sectors of one sync in any order, so power loss can leave a hole
of NUL sectors with valid lines behind it. If all of those were written together with what is missing (`batch`), no
one was ever told of them, and they are cut too. Anything else is refused. Only the end is looked at, so that opening
costs the same for any length; `verify` reads it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from engine.journal import chain, segments
from engine.journal.chain import BrokenLine, Head, Mark
from engine.journal.errors import JournalDamaged
from engine.journal.files import Files, cut, publish

WINDOW = 1024 * 1024
_SECTOR = 512


class End(NamedTuple):
    """The end of a segment: its last good line, the bytes up to there, and what stands behind it."""

    head: Head
    good: int
    rest: bytes


class Found(NamedTuple):
    """A record as it lies there: the segments that stay, where it ends, and the ends to mend, the last segment's first.

    A segment whose end has no good line is to go.
    """

    paths: list[Path]
    end: Mark
    ends: list[tuple[Path, End]]


def find_end(files: Files, folder: Path) -> Found:
    """Find the last valid line; changes nothing. Raises `JournalDamaged` where ending there would lose a valid one."""
    paths, ends, head = segments.listed(files, folder), list[tuple[Path, End]](), chain.ORIGIN
    while paths:
        end = _end(files, paths)
        ends.append((paths[-1], end))
        head = end.head
        if end.good:
            break
        paths.pop()  # its run had nothing recorded yet
    cut_off = sum(len(end.rest) for path, end in ends if end.good)
    return Found(paths, Mark(head, sum(files.size(path) for path in paths) - cut_off), ends)


def mend(files: Files, folder: Path, found: Found) -> tuple[str, ...]:
    """Cut what `find_end` found behind the end, keeping it aside, and sync the rest; returns notices for a person."""
    notices = [_put_aside(files, path, end) for path, end in found.ends if end.rest]
    for path, end in found.ends:
        if end.good:
            cut(files, path, end.good)
        else:
            files.remove(path)
    files.sync_dir(folder)
    return tuple(notices)


def survivors(data: bytes) -> Iterator[tuple[int, Head, int]]:
    """Every valid line anywhere in `data`: (offset, the head it makes, the first seq it was written with)."""
    for found in re.finditer(rb'\{"seq":', data):
        line = data[found.start() : data.find(b"\n", found.start()) + 1]
        try:
            head = chain.check(line, None)
        except BrokenLine:
            continue
        yield found.start(), head, chain.batch_of(line)


def is_end(files: Files, path: Path, offset: int, good: int) -> bool:
    """Whether no line later than seq `good` stands behind the damage at `offset`, so that a start would cut it."""
    return not any(head.seq > good for _, head, _ in survivors(files.read(path, offset)))


def _end(files: Files, paths: list[Path]) -> End:
    """The end of the last segment, judged; where its very beginning is looked at, it must follow the segment before."""
    path, window = paths[-1], WINDOW
    size = files.size(path)
    while window < size:
        tail = files.read(path, size - window)
        start = tail.find(b"\n") + 1
        end = _scan(tail[start:], None)
        if start and end is not None and (whole := _whole(tail[start:], end)) is not None:
            _refuse_loss(files, path, size - len(tail) + start, end)
            return _from(size - len(tail) + start, whole)
        window *= 8
    before = _end_before(files, paths[:-1])
    data = files.read(path)
    end = _scan(data, before.head) or End(before.head, 0, data)
    if before.rest and any(head.seq > before.head.seq for _, head, _ in survivors(end.rest)):
        raise _damage(files, paths[-2], before.good, "the line is damaged, and valid ones follow")
    _refuse_loss(files, path, 0, end)
    return _whole(data, end) or End(before.head, 0, data)


def _end_before(files: Files, paths: list[Path]) -> End:
    """The end of the last of `paths`, for the segment behind it to follow: no further back than it must."""
    if not paths:
        return End(chain.ORIGIN, 0, b"")
    if files.size(paths[-1]) <= WINDOW:
        data = files.read(paths[-1])
        end = _scan(data, None)
        if end is not None and (whole := _whole(data, end)) is not None:
            return whole
    return _end(files, paths)


def _scan(data: bytes, before: Head | None) -> End | None:
    """Follow the chain through `data` as far as it holds; None when not even the first line does."""
    good = 0
    while (stop := data.find(b"\n", good) + 1) > 0:
        try:
            before = chain.check(data[good:stop], before)
        except BrokenLine:
            break
        good = stop
    return End(before, good, data[good:]) if before is not None and good else None


def _whole(data: bytes, end: End) -> End | None:
    """The same end without the lines of a decision that has no last line; None when no line is left then."""
    stop = end.good
    while stop:
        start = data.rfind(b"\n", 0, stop - 1) + 1
        line = data[start:stop]
        if not chain.has_more(line):
            return End(chain.check(line, None), stop, data[stop:])
        stop = start
    return None


def _from(start: int, end: End) -> End:
    """The end as counted from the beginning of the file, when `end` is counted from `start`."""
    return End(end.head, start + end.good, end.rest)


def _refuse_loss(files: Files, path: Path, start: int, end: End) -> None:
    """Refuse an end behind which a valid line was lost; `start` is where `end` was counted from."""
    good = start + end.good
    lost = [(at, batch) for at, head, batch in survivors(end.rest) if head.seq > end.head.seq]
    if lost:
        together = all(batch <= end.head.seq + 1 for _, batch in lost)
        if not (together and _has_hole(end.rest[: lost[0][0]], good)):
            raise _damage(files, path, good, "the line is damaged, and valid ones follow")


def _has_hole(data: bytes, offset: int) -> bool:
    """Whether a sector of the file, or the rest of the one that `data` begins in at `offset`, was never written."""
    first = -offset % _SECTOR
    starts = range(first, len(data) - _SECTOR + 1, _SECTOR)
    rest_of_first = first > 0 and data.startswith(bytes(first))
    return rest_of_first or any(data.startswith(bytes(_SECTOR), start) for start in starts)


def _damage(files: Files, path: Path, offset: int, why: str) -> JournalDamaged:
    return JournalDamaged(path, why, line=segments.line_number(files, path, offset), offset=offset)


def _put_aside(files: Files, path: Path, end: End) -> str:
    """Keep what is about to be cut; the name tells its content, so doing it again after a crash changes nothing."""
    folder = path.parent / "damaged"
    files.make_folder(folder)
    files.sync_dir(path.parent)
    kept = folder / f"{path.name}.{end.good}-{sha256(end.rest).hexdigest()[:12]}"
    publish(files, kept, end.rest)
    return f"the record ended in {len(end.rest)} damaged bytes after event {end.head.seq}; they are kept in {kept}"
