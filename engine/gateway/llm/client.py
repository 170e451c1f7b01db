"""Requests to vendors over HTTP, by aiohttp: one session for all agents. Importing this costs what aiohttp costs.

Answers come as the vendor sends them: not unpacked, not followed elsewhere, with no cookie kept.
"""

from __future__ import annotations

import asyncio
import io
import time
from types import SimpleNamespace

import aiohttp
from yarl import URL

from engine.gateway.llm.ports import Asked
from engine.gateway.llm.upstreams import Answer, Lines, Lost, Unsent, address
from engine.gateway.llm.values import Upstream

CONNECT_SECONDS, SILENT_SECONDS = 10.0, 600.0
"""Until there is a connection; and between two portions of an answer, thinking included."""
STALE_SECONDS = 0.5
"""A kept connection that breaks this soon, before a byte of an answer, was closed before the request came there."""
LINE, HEADERS = 64 << 10, 256
"""Bytes of one line of an answer's head, and how many lines."""
PORTIONED = 1 << 20
"""Bytes of a body from which on it is sent in portions."""
_OURS = ("User-Agent", "Accept", "Content-Type", "Accept-Encoding")


class Client:
    """The real `Sender`. To be made in the loop it is used in."""

    def __init__(self, *, silent: float = SILENT_SECONDS) -> None:
        kept = aiohttp.TraceConfig()
        kept.on_connection_reuseconn.append(_reused)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silent),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_OURS,
            max_line_size=LINE,
            max_field_size=LINE,
            max_headers=HEADERS,
            trace_configs=[kept],
        )

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
        """Send it, and wait for the head of the answer. Raises Unsent, Lost."""
        trace, began = SimpleNamespace(reused=False), time.monotonic()
        try:
            response = await self._session.request(
                asked.method,
                URL(address(upstream, asked.path), encoded=True),
                data=_body(asked.body),
                headers=list(headers),
                allow_redirects=False,
                trace_request_ctx=trace,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, ValueError) as error:
            raise Unsent(upstream.name, _words(error)) from None  # a ValueError: an address or a header that is none
        except (aiohttp.ClientError, TimeoutError) as error:
            disconnected = isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError)
            stale = trace.reused and disconnected and time.monotonic() - began < STALE_SECONDS
            raise Lost(upstream.name, _words(error), stale=stale) from None
        return _Response(upstream.name, response)

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()


class _Response:
    def __init__(self, provider: str, response: aiohttp.ClientResponse) -> None:
        self._provider, self._response = provider, response
        self._content = response.content
        self.status = response.status
        self.headers: Lines = [(str(name), value) for name, value in response.headers.items()]
        self._lost = self._watched()

    async def next(self) -> bytes:
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(self._provider, _words(error)) from None

    def close(self) -> None:
        if self._lost is not None:
            self._lost.remove_done_callback(self._broke)
        self._response.close()

    def _watched(self) -> asyncio.Future[None] | None:
        """The end of its connection. aiohttp tells nobody who waits when portions turn into nonsense (seen in 3.14)."""
        connection = self._response.connection
        if connection is None or connection.protocol is None:
            return None  # all of it is here
        lost = connection.protocol.closed
        if lost is None:
            self._broke(None)
        else:
            lost.add_done_callback(self._broke)
        return lost

    def _broke(self, lost: asyncio.Future[None] | None) -> None:
        if lost is not None and not lost.cancelled():
            lost.exception()  # told by the content
        if not self._content.is_eof() and self._content.exception() is None:
            self._content.set_exception(aiohttp.ClientPayloadError("it ended before its end"))


def _body(body: bytes) -> bytes | io.BytesIO | None:
    return io.BytesIO(body) if len(body) > PORTIONED else body or None


async def _reused(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:  # noqa: ARG001
    context.trace_request_ctx.reused = True


def _words(error: BaseException) -> str:
    """What went wrong, in words of our own: what a vendor sent, and what was sent there, may have a key in it."""
    if isinstance(error, TimeoutError):
        return "nothing came for too long"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error)
    if isinstance(error, aiohttp.ClientPayloadError | OSError | aiohttp.ServerDisconnectedError):
        return "the connection broke"
    if isinstance(error, ValueError):
        return "its address, or a line of a head, can not be sent"
    return "what it answered is no HTTP"
