"""A program inside tmux, on a server of its own that ends with the test."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from support.pty_probe import NotSeen

_POLL = threading.Event()


def has_tmux() -> bool:
    return shutil.which("tmux") is not None


class Tmux:
    """One window of a size with one program in it. Keys are tmux's names: `Enter`, `Escape`, `C-c`, `j`."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="qdtmux")
        self._env = {name: os.environ[name] for name in ("PATH", "HOME")} | {
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        self._env |= {"TMUX_TMPDIR": self._folder.name, **(env or {})}
        self._cwd = cwd
        size = ["-x", str(columns), "-y", str(rows)]
        # The window stays when its program ends: what it said last can still be read.
        options = "set -g remain-on-exit on ; set -g status off ; set -g default-terminal tmux-256color"
        self.run(*options.split(), ";", "new-session", "-d", *size, shlex.join(argv))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def run(self, *words: str) -> str:
        """A command of tmux; what it printed."""
        done = subprocess.run(
            ["tmux", "-L", "probe", "-f", "/dev/null", *words],
            env=self._env, cwd=self._cwd, capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"tmux {shlex.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def send(self, *keys: str) -> None:
        """Press keys."""
        self.run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text, letter by letter as it is."""
        self.run("send-keys", "-l", text)

    @property
    def text(self) -> str:
        """What the window shows."""
        return self.run("capture-pane", "-p")

    @property
    def styled(self) -> str:
        """What the window shows, with escape sequences for its looks."""
        return self.run("capture-pane", "-p", "-e")

    @property
    def ended(self) -> int | None:
        """The exit status of the program once it has ended."""
        dead, _, status = self.run("list-panes", "-F", "#{pane_dead} #{pane_dead_status}").strip().partition(" ")
        return int(status or 0) if dead == "1" else None

    def resize(self, columns: int, rows: int) -> None:
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, seen: str | Callable[[str], bool], seconds: float = 15.0) -> str:
        """Look until a text is shown, or a condition on the text holds; the text that did it."""
        deadline = time.monotonic() + seconds
        holds = (lambda text: seen in text) if isinstance(seen, str) else seen
        while not holds(text := self.text):
            if time.monotonic() > deadline:
                raise NotSeen(f"{seen!r} is not to be seen after {seconds} s; tmux shows:\n{text}")
            _POLL.wait(0.03)
        return text

    def wait_end(self, seconds: float = 15.0) -> int:
        """Look until the program has ended; its exit status."""
        self.wait(lambda _: self.ended is not None, seconds)
        status = self.ended
        assert status is not None
        return status

    def end(self) -> None:
        """End the server and all in it; come back when it has gone."""
        server = os.pidfd_open(int(self.run("display-message", "-p", "#{pid}")))
        try:
            self.run("kill-server")
            select.select([server], [], [], 10)
        finally:
            os.close(server)
            self._folder.cleanup()
