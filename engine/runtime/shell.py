"""Runs one shell line of the project in a place: a check's or setup's, to its end and within limits.

What it says is kept at both ends, however much it is, and made into text in a thread: neither the engine's memory nor
its loop is at the mercy of a verbose test run.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from engine.core.limits import reached, setting
from engine.core.text import clean_lines
from engine.core.values import Limited, Limits
from engine.processes.errors import KeeperLost
from engine.processes.rings import Ring
from engine.processes.running import Running
from engine.processes.values import Exit, Program
from engine.runtime.body import Body
from engine.runtime.disk import Disk
from engine.runtime.limits import Watch
from engine.runtime.member import Place
from workspaces.ports import Completed

SECONDS = 1800.0
"""The longest it may take."""
KEPT = 512 << 10
"""Bytes that are kept of the beginning of what it says, and of the end."""
RATE = 50_000_000
"""Bytes a second at which it is heard."""

Tell = Callable[[Limited], object]


@dataclass(frozen=True, slots=True)
class Said:
    """How a line ended, all it said (or both ends of that), and the limit that ended it, in words, if one did."""

    done: Completed
    output: str
    over: str = ""


class Ends:
    """The first bytes of what is written and the last ones, `size` of each."""

    def __init__(self, size: int = KEPT) -> None:
        self._first, self._room = bytearray(), size
        self._last = Ring(size)

    def write(self, data: bytes) -> None:
        """More."""
        self._first += data[: self._room]
        rest = data[self._room :]
        self._room -= len(data) - len(rest)
        if rest:
            self._last.write(rest)

    def whole(self) -> bytes:
        """All of it; or both ends, with how much is missing between them."""
        last = self._last.tail()
        missing = self._last.total - len(last)
        gap = b"\n[quarterdeck: %d bytes are left out here]\n" % missing if missing else b""
        return bytes(self._first) + gap + last


async def run_line(
    line: str, *, place: Place, folder: Path, limits: Limits, tell: Tell, env: Mapping[str, str] | None = None
) -> Said:
    """Run it in `folder`, out of time or cancelled to its whole tree's end; `tell` hears of limits that it reaches.

    Raises what a keeper raises: StartFailed, KeeperLost.
    """
    ends, began = Ends(), time.monotonic()
    variables = {**place.env, **(env or {})}
    argv = ("sh", "-c", f"{line}\n")
    program = Program(argv=argv, cwd=folder, env=variables, rate=RATE, nice=limits.nice)
    running = await place.run(program, on_output=ends.write)
    watch = _watch(place, folder, limits, tell)
    watching = asyncio.create_task(watch.run())
    try:
        ended, timed_out = await _end(running, place)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    watch.see_starved()
    done = _completed(ended, place, time.monotonic() - began, timed_out=timed_out)
    output = await asyncio.to_thread(lambda: clean_lines(ends.whole().decode(errors="replace")))
    over = watch.over or (watch.starved if done.code == -signal.SIGKILL else None)
    return Said(done, output, f"{reached(over)} ({setting(over.limit)})" if over is not None else "")


def _watch(place: Place, folder: Path, limits: Limits, tell: Tell) -> Watch:
    """Time is looked after here, and who waits for a test to end is not idle."""
    return Watch(
        replace(limits, time=0.0, freeze_idle=0.0),
        Body(place),
        Disk((folder, *place.scratch), limits.disk),
        tell=tell,
        end=lambda _: place.kill(),
        freeze=lambda: None,
    )


async def _end(running: Running, place: Place) -> tuple[Exit, bool]:
    try:
        return await asyncio.wait_for(running.wait(), SECONDS), False
    except TimeoutError:
        await place.kill()
        return await running.wait(), True
    except asyncio.CancelledError:
        await place.kill()
        raise


def _completed(ended: Exit, place: Place, seconds: float, *, timed_out: bool) -> Completed:
    if ended.code is None and ended.signal is None:
        raise KeeperLost(place.name, "it was lost while a command ran")
    code = ended.code if ended.code is not None else -(ended.signal or 0)
    return Completed(code=code, out=b"", err=b"", seconds=seconds, timed_out=timed_out)
