"""One request of an agent, from its first byte to its last: read, admitted or refused, carried out, and told.

What is told has no header and no body in it: those hold secrets.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from engine.gateway import answers, heads, names
from engine.gateway.dial import Dialler
from engine.gateway.errors import BadRequest, Crowded, GatewayError, NotAllowed, NoToken, TooSlow
from engine.gateway.heads import Request
from engine.gateway.relay import Relay, Traffic

HEAD_SECONDS = 10.0
LINGER_SECONDS, LINGER_BYTES = 1.0, 1 << 20
"""How long, and how much, an agent is listened to after a refusal: it could not read one that a reset overtakes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, once it is over. `host` is "" where none was understood; `at` is seconds since the epoch."""

    agent: str
    host: str
    port: int
    method: str
    allowed: bool
    why: str
    at: float
    bytes_up: int
    bytes_down: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who asks, what it may reach now, and the setting that says so."""

    agent: str
    setting: str
    allowed: Callable[[], Collection[str]]
    dialler: Dialler


class Call:
    """One connection of an agent. With a `token`, whoever sends another password is nobody."""

    def __init__(self, agent: socket.socket, rules: Rules, token: str) -> None:
        self._agent, self._rules, self._token = agent, rules, token
        self._loop = asyncio.get_running_loop()
        self._at, self._began = time.time(), time.monotonic()
        self._request: Request | None = None
        self._allowed, self._why = False, ""
        self._traffic = Traffic()

    async def carry_out(self, *, crowded: bool = False) -> None:
        """Answer it, one way or another; when it is crowded, by saying so. Raises only CancelledError."""
        try:
            await self._answered(crowded)
        except asyncio.CancelledError:
            self._broke("the way out was closed")
            raise
        except OSError as error:
            self._broke("nothing came for too long" if isinstance(error, TimeoutError) else "the connection broke")

    def told(self) -> Asked | None:
        """What there is to tell; nothing of a connection over which nothing was asked."""
        if self._request is None and not self._why:
            return None
        request = self._request
        return Asked(
            agent=self._rules.agent,
            host=request.to.host if request else "",
            port=request.to.port if request else 0,
            method=request.method if request else "",
            allowed=self._allowed,
            why=self._why,
            at=self._at,
            bytes_up=self._traffic.up,
            bytes_down=self._traffic.down,
            seconds=round(time.monotonic() - self._began, 4),
        )

    def _broke(self, why: str) -> None:
        """An end in the middle; of a connection over which nothing was asked there is nothing to tell."""
        if self._request is not None:
            self._why = self._why or why

    async def _answered(self, crowded: bool) -> None:
        try:
            if crowded:
                raise Crowded
            head, rest = await self._head()
            if head:
                await self._connected(self._admitted(heads.parse(head)), rest)
        except GatewayError as error:
            await self._refuse(error)

    async def _head(self) -> tuple[bytes, bytes]:
        came = bytearray()
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                while (found := heads.split(came)) is None:
                    data = await self._loop.sock_recv(self._agent, heads.MAX_HEAD)
                    if not data and came:
                        raise BadRequest("it ended before its head did")
                    if not data:
                        return b"", b""
                    came += data
        except TimeoutError:
            raise TooSlow from None
        return found

    def _admitted(self, request: Request) -> Request:
        if self._token and not hmac.compare_digest(request.password.encode(), self._token.encode()):
            raise NoToken
        self._request = request
        if not names.admits(self._rules.allowed(), request.to):
            raise NotAllowed(request.to, "no entry allows it")
        self._allowed = True
        return request

    async def _connected(self, request: Request, rest: bytes) -> None:
        with await self._rules.dialler.connect(request.to, self._rules.allowed()) as host:
            relay = Relay(self._agent, host, rest, self._traffic)
            if request.tunnel:
                await self._loop.sock_sendall(self._agent, answers.ESTABLISHED)
                await relay.tunnel()
            else:
                await relay.exchange(request)

    async def _refuse(self, error: GatewayError) -> None:
        self._why = str(getattr(error, "why", error))
        self._allowed = self._allowed and not isinstance(error, NotAllowed)
        if self._traffic.down:
            return
        answer = answers.refusal(error, self._rules.agent, self._rules.setting)
        async with asyncio.timeout(HEAD_SECONDS):
            await self._loop.sock_sendall(self._agent, answer)
        await self._linger()

    async def _linger(self) -> None:
        self._agent.shutdown(socket.SHUT_WR)
        left = LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and (data := await self._loop.sock_recv(self._agent, heads.MAX_HEAD)):
                    left -= len(data)
                    await asyncio.sleep(0)
        except TimeoutError:
            pass
