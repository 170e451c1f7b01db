"""What is wrong with a file that an agent or a person left; each error is one sentence when shown."""

from __future__ import annotations


class MessageError(Exception):
    """Base of this package's errors."""


class Refused(MessageError):
    """Something from outside is not taken. `reason` says why, `field` where (dotted; empty: the whole of it)."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason, field)
        self.reason = reason
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class DraftRefused(Refused):
    """A draft in an outbox is not valid, or not its sender's to send."""


class ResultRefused(Refused):
    """A `result.json` is not valid."""


class MessageDamaged(Refused):
    """Bytes that should be a stamped message are none."""


class Unreadable(MessageError):
    """A directory entry is no plain file of acceptable size."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TaskFileRefused(MessageError):
    """A file in `tasks/` is no task. `line` counts from 1 (None: not known), `field` may be empty."""

    def __init__(self, file: str, line: int | None, field: str, reason: str) -> None:
        super().__init__(file, line, field, reason)
        self.file = file
        self.line = line
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        field = f'field "{self.field}"' if self.field else ""
        return ": ".join(part for part in (where, field, self.reason) if part)
