"""What is said to a program on its standard input, without ever waiting for it.

What it does not read yet waits here, up to a limit; what it will never read is dropped. A program that closes its
standard input, or ends, says so by the pipe alone: that is no error, as its output tells how it went.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import IO

from engine.processes.errors import NotHeard

MOST = 64 << 20
"""Bytes that may wait for a program to read them."""
PORTION = 64 << 10  # a pipe takes no more at once


class Speech:
    """The engine's end of a program's standard input. `program` is its name, for errors."""

    def __init__(self, program: str, most: int = MOST) -> None:
        self._program, self._most = program, most
        self._loop = asyncio.get_running_loop()
        self._unsaid: deque[memoryview] = deque()
        self._waiting = 0  # bytes of it
        self._hushed = False
        read_end, self._end = os.pipe()
        os.set_blocking(self._end, False)
        self.heard: IO[bytes] = os.fdopen(read_end, "rb", buffering=0)
        """The program's end, to be closed here once it is there."""

    def say(self, data: bytes) -> None:
        """Write what the pipe takes; the rest follows when it is read. Dropped after `hush` and when nobody reads.

        Raises NotHeard where it would be too much that waits; then nothing of `data` is written.
        """
        if not data or self._hushed or self._end < 0:
            return
        if self._waiting + len(data) > self._most:
            raise NotHeard(self._program, self._waiting)
        begun = bool(self._unsaid)
        self._unsaid.append(memoryview(bytes(data)))
        self._waiting += len(data)
        if not begun:
            self._write()
            if self._unsaid:
                self._loop.add_writer(self._end, self._write)

    def hush(self) -> None:
        """Nothing more will be said: end-of-file once all is written. Harmless twice."""
        self._hushed = True
        if not self._unsaid:
            self.close()

    def close(self) -> None:
        """The program is gone, or does not listen: forget what it has not read. Harmless twice."""
        self._unsaid.clear()
        self._waiting = 0
        if self._end < 0:
            return
        self._loop.remove_writer(self._end)
        os.close(self._end)
        self._end = -1

    def _write(self) -> None:
        """One portion a turn of the loop: whoever else waits is not kept waiting by who reads fast."""
        try:
            count = os.write(self._end, self._unsaid[0][:PORTION])
        except BlockingIOError:
            return
        except OSError:  # EPIPE: it has closed its end
            self.close()
            return
        self._waiting -= count
        self._unsaid[0] = self._unsaid[0][count:]
        if self._unsaid[0]:
            return
        self._unsaid.popleft()
        if not self._unsaid:
            self._loop.remove_writer(self._end)
            if self._hushed:
                self.close()
