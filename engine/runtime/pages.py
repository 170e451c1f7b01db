"""Pieces of files as text: whole lines where it can be, and never more than was asked for.

The files lie where agents can write, so nothing but a plain file is opened, and no link is followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.core.text import clean, suspect

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SEARCHED = 8 * 1024
"""Bytes in which the beginning of a line is looked for."""

Show = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `offset` to `next` of a file that has `size` of them, as text."""

    text: str
    offset: int
    next: int
    size: int


def shown(data: bytes) -> str:
    """Output of a program as text that is harmless to look at, line by line."""
    text = data.decode("utf-8", "replace")
    return "\n".join(map(clean, text.split("\n"))) if suspect(text) else text


def plain(data: bytes) -> str:
    """Text as it is; bytes that are no UTF-8 are replaced."""
    return data.decode("utf-8", "replace")


class Paper:
    """An open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def piece(self, offset: int, limit: int, show: Show, *, growing: bool = False) -> Piece:
        """At most `limit` bytes from `offset`, up to the last line end in them; a longer line comes in pieces.

        The last line is left out while the file is `growing`, if it has not ended. A negative offset counts from the
        end, and goes on to the next line.
        """
        start = min(offset, self.size) if offset >= 0 else self.line_at(max(0, self.size + offset))
        data = self._lines(start, limit, growing=growing)
        return Piece(show(data), start, start + len(data), self.size)

    def last_line(self, limit: int, show: Show, *, growing: bool = False) -> Piece:
        """The last line that shows something, of those in the last `limit` bytes; empty where there is none."""
        first = max(0, self.size - limit)
        data = self._lines(first, limit, growing=growing)
        after = end = first + len(data)
        for line in reversed(data.split(b"\n")):
            text, start = show(line), end - len(line)
            if text.strip():
                return Piece(text, start, after, self.size)
            end = start - 1
        return Piece("", after, after, self.size)

    def _lines(self, start: int, limit: int, *, growing: bool) -> bytes:
        data = os.pread(self._descriptor, limit, start)
        at_end = start + len(data) >= self.size
        return data[: _cut(data, all_of_it=at_end and not growing, full=len(data) == limit)]

    def line_at(self, offset: int) -> int:
        """Where the next line begins at or after `offset`; `offset` itself within a line that is very long."""
        if offset == 0:
            return 0
        found = os.pread(self._descriptor, _SEARCHED, offset - 1).find(b"\n")
        return offset + found if found >= 0 else offset


@contextmanager
def paper(path: Path) -> Iterator[Paper]:
    """Open a plain file. Raises FileNotFoundError for anything else."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        raise FileNotFoundError(path) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path)
        yield Paper(descriptor)
    finally:
        os.close(descriptor)


def _cut(data: bytes, *, all_of_it: bool, full: bool) -> int:
    if all_of_it:
        return len(data)
    if end := data.rfind(b"\n") + 1:
        return end
    return _whole_characters(data) if full else 0


def _whole_characters(data: bytes) -> int:
    """Up to where `data` ends with a whole character of UTF-8; all of it where that is nothing or it is none."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # the first byte of a character
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (len(data) if length <= back else len(data) - back) or len(data)
    return len(data)
