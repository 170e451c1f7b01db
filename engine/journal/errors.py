"""Everything the record can refuse, under one base. Each error names the place and the way out; none is a retry."""

from __future__ import annotations

from pathlib import Path


class JournalError(Exception):
    """Base of all errors of the record."""


class JournalDamaged(JournalError):
    """The record is damaged where it may not be: before its end, or against its own checkpoints."""

    def __init__(self, file: Path, why: str, *, line: int = 0, offset: int = 0) -> None:
        self.file = file
        self.line = line
        self.offset = offset
        self.why = why
        self.way_out = "nothing was changed; see `quarterdeck audit verify`, then restore the file from a copy"
        super().__init__(f"{file}, {f'line {line}, ' if line else ''}byte {offset}: {why} ({self.way_out})")


class OpenFailed(JournalError):
    """The record could not be read or brought in order: a full disk, missing rights."""

    def __init__(self, folder: Path, cause: OSError) -> None:
        self.folder = folder
        self.cause = cause
        super().__init__(f"the record in {folder} cannot be opened: {cause}; mend that, then start again")


class AppendFailed(JournalError):
    """A write or a sync failed once: nothing is appended any more, because what the disk holds is unknown."""

    def __init__(self, folder: Path, cause: BaseException | str) -> None:
        self.folder = folder
        self.cause = cause
        super().__init__(f"the record in {folder} takes nothing more: {cause}; mend the disk, then start again")


class OutOfOrder(JournalError):
    """An event does not carry the next seq."""

    def __init__(self, seq: int, expected: int) -> None:
        self.seq = seq
        self.expected = expected
        super().__init__(f"event {seq} was appended where {expected} is due")


class CheckpointRefused(JournalError):
    """Signing would contradict an earlier checkpoint, or there is no key to sign with."""

    def __init__(self, folder: Path, why: str) -> None:
        self.folder = folder
        self.why = why
        super().__init__(f"no checkpoint of the record in {folder}: {why}")


class AlreadyHeld(JournalError):
    """Another process holds the lock. `pid` is None where the system does not tell."""

    def __init__(self, path: Path, pid: int | None) -> None:
        self.path = path
        self.pid = pid
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{path} is held by {holder}; `quarterdeck down` ends an engine that runs there")
