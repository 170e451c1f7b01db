"""What the engine and its clients say to each other in one message. Pure.

A session's messages are numbered, each way, and what they carry is one stream of bytes. From the engine: `N`, a line
end, a portion; an empty one means that the engine has closed. From a client: `N TAKEN`, a line end, a portion, which
may be empty; TAKEN is the last message it has taken. The engine is never more than `WINDOW` ahead of that, so nothing
piles up in the broker, which would drop it without a word. A number that is missing ends the session; the client begins
another and goes on from its last event.
"""

from __future__ import annotations

import msgspec

from engine.api.errors import BadFrame

WINDOW = 32
"""Messages on their way to one client, at most."""
PORTION = 256 * 1024
"""Bytes of frames in one message; it is far below what a broker lets through."""
LEFT = b"left"
"""What is said for a client that left, by itself or as its last will."""
REFUSED = b"0\n"
"""To a session that the engine does not know: it begins at 1."""


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the engine is on the bus, retained. `epoch` is of its connection to the broker."""

    state: str
    epoch: str = ""
    version: str = ""
    pid: int = 0


def from_engine(number: int, portion: bytes) -> bytes:
    """One message to a client."""
    return b"%d\n%b" % (number, portion)


def read_from_engine(payload: bytes) -> tuple[int, bytes]:
    """Its number and portion. Raises BadFrame."""
    head, _, portion = payload.partition(b"\n")
    return _numbers(head, 1)[0], portion


def from_client(number: int, taken: int, portion: bytes) -> bytes:
    """One message to the engine."""
    return b"%d %d\n%b" % (number, taken, portion)


def read_from_client(payload: bytes) -> tuple[int, int, bytes]:
    """Its number, what was taken, and its portion. Raises BadFrame."""
    head, _, portion = payload.partition(b"\n")
    number, taken = _numbers(head, 2)
    return number, taken, portion


def _numbers(head: bytes, count: int) -> list[int]:
    words = head.split(b" ")
    if len(words) != count or not all(word.isdigit() and len(word) < 19 for word in words):
        raise BadFrame("a message of a session begins with its number", code="number")
    return [int(word) for word in words]
