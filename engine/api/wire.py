"""A client's end of the socket, without asyncio: frames out, frames in, and whether the engine is alive.

While a frame is awaited and nothing comes, the engine is asked for a sign of life. So nothing has a time limit of its
own, however long the engine works on it, and yet nobody waits for an engine that hangs.
"""

from __future__ import annotations

import socket
from pathlib import Path

from engine.api import frames
from engine.api.errors import EngineGone, NoEngine
from engine.api.lines import Lines

SILENCE = 5.0
"""Seconds without a byte after which the engine is asked."""
PATIENCE = 5.0
"""Seconds in which it must answer then."""
_CHUNK = 256 * 1024


class Wire:
    """A greeted connection. `engine` is what it said of itself."""

    def __init__(self, path: Path, *, any_version: bool = False) -> None:
        """Connect and greet. Raises NoEngine, EngineGone and, unless `any_version`, WrongVersion."""
        self._lines = Lines()
        self._socket = _connected(path)
        try:
            self.send(frames.HELLO)
            self.engine = frames.greeted(self.receive(), any_version=any_version)
        except BaseException:
            self._socket.close()
            raise

    def send(self, frame: frames.Asked) -> None:
        """Send a frame. Raises CallRefused for one that is too large, EngineGone."""
        data = frames.sendable(frame)
        self._socket.settimeout(SILENCE + PATIENCE)
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise EngineGone("the engine hangs: it takes nothing in", hung=True) from None
        except OSError:
            self._last_words()
            raise EngineGone("the engine is gone") from None

    def receive(self) -> frames.Answered:
        """The next frame that is no sign of life. Raises EngineGone, BadFrame."""
        while isinstance(frame := frames.meant(self._line()), frames.Pong):
            pass
        return frame

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _line(self) -> bytes:
        while (line := self._lines.take()) is None:
            self._lines.feed(self._chunk())
        return line

    def _chunk(self) -> bytes:
        self._socket.settimeout(SILENCE)
        try:
            chunk = self._socket.recv(_CHUNK)
        except TimeoutError:
            chunk = self._asked()
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EngineGone("the engine is gone: it closed the connection without a word")
        return chunk

    def _asked(self) -> bytes:
        self.send(frames.Ping())
        self._socket.settimeout(PATIENCE)
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError:
            reason = f"the engine hangs: no sign of life for {SILENCE + PATIENCE:.0f} s"
            raise EngineGone(reason, hung=True) from None
        except ConnectionError:
            return b""

    def _last_words(self) -> None:
        """Why the engine closed, if it said so: what it sent can still be read. Raises BadFrame or EngineGone."""
        while True:
            self.receive()


def _connected(path: Path) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(PATIENCE)
    try:
        opened.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        opened.close()
        raise NoEngine(path) from None
    except (TimeoutError, BlockingIOError):
        opened.close()
        raise EngineGone("the engine hangs: it lets nobody in", hung=True) from None
    except BaseException:
        opened.close()
        raise
    return opened
