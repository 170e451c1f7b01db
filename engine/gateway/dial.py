"""Looks a host up once and connects to what was found: the name is not asked again, so it cannot mean another machine.

Names are looked up in threads of their own, not in the loop's: a name server that hangs delays nothing but the agent
that asked for the name, and no end of the engine waits for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Collection

from engine.gateway import names
from engine.gateway.errors import NotAllowed, Unreachable
from engine.gateway.names import Endpoint, IPAddress

LOOKUP_SECONDS = 15.0
CONNECT_SECONDS = 5.0
"""For one address; the last one of a host has three times as long."""
TRIED = 4
"""Addresses of a host that are tried, in the order the system gives them."""
MANY = 8
"""Names looked up at the same time."""

Resolve = Callable[[str], Collection[IPAddress]]


def system(name: str) -> list[IPAddress]:
    """The addresses the system knows of a name, the preferred first; blocks. Raises OSError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(address[0])) for *_, address in found))


class Dialler:
    """Connects to hosts that are allowed. `resolve` blocks, and is called in a thread."""

    def __init__(self, resolve: Resolve = system) -> None:
        self._resolve = resolve
        self._turns = asyncio.Semaphore(MANY)

    async def connect(self, to: Endpoint, entries: Collection[str]) -> socket.socket:
        """A connection to an admitted host. Raises NotAllowed, Unreachable."""
        addresses = await self._addresses(to)
        reasons = {address: names.closed(entries, to, address) for address in addresses}
        usable = [address for address in addresses if not reasons[address]][:TRIED]
        if not usable:
            raise NotAllowed(to, reasons[addresses[0]])
        error: OSError = OSError("no address")
        for left, address in reversed(list(enumerate(reversed(usable)))):
            try:
                async with asyncio.timeout(CONNECT_SECONDS * (1 if left else 3)):
                    return await _connected(address, to.port)
            except OSError as failed:
                error = failed
        raise Unreachable(to, _words(error))

    async def _addresses(self, to: Endpoint) -> list[IPAddress]:
        literal = names.literal(to.host)
        if literal is not None:
            return [literal]
        try:
            async with self._turns, asyncio.timeout(LOOKUP_SECONDS):
                found = list(await _in_thread(lambda: self._resolve(to.host)))
        except (OSError, UnicodeError) as error:
            raise Unreachable(to, f"its name was not found ({_words(error)})") from None
        if not found:
            raise Unreachable(to, "its name has no address")
        return found


async def _connected(address: IPAddress, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


async def _in_thread(look: Callable[[], Collection[IPAddress]]) -> Collection[IPAddress]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Collection[IPAddress]] = loop.create_future()

    def settle(found: Collection[IPAddress] | BaseException) -> None:
        if answer.done():  # nobody waits any more
            return
        if isinstance(found, BaseException):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def work() -> None:
        found: Collection[IPAddress] | BaseException
        try:
            found = look()
        except (OSError, ValueError) as error:  # UnicodeError is a ValueError
            found = error
        try:
            loop.call_soon_threadsafe(settle, found)
        except RuntimeError:  # the loop is closed
            pass

    threading.Thread(target=work, name="name lookup", daemon=True).start()
    return await answer


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (getattr(error, "strerror", None) or str(error)).lower()  # of a name: its own numbers, below 0
