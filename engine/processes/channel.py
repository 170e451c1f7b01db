"""The engine's end of a control socket: requests go out at once, answers come back in order.

Nothing here waits for a keeper before writing: a kill must be on its way before anything else is thought about.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from engine.processes import wire

_QUESTION = {
    b"started": b"run",
    b"failed": b"run",
    b"killed": b"kill",
    b"termed": b"term",
    b"frozen": b"pause",
    b"resumed": b"resume",
    b"measured": b"measure",
}
_ANSWERED_AS = {b"clear": b"run"}  # both set something off
Answer = list[bytes]


class Channel:
    """`on_frame` gets what answers no question, `on_end` is called once when the keeper is gone."""

    def __init__(self, end: socket.socket, on_frame: Callable[[Answer], None], on_end: Callable[[], None]) -> None:
        self._socket = end
        self._on_frame, self._on_end = on_frame, on_end
        self._loop = asyncio.get_running_loop()
        self._unpacker = wire.Unpacker()
        self._waiting: defaultdict[bytes, deque[asyncio.Future[Answer]]] = defaultdict(deque)
        self._unsent = bytearray()
        self._loop.add_reader(end, self._on_readable)

    @property
    def open(self) -> bool:
        """Whether the keeper may still answer."""
        return self._socket.fileno() >= 0

    def expect(self, verb: bytes) -> asyncio.Future[Answer]:
        """The next answer to `verb`; cancelled when the keeper is gone first."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        if self.open:
            self._waiting[verb].append(future)
        else:
            future.cancel()
        return future

    def ask(self, *fields: bytes, descriptors: Sequence[int] = ()) -> asyncio.Future[Answer]:
        """Send a request, with descriptors where it needs them, and give back its answer to come.

        Raises BlockingIOError when descriptors cannot be sent because the keeper does not read.
        """
        frame = wire.pack(*fields)
        if self.open:
            self._send(frame, descriptors)
        return self.expect(_ANSWERED_AS.get(fields[0], fields[0]))

    def drain(self) -> None:
        """Hear at once what has arrived already, for the last time."""
        data = b"-"
        while data and self.open:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            for frame in self._unpacker.feed(data):
                self._dispatch(frame, at_once=True)

    def close(self) -> None:
        """Hang up: the keeper then kills what it runs, and exits. Harmless twice."""
        if not self.open:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for queue in self._waiting.values():
            for future in queue:
                future.cancel()

    def _send(self, frame: bytes, descriptors: Sequence[int]) -> None:
        if descriptors and self._unsent:
            raise BlockingIOError("an earlier request is still on its way")
        try:
            if descriptors:
                sent = socket.send_fds(self._socket, [frame], descriptors)
            else:
                sent = 0 if self._unsent else self._socket.send(frame)
        except BlockingIOError:
            if descriptors:
                raise
            sent = 0
        except OSError:
            return  # it is gone: the reader will say so
        if sent < len(frame):
            self._unsent += frame[sent:]
            self._loop.add_writer(self._socket, self._on_writable)

    def _on_writable(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _on_readable(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._on_end()
            return
        for frame in self._unpacker.feed(data):
            self._dispatch(frame)

    def _dispatch(self, frame: Answer, *, at_once: bool = False) -> None:
        question = _QUESTION.get(frame[0])
        if question is None and at_once:
            self._on_frame(frame)
        elif question is None:
            self._loop.call_soon(self._on_frame, frame)  # before whoever waits for a later answer is woken
        elif queue := self._waiting[question or b""]:
            future = queue.popleft()
            if not future.done():
                future.set_result(frame)
