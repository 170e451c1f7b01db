"""Every error in words, with the contract's exit code. Loaded only when there is one.

Expected errors say what is wrong and the way out in their own words; anything else is a defect and is called one.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.calls import CallRefused
from engine.api.errors import ApiError
from engine.api.refusals import (
    BadAmount,
    ConfigError,
    JournalDamaged,
    JournalError,
    MessageError,
    ProcessError,
    UnsafeFolder,
    WorkspaceError,
)
from engine.core.events import UnknownKind
from tui.cells import plain_lines
from tui.commands.errors import CommandError
from tui.grammar import UsageError
from tui.samples import SampleError

FAILED, USAGE, REFUSED = 1, 2, 5

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (JournalDamaged, REFUSED),
    (JournalError, FAILED),
    (UnsafeFolder, REFUSED),
    (WorkspaceError, USAGE),
    (ConfigError, USAGE),
    (BadAmount, USAGE),
    (MessageError, USAGE),
    (UsageError, USAGE),
    (SampleError, USAGE),
    (ProcessError, FAILED),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What to print after `quarterdeck: `, and the exit code. `unexpected`: it is a defect of ours."""

    text: str
    code: int
    unexpected: bool = False


def told(error: Exception) -> Told:
    """Put an error into words."""
    if isinstance(error, CallRefused):
        return Told(_plain(error.reason), error.exit_code)
    if isinstance(error, CommandError | ApiError):
        return Told(_plain(str(error)), error.exit_code if isinstance(error, CommandError) else _api(error))
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Told(_plain(str(error)), code)
    if isinstance(error, UnknownKind):
        return Told(_plain(str(error)), USAGE)
    if isinstance(error, OSError) and error.filename is not None:
        return Told(_plain(f"{error.filename}: {error.strerror}"), FAILED)
    kind_name = type(error).__name__
    return Told(
        f"a defect: {kind_name}: {_plain(str(error))} (QUARTERDECK_DEBUG=1 shows where)", FAILED, unexpected=True
    )


def _api(error: ApiError) -> int:
    from engine.api.errors import NoEngine, UnsafeSocket, WrongVersion  # noqa: PLC0415

    return REFUSED if isinstance(error, UnsafeSocket) else USAGE if isinstance(error, NoEngine | WrongVersion) else 1


def _plain(text: str) -> str:
    return "\n".join(plain_lines(text))
