"""How large would a pack become? Read from what it declares, before git unpacks it (format: gitformat-pack).

A few kilobytes can declare terabytes, most of all by deltas that copy. Anything malformed is left for git to refuse.
"""

from __future__ import annotations

import zlib

OFFSET_DELTA, NAMED_DELTA = 6, 7
_START = 12
_STEP = 1 << 14
"""Bytes fed at a time: they become 17 MB at most, and what is over is copied once an object."""


def declared(pack: bytes, name_bytes: int, most: int) -> int:
    """Give the sum of the objects' sizes, or as far as was counted when it went over `most`.

    `name_bytes` is the length of an object's name, 20 or 32.
    """
    place, total = _START, 0
    try:
        for _ in range(int.from_bytes(pack[8:_START], "big")):
            kind, size, place = _header(pack, place)
            if kind == OFFSET_DELTA:
                place = _after(pack, place)
            elif kind == NAMED_DELTA:
                place += name_bytes
            start, place = _inflate(pack, place, size)
            total += max(size, _result(start)) if kind in {OFFSET_DELTA, NAMED_DELTA} else size
            if total > most:
                break
    except (IndexError, zlib.error):
        return total
    return total


def _header(pack: bytes, place: int) -> tuple[int, int, int]:
    """Kind, size, and where the content begins: 3 bits of kind and 4 of size, then 7 of size a byte."""
    byte, shift = pack[place], 4
    kind, size = byte >> 4 & 7, byte & 15
    while byte & 0x80:
        place += 1
        byte = pack[place]
        size |= (byte & 0x7F) << shift
        shift += 7
    return kind, size, place + 1


def _after(pack: bytes, place: int) -> int:
    """Where a number ends whose bytes but the last have their high bit set."""
    while pack[place] & 0x80:
        place += 1
    return place + 1


def _inflate(pack: bytes, place: int, size: int) -> tuple[bytes, int]:
    """The first bytes of a compressed content, and where it ends; fed little by little, as each step may swell."""
    stream, start, length = zlib.decompressobj(), b"", 0
    while not stream.eof:
        fed = pack[place : place + _STEP]
        out = stream.decompress(fed)
        start, length, place = (start + out[:32])[:32], length + len(out), place + len(fed)
        if not fed or length > size:
            raise zlib.error("cut, or longer than declared")
    return start, place - len(stream.unused_data)


def _result(delta: bytes) -> int:
    """The size a delta makes: its second number, 7 bits a byte, the lowest first."""
    place, size, shift = _after(delta, 0), 0, 0
    while True:
        size |= (delta[place] & 0x7F) << shift
        shift += 7
        place += 1
        if not delta[place - 1] & 0x80:
            return size
