"""A program in a real terminal: keys go in, bytes come out with their time, and the screen can be looked at.

Waiting is reading: `wait` feeds what the program writes into the screen until a condition holds or the time is up. The
child never stays: leaving the `with` hangs it up, and kills its session if that is not enough.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import pyte

PLAIN_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
KEYS = {
    "enter": b"\r", "escape": b"\x1b", "tab": b"\t", "shift+tab": b"\x1b[Z", "space": b" ", "backspace": b"\x7f",
    "up": b"\x1b[A", "down": b"\x1b[B", "right": b"\x1b[C", "left": b"\x1b[D", "home": b"\x1b[H", "end": b"\x1b[F",
    "pageup": b"\x1b[5~", "pagedown": b"\x1b[6~",
    **{f"ctrl+{chr(letter)}": bytes([letter - 96]) for letter in range(97, 123)},
}  # fmt: skip
_CHUNK = 65536
_GONE = 5.0
# What pyte 0.8 takes for something else, or for text: private keyboard modes and queries (CSI <, =, >), DCS and APC.
_UNKNOWN = re.compile(rb"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]|\x1b\[\?[0-9;]*(?:\$p|u)|\x1b[P_^][^\x1b]*\x1b\\")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[P_^][^\x1b]*\x1b?)?\Z")


class NotSeen(AssertionError):
    """What was waited for did not come; the message has the screen as it was."""


class Cost(NamedTuple):
    """What a stretch of time cost: seconds of the clock and of the processor, and bytes written to the terminal."""

    seconds: float
    cpu: float
    written: int


class Probe:
    """A program in a pty of a size. `env` is added to that of a plain terminal; of ours only PATH and HOME pass."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        self._lines: dict[int, str] = {}
        self.written = 0
        self.times: list[tuple[float, int]] = []
        self.raw = bytearray()
        self._fd, inner = pty.openpty()
        _set_size(inner, columns, rows)
        self.began = time.perf_counter()
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=inner,
                stdout=inner,
                stderr=inner,
                cwd=cwd,
                env={name: os.environ[name] for name in ("PATH", "HOME")} | PLAIN_TERMINAL | dict(env or {}),
                preexec_fn=_take_terminal,  # noqa: PLW1509  two calls into the kernel, nothing that could hold a lock
            )
        except BaseException:
            os.close(self._fd)
            raise
        finally:
            os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    # Looking.

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def lines(self) -> list[str]:
        """The screen, without blanks at the ends of lines; those that have not changed are not made again."""
        for y in self.screen.dirty:
            row = self.screen.buffer[y]
            self._lines[y] = "".join(row[x].data for x in range(self.screen.columns)).rstrip()
        self.screen.dirty.clear()
        return [self._lines[y] for y in range(self.screen.lines)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def cell(self, x: int, y: int) -> str:
        """What stands in one cell; the second cell of a wide character is empty."""
        return self.screen.buffer[y][x].data

    def wait(self, seen: str | Callable[[Probe], bool], seconds: float = 10.0) -> float:
        """Read until a text is on the screen, or a condition holds. Returns the seconds since the start."""
        deadline = time.perf_counter() + seconds
        holds = (lambda probe: seen in probe.text) if isinstance(seen, str) else seen
        while not holds(self):
            left = deadline - time.perf_counter()
            if left <= 0 or not self.read(left):
                raise NotSeen(f"{seen!r} is not to be seen after {seconds} s; the screen:\n{self.text}")
        return time.perf_counter() - self.began

    def read(self, seconds: float) -> bool:
        """Take what comes next. False: nothing came in that time, or the program has closed its terminal."""
        if self._fd < 0 or not select.select([self._fd], [], [], max(seconds, 0))[0]:
            return False
        try:
            chunk = os.read(self._fd, _CHUNK)
        except OSError:  # Linux says EIO when the last one has closed the other end
            return False
        self.times.append((time.perf_counter(), len(chunk)))
        self.written += len(chunk)
        self.raw += chunk
        self._feed(chunk)
        return bool(chunk)

    def _feed(self, chunk: bytes) -> None:
        known = _UNKNOWN.sub(b"", self._held + chunk)
        unfinished = _UNFINISHED.search(known)
        end = unfinished.start() if unfinished else len(known)
        self._held = known[end:]
        self._stream.feed(known[:end])

    def settle(self, quiet: float = 0.1, seconds: float = 10.0) -> None:
        """Read until nothing has come for so long."""
        deadline = time.perf_counter() + seconds
        while self.read(quiet):
            if time.perf_counter() > deadline:
                raise NotSeen(f"it still writes after {seconds} s; the screen:\n{self.text}")

    # Steering.

    def press(self, *keys: str) -> None:
        """Press keys: names as in KEYS, or single characters."""
        for key in keys:
            self.send(KEYS.get(key) or key.encode())

    def send(self, data: bytes) -> None:
        """Write to the terminal as if typed."""
        while data:
            data = data[os.write(self._fd, data) :]

    def click(self, x: int, y: int) -> None:
        """Press and let go the left button at a cell, from 0 on (SGR mouse reports)."""
        self.send(f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m".encode())

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size; the program is told by SIGWINCH."""
        self.screen.resize(rows, columns)
        _set_size(self._fd, columns, rows)

    # Measuring.

    def latency(self, key: str, seconds: float = 5.0) -> float:
        """Seconds from a key to the first byte after it. What was on its way is read before."""
        while self.read(0):
            pass
        began, count = time.perf_counter(), len(self.times)
        self.press(key)
        if not self.read(seconds):
            raise NotSeen(f"nothing came after {key!r} in {seconds} s; the screen:\n{self.text}")
        return self.times[count][0] - began

    def cost(self, seconds: float) -> Cost:
        """Read for so long and tell what it cost."""
        began, cpu, written = time.perf_counter(), self.cpu, self.written
        while (left := began + seconds - time.perf_counter()) > 0:
            self.read(left)
        return Cost(time.perf_counter() - began, self.cpu - cpu, self.written - written)

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, of all threads (proc_pid_stat(5): utime and stime)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident(self) -> int:
        """Bytes of memory in use (proc_pid_statm(5))."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # Ending.

    def returned(self, seconds: float = 10.0) -> int:
        """Read until the program has ended of itself; its exit status."""
        deadline = time.perf_counter() + seconds
        while (status := self._child.poll()) is None:
            if time.perf_counter() > deadline:
                raise NotSeen(f"it has not ended after {seconds} s; the screen:\n{self.text}")
            if not self.read(0.05):
                self._wait_little()
        while self.read(0):
            pass
        return status

    def _wait_little(self) -> None:
        try:
            self._child.wait(0.05)
        except subprocess.TimeoutExpired:
            pass

    def end(self) -> None:
        """Hang up; kill what does not go. Harmless when it has ended."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._signal(signal.SIGHUP)
        try:
            self._child.wait(_GONE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._child.poll() is None:
            os.killpg(self._child.pid, number)


def python(program: str | Path) -> list[str]:
    """How to run a script, or a text of one, with this Python."""
    return [sys.executable, str(program)] if isinstance(program, Path) else [sys.executable, "-c", program]


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
