"""What goes into a keeper and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.processes.rings import LOG_BYTES, RATE

Held = Literal["output", "log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program to run. `env` is its whole environment, `log` a file that gets its output up to a cap.

    `nice` is added to the niceness of its keeper. It is read at `rate` bytes a second, four times that in a burst;
    `held` is called once when that has cost it a second, and once when its log is full. Where it `talks`, its stdin
    is what is said to it, and its stdout goes to who listens and nowhere else; log and tail are of its stderr.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path | None = None
    log_bytes: int = LOG_BYTES
    rate: int = RATE
    held: Callable[[Held], None] | None = None
    nice: int = 0
    talks: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: a code or a signal (neither: its keeper was lost, nobody knows).

    `leftovers` counts the processes that it left behind and that were killed, `seconds` is its life on the wall clock.
    """

    code: int | None
    signal: int | None
    leftovers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """How many processes are paused; `awake` counts those that would not stop within half a second."""

    processes: int
    awake: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a program's whole tree uses: `rss` in bytes (shared memory counted for each), `ticks` of the processor.

    Each thread is a process here, as it is where the kernel limits them.
    """

    processes: int
    rss: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Survivor:
    """A process that SIGKILL did not end: its state (D: waits in the kernel) and what it waits for."""

    pid: int
    state: str
    wchan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a kill achieved. `gone` is True only on the kernel's word; `text` says which, for a person."""

    gone: bool
    processes: int
    ms: float
    text: str
    survivors: tuple[Survivor, ...] = ()
