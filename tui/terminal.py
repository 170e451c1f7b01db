"""Textual's driver for a terminal, but one that waits for input instead of asking for it ten times a second.

At rest it costs nothing, and a lone escape is known as one after its delay, not at the next tenth of a second.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from codecs import getincrementaldecoder
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

SHORT, SINCE = 0.02, 0.3
"""Seconds between two looks for an escape that stays alone, and after the last input until there can be none."""
_MOST = 4096


class Bell(threading.Event):
    """An event that can be waited for together with a file."""

    def __init__(self) -> None:
        super().__init__()
        self._heard, self._rope = os.pipe()

    def fileno(self) -> int:
        """What can be read once it was rung."""
        return self._heard

    def set(self) -> None:
        """Ring."""
        super().set()
        os.write(self._rope, b"\0")

    def clear(self) -> None:
        """Be silent again."""
        os.read(self._heard, _MOST)
        super().clear()

    def __del__(self) -> None:
        os.close(self._heard)
        os.close(self._rope)


class Terminal(LinuxDriver):
    """The driver, with an input thread of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  whatever Textual gives its drivers
        super().__init__(*args, **options)
        self.exit_event: Bell = Bell()

    def run_input_thread(self) -> None:
        """Pass on what is typed until told to end, or until nothing can come any more."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        last = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self.exit_event, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(SHORT if time.monotonic() - last < SINCE else None)
                if any(key.fd == self.fileno for key, _ in ready):
                    typed = self._typed()
                    if not typed:
                        return
                    last = time.monotonic()
                    for message in parser.feed(decode(typed)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _typed(self) -> bytes:
        """What can be read; nothing once the terminal is gone."""
        try:
            return os.read(self.fileno, _MOST)
        except OSError:
            return b""
