"""Server-sent events, as they arrive: any line ending, any chunking, comments, several lines of data, a BOM.

It reads along and alters nothing: the `raw` of its events, one after the other, are the bytes that came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 16 << 20
"""Bytes of one event that are kept to be read. What is longer is handed out in parts, which nobody can read."""
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Event:
    """One event: its bytes, blank line and all, and what its lines of data hold. White space around it may remain."""

    raw: bytes
    data: bytes


class Events:
    """The parser of one stream."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._lines: list[bytes] = []
        self._part = bytearray()  # a line whose end has not come
        self._held = 0
        self._cr = b""  # a CR that ended a chunk: the LF that may belong to it is still to come

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that end in this chunk."""
        if self._cr:
            chunk, self._cr = self._cr + chunk, b""
        if chunk.endswith(b"\r"):
            chunk, self._cr = chunk[:-1], b"\r"
        for line in chunk.splitlines(keepends=True):
            self._held += len(line)
            if line[-1] not in b"\r\n":
                self._part += line
            elif self._ends(line):
                yield self._event()
            if self._held > self._longest:
                yield self._event()

    def end(self) -> Event | None:
        """What is left: an event whose blank line never came."""
        self._part += self._cr
        self._cr = b""
        return self._event() if self._part or self._lines else None

    def _ends(self, line: bytes) -> bool:
        """Take a whole line; says whether it is the blank one that ends an event."""
        if self._part:
            self._part += line
            line = bytes(self._part)
            self._part.clear()
        self._lines.append(line)
        return line[0] in b"\r\n"

    def _event(self) -> Event:
        lines = self._lines
        if self._part:
            lines.append(bytes(self._part))
            self._part.clear()
        self._lines, self._held = [], 0
        return Event(b"".join(lines), _data(lines))


def _data(lines: list[bytes]) -> bytes:
    """Of one line as it is, which is nearly always so; of several joined as the standard says."""
    found = [line[5:] for line in lines if line.startswith(b"data:")]
    if lines and lines[0].startswith(_BOM + b"data:"):
        found.insert(0, lines[0][len(_BOM) + 5 :])
    return found[0] if len(found) == 1 else b"\n".join(line.rstrip(b"\r\n") for line in found)
