"""The hash chain over the record's lines. Pure: bytes in, bytes out.

A line is an event's JSON object with two fields behind its own: `prev`, the hash of the line before, and `hash`, the
SHA-256 of this line without its `hash` field. Every bit of a line is therefore either hashed or compared. A chain
shows edits; it does not show truncation, which is what signed checkpoints are for.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

GENESIS = "0" * 64
"""What the first line of a record names as the hash before it."""

_PREV, _HASH, _END = b',"prev":"', b'","hash":"', b'"}\n'
_DIGEST = 64
_HASH_AT = _DIGEST + len(_END)
_SEAL = len(_PREV) + _DIGEST + len(_HASH) + _HASH_AT
_SEQ = re.compile(rb'\{"seq":(\d{1,18}),')
_BATCH = re.compile(rb',"batch":(\d{1,18})$')
_MORE = re.compile(rb',"more":true(?:,"batch":\d{1,18})?$')


class Head(NamedTuple):
    """The last line of a record: its seq and its hash. An empty record has `ORIGIN`."""

    seq: int
    hash: str


class Mark(NamedTuple):
    """A place in the record: its last line, and how many bytes all segments hold up to there."""

    head: Head
    size: int


ORIGIN = Head(0, GENESIS)


class BrokenLine(ValueError):
    """A line is not what was sealed, or does not follow the line before."""


def seal(body: bytes, prev: str) -> tuple[bytes, str]:
    """Make `body`, a JSON object as `encode` writes it, the line that follows the hash `prev`: (line, its hash)."""
    hashed = body[:-1] + _PREV + prev.encode()
    digest = sha256(hashed + b'"}').hexdigest()
    return hashed + _HASH + digest.encode() + _END, digest


def mark(body: bytes, batch: int) -> bytes:
    """Note in `body` that it is written together with all events from seq `batch` on, before any sync."""
    return b'%b,"batch":%d}' % (body[:-1], batch)


def more(body: bytes) -> bytes:
    """Note in `body` that the next event belongs to the same decision: neither is to count without the other."""
    return body[:-1] + b',"more":true}'


def has_more(line: bytes) -> bool:
    """Whether this sealed line is not the last of its decision."""
    return _MORE.search(line[max(0, len(line) - _SEAL - 48) : -_SEAL]) is not None


def check(line: bytes, before: Head | None) -> Head:
    """Return the head that `line` (with its line end) makes, following `before`; None: only the line itself is checked.

    Raises `BrokenLine`, saying what is wrong.
    """
    digest = line[-_HASH_AT : -len(_END)]
    hashed = line[: -_HASH_AT - len(_HASH)]
    if line[-len(_END) :] != _END or line[len(hashed) : -_HASH_AT] != _HASH:
        raise BrokenLine("no complete line of the record")
    if sha256(hashed + b'"}').hexdigest().encode() != digest:
        raise BrokenLine("the line's hash does not fit its text")
    start = _SEQ.match(line)
    if start is None or hashed[-_DIGEST - len(_PREV) : -_DIGEST] != _PREV:
        raise BrokenLine("the line has no seq or no hash of the line before")
    head = Head(int(start[1]), digest.decode())
    if before is not None and hashed[-_DIGEST:] != before.hash.encode():
        raise BrokenLine(f"line {head.seq} does not follow line {before.seq}")
    if before is not None and head.seq != before.seq + 1:
        raise BrokenLine(f"seq {head.seq} follows seq {before.seq}")
    return head


def seq_of(line: bytes) -> int | None:
    """The seq at the beginning of a line, unchecked; None when there is none."""
    start = _SEQ.match(line)
    return int(start[1]) if start else None


def batch_of(line: bytes) -> int:
    """The first seq that was written together with this sealed line: everything before it was on disk already."""
    marked = _BATCH.search(line[max(0, len(line) - _SEAL - 32) : -_SEAL])
    found = marked or _SEQ.match(line)
    return int(found[1]) if found else 0
