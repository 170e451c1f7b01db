"""What a command itself refuses, before or besides what the engine refuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class CommandError(Exception):
    """Base of what a command refuses. `exit_code` is the contract's."""

    exit_code = 2


class NoRecord(CommandError):
    """There is nothing to read yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            f"{root}: nothing was recorded here yet; start with `quarterdeck run`, or see `quarterdeck demo`"
        )


class NothingRuns(CommandError):
    """What was asked for needs a running engine, and starting one would not help."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"no engine runs here, so there is nothing to {what}; `quarterdeck run --resume` goes on")


class CannotRead(CommandError):
    """A file that was named cannot be read."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name}: {why}")


class NotEmpty(CommandError):
    """The demo wants a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty; name a new folder with --keep, or leave it out")


class NotReady(CommandError):
    """A demo with a real agent can not start here."""

    def __init__(self, agent: str, lacks: Sequence[str]) -> None:
        self.agent, self.lacks = agent, tuple(lacks)
        super().__init__(f"a demo with {agent} can not start: {'; '.join(lacks)}")


class Declined(CommandError):
    """The person who was asked does not want it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("nothing was started")


class NoSuchAgent(CommandError):
    """The record knows no such agent."""

    def __init__(self, agent: str, known: list[str]) -> None:
        self.agent, self.known = agent, known
        super().__init__(f'no agent "{agent}": there is {", ".join(known)}')


class NoSuchTask(CommandError):
    """The record knows no such task."""

    def __init__(self, task: str, known: list[str]) -> None:
        self.task, self.known = task, known
        there = f"there are {', '.join(known[:12])}" if known else "there are none yet"
        super().__init__(f'no task "{task}" is in the record; {there}')


class NoSuchSchema(CommandError):
    """There is no schema of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(f'there is no schema "{name}"; there are {", ".join(known)}')


class RunDied(CommandError):
    """The engine went while its run was followed."""

    exit_code = 1


class StillThere(CommandError):
    """The engine was asked to end and did not."""

    exit_code = 1

    def __init__(self, pid: int, seconds: float) -> None:
        self.pid, self.seconds = pid, seconds
        super().__init__(
            f"the engine (process {pid}) has not ended after {seconds:.0f} s; `quarterdeck kill --all` ends agents"
        )
