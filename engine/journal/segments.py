"""The files of a record: one a run, numbered without a gap, each beginning where the one before ended.

Only reading and finding: whether a line is right is the chain's business. Readers may come while the engine writes;
an incomplete last line is not a line yet.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.journal import chain
from engine.journal.errors import JournalDamaged
from engine.journal.files import Files

BLOCK = 4 * 1024 * 1024
_PROBE = 64 * 1024
_NAME = re.compile(r"(\d{6})-[A-Za-z0-9._-]+\.jsonl")


class Lines(NamedTuple):
    """Complete lines, without their line ends, that begin at byte `offset` of a segment."""

    offset: int
    lines: list[bytes]


def listed(files: Files, folder: Path) -> list[Path]:
    """The segments in order. Raises `JournalDamaged` when one is missing or there twice."""
    names = [name for name in files.names(folder) if _NAME.fullmatch(name)]
    for number, name in enumerate(names, 1):
        if int(name[:6]) != number:
            raise JournalDamaged(folder / name, f"segment {number:06} should stand here")
    return [folder / name for name in names]


def name_for(number: int, run: str) -> str:
    """The file name of the segment `number` of `run`; what a file name cannot hold becomes a dash."""
    return f"{number:06}-{re.sub(r'[^A-Za-z0-9._-]', '-', run) or 'engine'}.jsonl"


def blocks(files: Files, path: Path, offset: int = 0) -> Iterator[Lines]:
    """The complete lines from `offset`, the beginning of a line, in blocks of a few megabytes."""
    rest = b""
    while block := files.read(path, offset + len(rest), BLOCK):
        whole, end, rest = (rest + block).rpartition(b"\n")
        if end:
            yield Lines(offset, whole.split(b"\n"))
            offset += len(whole) + 1


def find(files: Files, segments: list[Path], seq: int) -> tuple[int, int]:
    """Where the line of `seq` begins: (index of its segment, byte). The end of the last segment when there is none."""
    index = max(0, bisect_right(segments, seq, key=lambda path: _first_seq(files, path)) - 1)
    return index, _offset(files, segments[index], seq) if segments else 0


def line_number(files: Files, path: Path, offset: int) -> int:
    """The number, from 1, of the line that begins at byte `offset`."""
    starts = range(0, offset, BLOCK)
    return 1 + sum(files.read(path, start, min(BLOCK, offset - start)).count(b"\n") for start in starts)


def _first_seq(files: Files, path: Path) -> int:
    found = chain.seq_of(files.read(path, 0, 64))
    return sys.maxsize if found is None else found


def _offset(files: Files, path: Path, seq: int) -> int:
    """Bisect the bytes of one segment for the line of `seq`; lines are sorted by it."""
    low, high = 0, files.size(path)
    while high - low > _PROBE:
        start, found = _line_after(files, path, (low + high) // 2, high)
        if found is None or found > seq:
            high = (low + high) // 2
        else:
            low = start
    for offset, lines in blocks(files, path, low):
        for line in lines:
            if (chain.seq_of(line) or 0) >= seq:
                return offset
            offset += len(line) + 1  # noqa: PLW2901  walks on inside the block
    return files.size(path)


def _line_after(files: Files, path: Path, offset: int, limit: int) -> tuple[int, int | None]:
    """The first line that begins after `offset`: where, and its seq; no seq when there is none before `limit`."""
    size = _PROBE
    while offset + size // 2 < limit:
        probe = files.read(path, offset, size)
        start = probe.find(b"\n") + 1
        if 0 < start < len(probe) - 32:
            return offset + start, chain.seq_of(probe[start:])
        size *= 4
    return limit, None
