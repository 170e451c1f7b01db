"""Read a program's output without letting it hurt the engine.

One non-blocking read a turn of the loop, and none while the token bucket is empty: then the pipe fills up and the
*program* waits in its write. End-of-file says nothing about a program's end (anybody may hold the pipe open), so it is
never waited for: once the program's tree is gone, what the pipe still holds is read, and the pipe is closed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from engine.processes.rings import Bucket

CHUNK = 64 << 10
DRAIN_SECONDS = 0.2


class Intake:
    """The engine's end of one pipe. `write_end` goes to the program and must be closed here once it is there."""

    def __init__(self, sink: Callable[[bytes], None], bucket: Bucket | None = None) -> None:
        self.waited = 0.0  # seconds for which the program's output was left where it is
        self._sink = sink
        self._bucket = bucket
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._open = True
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._on_readable)

    def close_write_end(self) -> None:
        """Forget the program's end: from here on only the program holds it."""
        os.close(self.write_end)

    def finish(self) -> None:
        """The program's tree is gone: read what the pipe still holds, at most 200 ms long, and close it."""
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            while self._open and time.monotonic() < deadline and self._read():
                pass
        finally:
            self.close()

    def close(self) -> None:
        """Read no more. Harmless twice."""
        if not self._open:
            return
        self._open = False
        if self._timer:
            self._timer.cancel()
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)

    def _on_readable(self) -> None:
        self._read()
        if not self._open or self._bucket is None:
            return
        delay = self._bucket.delay(self._loop.time(), CHUNK)
        if delay:
            self.waited += delay
            self._loop.remove_reader(self._read_end)
            self._timer = self._loop.call_later(delay, self._again)

    def _again(self) -> None:
        self._loop.add_reader(self._read_end, self._on_readable)

    def _read(self) -> bool:
        try:
            data = os.read(self._read_end, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        if self._bucket:
            self._bucket.take(len(data), self._loop.time())
        self._sink(data)
        return True
