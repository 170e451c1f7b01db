"""The listeners of one agent, and its connections: so many at once, so many a second; more wait in the kernel."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest

from engine.gateway.accepting import accepted, few_left
from engine.processes.rings import Bucket

CONNECTIONS = 64
"""At once, for one agent."""
RATE, BURST = 100, 500
"""Connections that are taken from one agent a second on average, and at once."""
IDLE = 120.0
"""Seconds in which a connection must bring the whole head of a request, after the one before or from its beginning."""
HEAD_LINE = 64 << 10
"""Bytes of one line of a head, and of its first."""
LINGERING = 0.5
"""Seconds for which the rest of a body is read that nobody wants, so that its sender comes to see why."""
PARTING = 0.05
"""Seconds that requests have to end when the listeners are closed."""
BREATH = 0.1
"""Seconds until the next try, when the system has no descriptors or no memory left."""

Answering = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


def _ours(record: logging.LogRecord) -> bool:
    """A mistake of the gateway. What an agent sends that is not HTTP is none, and must not fill the engine's log."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError)


_LOG = logging.getLogger(__name__)
_LOG.addFilter(_ours)


class Listening:
    """Of one agent. To be made in the loop it is used in; `answer` is cancelled at once when its asker leaves."""

    def __init__(self, answer: Answering) -> None:
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._server = _Server(answer, self._places.release)
        self._bucket = Bucket(RATE, BURST)
        self._taking: dict[asyncio.Task[None], socket.socket] = {}

    def take(self, listener: socket.socket) -> None:
        """Serve it from now on, and close it in the end."""
        listener.settimeout(0)
        self._taking[asyncio.create_task(self._take(listener), name="models")] = listener

    async def close(self) -> None:
        """End what is under way. Harmless twice."""
        for task in self._taking:
            task.cancel()
        await asyncio.gather(*self._taking, return_exceptions=True)
        for listener in self._taking.values():
            listener.close()
        self._taking.clear()
        self._server.pre_shutdown()  # else a connection over which nothing is asked is waited for as well
        await self._server.shutdown(PARTING)
        self._server.abort()

    async def _take(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._bucket.delay(loop.time(), 1))
            await self._places.acquire()
            try:
                connection = await accepted(listener)
            except OSError:  # it left before it was taken, or the system is out of something
                self._places.release()
                await asyncio.sleep(BREATH)
                continue
            except BaseException:
                self._places.release()
                raise
            self._bucket.take(1, loop.time())
            if few_left(connection):
                connection.close()
                self._places.release()
                continue
            await loop.connect_accepted_socket(self._server, connection)


class _Server(web.Server):
    """Makes the protocol of each connection, and tells when one is over."""

    def __init__(self, answer: Answering, over: Callable[[], None]) -> None:
        super().__init__(
            answer,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            logger=_LOG,
            keepalive_timeout=IDLE,
            lingering_time=LINGERING,
            max_line_size=HEAD_LINE,
            max_field_size=HEAD_LINE,
        )
        self._over = over
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}

    def abort(self) -> None:
        """Break what is not closed because nobody reads there."""
        for transport in self._open.values():
            transport.abort()

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open[handler] = transport

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if self._open.pop(handler, None) is not None:
            self._over()
