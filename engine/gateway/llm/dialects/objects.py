"""JSON that arrives in portions: one object, or a list of which each object can be read before the next one comes.

A list of objects is what Gemini streams where nobody asks for events. Bytes between the objects mean nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.gateway.llm.sse import LONGEST, Event

_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}]', re.DOTALL)
"""A whole text, which is skipped, the beginning of one that does not end here, or a brace."""
_END = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)


class Objects:
    """The splitter of one body. An object above `longest` bytes is not read; those after it are."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held = bytearray()
        self._depth = 0
        self._text = False
        self._escaped = False  # the last byte was a backslash in a text

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The objects that end in this portion."""
        start = 0
        for mark in _MARK.finditer(chunk, self._after_text(chunk)):
            byte = chunk[mark.start()]
            if byte == ord('"'):
                if mark.end() - mark.start() == 1:
                    self._begin_text(chunk[mark.end() :])
                    break
            elif byte == ord("{"):
                self._depth += 1
                start = mark.start() if self._depth == 1 else start
            elif self._depth:
                self._depth -= 1
                if not self._depth:
                    yield self._object(chunk[start : mark.end()])
        if self._depth and len(self._held) <= self._longest:
            self._held += chunk[start:]

    def end(self) -> Event | None:
        """What is left of an object that did not end is no object."""
        return None

    def _after_text(self, chunk: bytes) -> int:
        """Where the text ends that the portion before this one ended in."""
        if not self._text or not chunk:
            return 0
        at = int(self._escaped)
        end = _END.match(chunk, at)
        if end is None:
            self._begin_text(chunk[at:])
            return len(chunk)
        self._text = self._escaped = False
        return end.end()

    def _begin_text(self, part: bytes) -> None:
        """The portion ends in a text, of which this is the last part."""
        self._text = True
        self._escaped = (len(part) - len(part.rstrip(b"\\"))) % 2 == 1

    def _object(self, rest: bytes) -> Event:
        whole = bytes(self._held) + rest if len(self._held) <= self._longest else b""
        self._held.clear()
        return Event(whole, whole)
