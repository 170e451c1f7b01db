"""The oracle of a kill: a named pipe whose end-of-file is the kernel saying that the last holder is gone.

Nothing of the code under test takes part in it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

NASTY = Path(__file__).with_name("nasty.py")


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    """Until it is true; TimeoutError when it is not within so many seconds."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)


class Oracle:
    """Reads a pipe that a nasty family holds; `async with` it, in the loop of the test."""

    def __init__(self, folder: Path, name: str = "oracle") -> None:
        self.path = folder / f"{name}.fifo"
        os.mkfifo(self.path)
        self._handle = -1
        self.text = b""
        self.ended_at = 0.0
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()

    def argv(self, kind: str, *more: str) -> tuple[str, ...]:
        return sys.executable, "-I", "-S", str(NASTY), kind, str(self.path), *more

    async def __aenter__(self) -> Self:
        self._handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._handle, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def ready(self, within: float = 15.0) -> None:
        await asyncio.wait_for(self._ready.wait(), within)

    async def gone(self, since: float, within: float) -> float:
        """Seconds from `since` (monotonic) to the end of the family; fails after `within` seconds."""
        await asyncio.wait_for(self._ended.wait(), within)
        return self.ended_at - since

    @property
    def holders(self) -> bool:
        return not self._ended.is_set()

    def _read(self) -> None:
        data = os.read(self._handle, 65536)
        if not data:
            self.ended_at = time.monotonic()
            self._ended.set()
            self._close()
            return
        self.text += data
        if b"ready\n" in self.text:
            self._ready.set()

    def _close(self) -> None:
        if self._handle >= 0:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = -1
