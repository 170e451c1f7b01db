"""Programs that print without end, each in the way that is dearest for somebody, and what a loop suffers from them."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Self

_ENDLESS = "import os\ndata = {data}\nwhile True:\n    os.write(1, data)\n"
FLOODS = {
    "stdout-flood": "b'an ordinary line of output, as long as they are\\n' * 1300",
    "short-lines": "b'\\n' * 65536",
    "no-newline-flood": "b'x' * 65536",
    "junk-flood": "('\\x1b[31mred\\x1b]0;title\\x07\\u202e\\u2066\\r\\x00\\x9b2J'.encode() + b'\\xff\\xfe\\xc3\\n') * 1500",
    "open-sequence-flood": "b'\\x1b]52;c;' + b'QUJD' * 16000 + b'\\x1bP' * 200",
}
"""Kinds with an expression of Python for the bytes that they repeat."""


def flooder(kind: str, megabytes: int | None = None) -> tuple[str, ...]:
    """The argv of one of these kinds; it ends after so many megabytes."""
    code = _ENDLESS.format(data=FLOODS[kind])
    if megabytes is not None:
        code = code.replace("while True:", f"for _ in range(({megabytes} << 20) // len(data)):")
    return sys.executable, "-I", "-S", "-c", code


class Lags:
    """How late a loop is for a timer of 5 ms, while it is entered."""

    async def __aenter__(self) -> Self:
        self.seen: list[float] = []
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        self.seen.sort()

    async def _measure(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.seen.append(time.perf_counter() - before - 0.005)

    def at(self, part: float) -> float:
        """Milliseconds that this part of the lags did not exceed."""
        return self.seen[min(int(len(self.seen) * part), len(self.seen) - 1)] * 1000


def forget_peak() -> None:
    """What `peak` says from now on is the most since now (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The most memory that this process had, in MB."""
    return _status("VmHWM")


def resident() -> float:
    """The memory it has."""
    return _status("VmRSS")


def resident_of(pid: int) -> float:
    """The memory that another process has."""
    return _status("VmRSS", pid)


def _status(name: str, pid: int | str = "self") -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
