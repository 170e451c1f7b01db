"""An agent's way out in a loop of its own, as blocking clients see it, and small servers to reach through it."""

from __future__ import annotations

import asyncio
import http.server
import socket
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from engine.gateway.call import Asked
from engine.gateway.dial import Dialler
from engine.gateway.exit import Exit

T = TypeVar("T")
SECONDS = 10.0


class WayOut:
    """An `Exit` that serves 127.0.0.1:`port`. `entries` may change at any time; `asked` is what was told."""

    def __init__(self, entries: Collection[str], token: str = "", dialler: Callable[[], Dialler] = Dialler) -> None:
        self.entries: set[str] = set(entries)
        self.asked: list[Asked] = []
        self._told = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.exit = self.do(self._open(token, dialler))

    async def _open(self, token: str, dialler: Callable[[], Dialler]) -> Exit:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        way = Exit("builder", lambda: self.entries, self._tell, dialler=dialler())
        await way.serve(listener, token)
        return way

    def _tell(self, asked: Asked) -> None:
        with self._told:
            self.asked.append(asked)
            self._told.notify_all()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    def told(self, count: int) -> list[Asked]:
        """What was told, once it is that many."""
        with self._told:
            assert self._told.wait_for(lambda: len(self.asked) >= count, SECONDS), self.asked
            return list(self.asked)

    def connect(self) -> socket.socket:
        """A client's connection."""
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def say(self, data: bytes) -> bytes:
        """Send this and no more; everything that is answered."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return everything(client)

    def tasks(self) -> int:
        """Tasks of the loop."""

        async def count() -> int:
            return len(asyncio.all_tasks()) - 1

        return self.do(count())

    def end(self) -> None:
        """Close it; no task may be left."""
        self.do(self.exit.close())
        left = self.tasks()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()
        assert left == 0


@contextmanager
def way_out(*entries: str, **options: Any) -> Iterator[WayOut]:
    """One that allows these entries."""
    way = WayOut(entries, **options)
    try:
        yield way
    finally:
        way.end()


def everything(client: socket.socket) -> bytes:
    """All that comes until the end; a reset is the end as well."""
    came = bytearray()
    with suppress(ConnectionResetError):
        while data := client.recv(1 << 16):
            came += data
    return bytes(came)


def head_of(client: socket.socket) -> bytes:
    """All that comes until the end of a head."""
    came = b""
    while not came.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            break
        came += byte
    return came


class _Web(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; a POST also gets its body back."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(f"{self.command} {self.path}\n{self.headers}".encode())

    def do_POST(self) -> None:
        self._say(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def web() -> Iterator[int]:
    """A web server on 127.0.0.1; its port."""
    with _Server(("127.0.0.1", 0), _Web) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(SECONDS)


@contextmanager
def peer(talk: Callable[[socket.socket], None], times: int = 1) -> Iterator[int]:
    """A server that talks so to each of its first `times` clients, one after the other; its port."""

    def serve() -> None:
        for _ in range(times):
            with suppress(OSError):
                client, _ = listener.accept()
                with client:
                    client.settimeout(SECONDS)
                    talk(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(SECONDS)


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
