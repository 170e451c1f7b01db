"""JSON that arrives in portions: one object, or a list of which each object can be read before the next one comes.

A list of objects is what Gemini streams where nobody asks for events. Bytes between the objects mean nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.gateway.llm.sse import LONGEST, Event

_OUTSIDE = re.compile(rb'["{}]')
_INSIDE = re.compile(rb'["\\]')


class Objects:
    """The splitter of one body. An object above `longest` bytes is not read; those after it are."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held = bytearray()
        self._depth = 0
        self._text = self._escaped = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The objects that end in this portion."""
        start = at = 0
        while (mark := self._next(chunk, at)) is not None:
            at = mark + 1
            if self._opens(chunk[mark]):
                start = mark
            elif self._depth == 0 and chunk[mark] == ord("}") and not self._text:
                yield self._object(chunk[start:at])
                start = at
        if self._depth and len(self._held) <= self._longest:
            self._held += chunk[start:]

    def end(self) -> Event | None:
        """What is left of an object that did not end is no object."""
        return None

    def _next(self, chunk: bytes, at: int) -> int | None:
        """Where the next byte is that matters; state is brought up to it, but for depth."""
        while True:
            if self._escaped and at < len(chunk):
                at, self._escaped = at + 1, False
            found = (_INSIDE if self._text else _OUTSIDE).search(chunk, at)
            if found is None:
                return None
            if chunk[found.start()] == ord("\\"):
                self._escaped, at = True, found.end()
                if at >= len(chunk):
                    return None
            elif chunk[found.start()] == ord('"'):
                self._text, at = not self._text, found.end()
            else:
                return found.start()

    def _opens(self, brace: int) -> bool:
        """Count a brace; says whether an object begins with it."""
        if brace == ord("{"):
            self._depth += 1
            return self._depth == 1
        self._depth = max(self._depth - 1, 0)
        return False

    def _object(self, rest: bytes) -> Event:
        whole = bytes(self._held) + rest if len(self._held) <= self._longest else b""
        self._held.clear()
        return Event(whole, whole)
