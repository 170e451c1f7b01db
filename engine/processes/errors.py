"""What can go wrong between the engine and a process, as types with fields."""

from __future__ import annotations

import os
from pathlib import Path


class ProcessError(Exception):
    """Base of everything this package raises."""


class ProgramMissing(ProcessError):
    """The program does not exist, or cannot be executed."""

    def __init__(self, program: str, looked: str, reason: str = "not found") -> None:
        super().__init__(f"{program}: {reason} (looked in {looked}); install it, or give its full path")
        self.program, self.looked, self.reason = program, looked, reason


class StartFailed(ProcessError):
    """The program is there but could not be started."""

    def __init__(self, program: str, folder: Path, what: str, number: int) -> None:
        about = f"its folder {folder}" if what == "folder" else "the program"
        super().__init__(f"{program} could not be started: {about}: {os.strerror(number)}")
        self.program, self.folder, self.what, self.number = program, folder, what, number


class Busy(ProcessError):
    """A keeper runs one program at a time, and none while it is paused."""

    def __init__(self, keeper: str, why: str) -> None:
        super().__init__(f"keeper {keeper}: {why}; wait for it, or kill it first")
        self.keeper, self.why = keeper, why


class KeeperLost(ProcessError):
    """The keeper process is gone or does not answer; start another one."""

    def __init__(self, keeper: str, why: str) -> None:
        super().__init__(f"keeper {keeper}: {why}; start another one")
        self.keeper, self.why = keeper, why


class Interrupted(ProcessError):
    """A kill came before the program was started, so it was not started."""

    def __init__(self, keeper: str, program: str) -> None:
        super().__init__(f"keeper {keeper}: {program} was not started, because a kill came first")
        self.keeper, self.program = keeper, program


class NotHeard(ProcessError):
    """More waits for a program to read it than is kept, or it was started without anybody to talk to it."""

    def __init__(self, program: str, waiting: int | None) -> None:
        why = "it was not started to be talked to"
        if waiting is not None:
            why = f"{waiting} bytes wait already, which it does not read; end it"
        super().__init__(f"{program} can not be told anything: {why}")
        self.program, self.waiting = program, waiting


class OutputTooLarge(ProcessError):
    """A command wrote more than its caller takes; it was killed."""

    def __init__(self, program: str, limit: int) -> None:
        super().__init__(f"{program} wrote more than {limit} bytes and was killed; narrow what it prints")
        self.program, self.limit = program, limit


class NameRefused(ProcessError):
    """The name of a keeper becomes a file name, and this one cannot."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} cannot name a keeper: letters, digits, '.', '_' and '-', not starting with '.'")
        self.name = name


class NotConfined(ProcessError):
    """A cell could not be put in force, so nothing was started."""

    def __init__(self, keeper: str, tier: str, reason: str) -> None:
        super().__init__(f"keeper {keeper} runs nothing, because that could not be confined: {reason} (tier {tier})")
        self.keeper, self.tier, self.reason = keeper, tier, reason


class NotCleared(ProcessError):
    """Scratch folders could not be emptied."""

    def __init__(self, keeper: str, reason: str) -> None:
        super().__init__(f"keeper {keeper}: its scratch folders could not be emptied: {reason}")
        self.keeper, self.reason = keeper, reason
