"""The file of open holds: what may have been billed although the engine died before it could be booked.

A line is appended before a request is sent and another when it is settled or released, so that reading the file gives
what was open at any moment. Lines go to the kernel before they count, and not to the disk: a killed engine loses none,
a power failure may lose the last ones. It is no ledger: what was spent stands in the engine's record.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.gateway.errors import GatewayError
from engine.gateway.llm.values import Hold

LONG = 1 << 20
"""Bytes; a longer file is written anew with the open holds only, if those are the smaller part of it."""
_HOLD = msgspec.json.Decoder(Hold)


class SpoolBroken(GatewayError):
    """A hold could not be written down, so that its request must not be sent."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: a reservation could not be written ({why}); make room there, then try again")
        self.path, self.why = path, why


class Spool:
    """Appends to one file, which is made (0600) where it is missing. One engine at a time; not for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        data = _all(self._file)
        self._open = open_holds(data)
        self._size = data.rfind(b"\n") + 1
        os.ftruncate(self._file, self._size)  # half a line of one that was killed would spoil the next

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What is open, the oldest first; right after the start: what the engine before left open."""
        return tuple(self._open.values())

    def reserve(self, hold: Hold) -> None:
        """Note it. Raises SpoolBroken, and then nothing was noted."""
        self._append(b"+" + msgspec.json.encode(hold) + b"\n")
        self._open[hold.id] = hold

    def close(self, hold: str) -> None:
        """It was settled or released. Harmless for one that is not open. A full disk keeps it open in the file only."""
        if self._open.pop(hold, None) is None:
            return
        try:
            self._append(b"-" + hold.encode() + b"\n")
            self._shorten()
        except SpoolBroken:
            pass  # at worst it is asked about after a crash; the record knows that it was booked

    def end(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _append(self, line: bytes) -> None:
        try:
            written = os.pwrite(self._file, line, self._size)
        except OSError as error:
            raise SpoolBroken(self._path, os.strerror(error.errno or 0).lower()) from None
        if written < len(line):
            os.ftruncate(self._file, self._size)
            raise SpoolBroken(self._path, "the disk is full")
        self._size += written

    def _shorten(self) -> None:
        if self._size < LONG:
            return
        lines = b"".join(b"+" + msgspec.json.encode(hold) + b"\n" for hold in self._open.values())
        if len(lines) > self._size / 2:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            fresh.write_bytes(lines)
            fresh.chmod(0o600)
            fresh.replace(self._path)
            file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise SpoolBroken(self._path, os.strerror(error.errno or 0).lower()) from None
        os.close(self._file)
        self._file, self._size = file, len(lines)


def open_holds(data: bytes) -> dict[str, Hold]:
    """What those lines leave open, by id. A last line without its end was never valid; one that makes no sense is no
    hold: the file is the engine's own, and a damaged line must not keep a run from going on.
    """
    found: dict[str, Hold] = {}
    for line in data.split(b"\n")[:-1]:
        if line.startswith(b"-"):
            found.pop(line[1:].decode(errors="replace"), None)
        elif line.startswith(b"+"):
            try:
                hold = _HOLD.decode(line[1:])
            except msgspec.DecodeError:
                continue
            found[hold.id] = hold
    return found


def _all(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)
