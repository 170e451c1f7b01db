"""Bounded places for output that may be endless: a ring of bytes, lines, a capped file, a token bucket.

No I/O but the file's, no clock but the one handed in.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from engine.core.text import clean

RING_BYTES = 1 << 20
LOG_BYTES = 64 << 20
LINE_BYTES = 8 << 10
RATE = 2_000_000
BURST = 4
"""Seconds' worth of the rate that may come at once."""


class Ring:
    """The last `size` bytes of what was written to it."""

    def __init__(self, size: int = RING_BYTES) -> None:
        self._size = size
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self.total = 0

    def write(self, data: bytes) -> None:
        """Add at the end; whole chunks fall out at the front, and `tail` cuts the last bit."""
        self._chunks.append(data[-self._size :])
        self._held += len(self._chunks[-1])
        self.total += len(data)
        while self._held - len(self._chunks[0]) >= self._size:
            self._held -= len(self._chunks.popleft())
        if len(self._chunks) > 256:  # many tiny writes: an object each would cost more than its bytes
            self._chunks = deque((b"".join(self._chunks),))

    def tail(self) -> bytes:
        """What is held, oldest first."""
        return b"".join(self._chunks)[-self._size :]


class Lines:
    """Bytes in any portions to clean lines of at most `limit` bytes; the rest of a longer line is counted, not kept.

    Cut at newlines before decoding (a newline is never part of another character in UTF-8), so that neither a
    character nor an escape sequence is seen in halves, however the bytes arrive.
    """

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self._limit = limit
        self._partial = bytearray()
        self.cut = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *ended, rest = data.split(b"\n")
        lines = []
        for part in ended:
            self._keep(part)
            lines.append(self._take())
        self._keep(rest)
        return lines

    def close(self) -> list[str]:
        """The last line, if the output did not end with a newline."""
        return [self._take()] if self._partial else []

    def _keep(self, part: bytes) -> None:
        room = self._limit - len(self._partial)
        self._partial += part[:room]
        self.cut += max(0, len(part) - room)

    def _take(self) -> str:
        line = clean(self._partial.decode("utf-8", "replace"))
        self._partial.clear()
        return line


class LogFile:
    """A file that takes output up to a cap, then one line that says so, then nothing: it is `full`."""

    def __init__(self, path: Path, cap: int = LOG_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._room = cap - self._file.tell()
        self._cap = cap
        self.full = self._room <= 0

    def write(self, data: bytes) -> None:
        """Append what still fits. A full disk ends the log, not the engine: the ring goes on."""
        if self._room <= 0:
            return
        try:
            self._file.write(data[: self._room])
            self._room -= len(data)
            if self._room <= 0:
                self.full = True
                self._file.write(b"\n[quarterdeck: log ends here, %d bytes is its limit]\n" % self._cap)
        except OSError:
            self._room = 0

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class Bucket:
    """How many bytes may be read: `rate` a second on average, `burst` at once, else 4 s of it. Times are seconds."""

    def __init__(self, rate: float = RATE, burst: float = 0.0) -> None:
        self._rate, self._burst = rate, burst or rate * BURST
        self._tokens = self._burst
        self._at: float | None = None

    def take(self, count: int, now: float) -> None:
        """Account for `count` bytes that were read."""
        self._fill(now)
        self._tokens -= count

    def delay(self, now: float, portion: int) -> float:
        """Seconds until `portion` bytes may be read again; 0 while any are left."""
        self._fill(now)
        return 0.0 if self._tokens > 0 else (portion - self._tokens) / self._rate

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
