"""Where requests are written down: all of them in a file with a limit, and of the refused ones the first of each kind.

A program that is refused tries again, some of them for ever. The record has to say it once.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.gateway.call import Asked

LOG_BYTES = 8 << 20
REFUSALS = 20
"""Different hosts that are told of one assignment; the log has the others."""
_ENDED = "this log ends here, {size} bytes is its limit"


class RequestLog:
    """A file of JSON lines, one an `Asked`, that only this user can read; at its limit a line says that it ends.

    A file that is there already is continued.
    """

    def __init__(self, path: Path, cap: int = LOG_BYTES) -> None:
        self._end = msgspec.json.encode({"note": _ENDED.format(size=cap)}) + b"\n"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - len(self._end)))
        self._room = 0 if self._file.read(len(self._end)) == self._end else cap - len(self._end) - size

    def write(self, asked: Asked) -> None:
        """Append it. A full disk ends the log, and nothing else."""
        if self._room <= 0:
            return
        line = msgspec.json.encode(asked) + b"\n"
        try:
            self._file.write(line if len(line) <= self._room else self._end)
            self._room = self._room - len(line)
        except OSError:
            self._room = 0

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class Refusals:
    """Which refused requests are told in the record."""

    def __init__(self, most: int = REFUSALS) -> None:
        self._most = most
        self._told: dict[str, set[tuple[str, int]]] = {}

    def begin(self, agent: str) -> None:
        """A new assignment of this agent: what it is refused from now on is told again."""
        self._told.pop(agent, None)

    def first(self, asked: Asked) -> bool:
        """Whether this is a refusal to be told: of a known host, and not told since the assignment began."""
        told = self._told.setdefault(asked.agent, set())
        key = (asked.host, asked.port)
        if asked.allowed or not asked.host or key in told or len(told) >= self._most:
            return False
        told.add(key)
        return True
