"""What this room asks of the one above it, as protocols, so that it need not know it.

Whatever runs inside an agent's tree (git included) may run that agent's code: hooks, filters, fsmonitor. So this room
never starts such a command itself: it is handed an `Inside`, which runs it confined and under a keeper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended. `code` is its exit status, or minus the signal; `timed_out` when we ended it."""

    code: int
    out: bytes
    err: bytes
    seconds: float = 0.0
    timed_out: bool = False


class Inside(Protocol):
    """Runs one command inside a tree, confined, and ends whatever it started."""

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,  # noqa: ASYNC109  the runner ends the whole tree, which cancellation does not
        limit: int = 64 * 1024 * 1024,
    ) -> Completed:
        """`env` is added to the runner's own allow-listed environment; output over `limit` bytes is an error."""
        ...
