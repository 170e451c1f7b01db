"""Frames on the control socket between an engine and a keeper: four bytes of length, then fields joined by NUL.

Arguments, environment and paths cannot hold a NUL, so nothing needs quoting, and the keeper needs no parser whose
import would cost more than its own start.
"""

from __future__ import annotations

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LENGTH = 4


def pack(*fields: bytes) -> bytes:
    """One frame. Raises ValueError where a field holds a NUL byte."""
    if any(b"\0" in field for field in fields):
        raise ValueError("a NUL byte cannot be part of an argument, a variable or a path")
    body = b"\0".join(fields)
    return len(body).to_bytes(LENGTH, "big") + body


def counted(items: Iterable[bytes]) -> tuple[bytes, ...]:
    """A list as fields: its length, then its items."""
    fields = tuple(items)
    return (b"%d" % len(fields), *fields)


class Unpacker:
    """Collects bytes as they arrive and gives back whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The frames that `data` completes, each as its fields."""
        self._buffer += data
        while len(self._buffer) >= LENGTH:
            end = LENGTH + int.from_bytes(self._buffer[:LENGTH], "big")
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[LENGTH:end])
            del self._buffer[:end]
            yield body.split(b"\0")
