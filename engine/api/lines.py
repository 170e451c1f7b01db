"""Bytes in any portions to whole lines, whatever their length; for both kinds of client."""

from __future__ import annotations

from collections import deque


class Lines:
    """Feed bytes, take lines without their ends."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """More came."""
        first, *others = chunk.split(b"\n")
        self._rest.append(first)
        if others:
            self._lines.append(b"".join(self._rest))
            self._lines.extend(others[:-1])
            self._rest = [others[-1]]

    def take(self) -> bytes | None:
        """The next line, if a whole one is here."""
        return self._lines.popleft() if self._lines else None
