"""A program's standard output as lines of JSON, one object each, however the bytes arrive.

Nothing a program prints ends the reading: a line that is too long, no JSON or no object is told of and passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

LINE_BYTES = 16 << 20
"""Some agents repeat a whole message, or a whole file, with each event."""
SHOWN_BYTES = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its bytes without the newline, and the object in it, or why there is none (`refusal`)."""

    raw: bytes
    message: dict[str, Any] | None
    refusal: str = ""


class Reader(Protocol):
    """Bytes in any portions to messages."""

    def feed(self, data: bytes) -> Iterator[Line]:
        """Those that `data` completes."""
        ...

    def close(self) -> Iterator[Line]:
        """The last one, if it has no end of its own."""
        ...


class JsonLines:
    """Bytes in any portions to lines of at most `limit` bytes; empty lines are no lines."""

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._keep(part)
            yield from self._take()
        self._keep(rest)

    def close(self) -> Iterator[Line]:
        """The last line, if the output did not end with a newline."""
        yield from self._take()

    def _keep(self, part: bytes) -> None:
        if part and self._size <= self._limit:
            self._parts.append(part[: self._limit + 1 - self._size])
        self._size += len(part)

    def _take(self) -> Iterator[Line]:
        raw, size = b"".join(self._parts).strip(), self._size
        self._parts, self._size = [], 0
        if size > self._limit:
            yield Line(raw[:SHOWN_BYTES], None, f"a line of {size} bytes, more than the {self._limit} that are read")
        elif raw:
            yield _read(raw)


def _read(raw: bytes) -> Line:
    try:
        value = decode(raw)
    except (ValueError, RecursionError) as error:
        return Line(raw, None, f"a line that is not JSON ({error}): {_start(raw)}")
    if not isinstance(value, dict):
        return Line(raw, None, f"a line of JSON that is no object: {_start(raw)}")
    return Line(raw, value)


def decode(raw: bytes) -> object:
    """The value of a JSON text; half a surrogate pair, which JavaScript prints when it cuts a text, becomes "?".

    Raises `ValueError`, or `RecursionError` where it is nested too deep.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        loose = json.loads(raw.decode("utf-8", "replace"))
        return msgspec.json.decode(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace"))


def encode(message: object) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"


def _start(raw: bytes) -> str:
    return raw[:SHOWN_BYTES].decode("utf-8", "replace")
