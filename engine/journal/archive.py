"""A record as one file that stands alone: for an auditor, an issue report or a shelf.

JSON lines: a header with the signers' public keys, the record's lines as they stand, so that their hashes still hold,
and the checkpoints.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.journal import reader
from engine.journal.checkpoints import read_file, read_keys
from engine.journal.files import REAL, Files

VERSION = 1
NOTE = b'{"checkpoint":'


class Header(Struct, frozen=True):
    """The first line: the format's version and the signers' public keys, in base64."""

    quarterdeck_record: int
    keys: list[str]


class NoteLine(Struct, frozen=True):
    """The text of one checkpoint."""

    checkpoint: str


def export(folder: Path, out: Path, *, files: Files = REAL) -> None:
    """Write the record in `folder`, up to its last complete line, to `out`, which appears whole or not at all.

    Raises `JournalDamaged` when a segment is missing. Other damage is written as it is found, for `verify` to tell.
    """
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("wb") as file:
            for piece in _pieces(files, folder):
                file.write(piece)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def keys_in(header: bytes) -> tuple[bytes, ...]:
    """The public keys that the first line of an export names. Raises `ValueError` for anything else."""
    keys = tuple(b64decode(key, validate=True) for key in msgspec.json.decode(header, type=Header).keys)
    if header != _header(keys):
        raise ValueError("no header of an exported record")
    return keys


def note_in(line: bytes) -> str:
    """The checkpoint text of a line that begins with `NOTE`. Raises `ValueError` for anything else."""
    found = msgspec.json.decode(line, type=NoteLine)
    if line != msgspec.json.encode(found):
        raise ValueError("no checkpoint of an exported record")
    return found.checkpoint


def _pieces(files: Files, folder: Path) -> Iterator[bytes]:
    yield _header(read_keys(files, folder)) + b"\n"
    for _, _, lines in reader.read_blocks(folder, files=files):
        yield b"\n".join(lines) + b"\n"
    for checkpoint in read_file(files, folder)[0]:
        yield msgspec.json.encode(NoteLine(checkpoint.note)) + b"\n"


def _header(keys: tuple[bytes, ...]) -> bytes:
    return msgspec.json.encode(Header(VERSION, [b64encode(key).decode() for key in keys]))
