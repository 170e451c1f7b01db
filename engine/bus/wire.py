"""What the engine and its clients say to each other in a message, and how each reaches the broker. MQTT 3.1.1.

A session's messages are numbered, each way, and what they carry is one stream of bytes. From the engine: `N`, a line
end, a portion; an empty one means that the engine has closed. From a client: `N TAKEN`, a line end, a portion, which
may be empty; TAKEN is the last message it has taken. The engine is never more than `WINDOW` ahead of that, so nothing
piles up in the broker, which would drop it without a word. A number that is missing ends the session; the client begins
another and goes on from its last event.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import aiomqtt
import msgspec

from engine.api.errors import BadFrame
from engine.bus.provider import Address

WINDOW = 32
"""Messages on their way to one client, at most."""
PORTION = 256 * 1024
"""Bytes of frames in one message; it is far below what a broker lets through."""
LEFT = b"left"
"""What is said for a client that left, by itself or as its last will."""
REFUSED = b"0\n"
"""To a session that the engine does not know: it begins at 1."""
KEEPALIVE = 10
"""Seconds after which a connection without a sign of life is given up, and half as many more."""
TIMEOUT = 10.0
_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)  # without it an answer waits 40 ms for an ACK


async def leave(mqtt: aiomqtt.Client) -> None:
    """Disconnect, lost or not; nothing of it is left on the loop."""
    with contextlib.suppress(aiomqtt.MqttError):
        await mqtt.__aexit__(None, None, None)
    if (housekeeping := mqtt._misc_task) is not None:  # noqa: SLF001  it only asks it to end, some time
        housekeeping.cancel()
        await asyncio.wait({housekeeping})


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the engine is on the bus, retained. `epoch` is of its connection to the broker."""

    state: str
    epoch: str = ""
    version: str = ""
    pid: int = 0


def client(address: Address, user: str, password: str, *, by_socket: bool, will: aiomqtt.Will) -> aiomqtt.Client:
    """A connection to the broker, not open yet. Its id is random: whoever knows one could push its holder out."""
    options: dict[str, Any] = {"username": user, "password": password, "will": will, "clean_session": True}
    options |= {"timeout": TIMEOUT, "keepalive": KEEPALIVE, "max_inflight_messages": 1000}
    if by_socket and address.socket is not None:
        made = aiomqtt.Client(str(address.socket), transport="unix", **options)
    else:
        made = aiomqtt.Client(address.host, address.port, socket_options=_AT_ONCE, **options)
    made.pending_calls_threshold = 10_000  # it would warn of what is bounded by those who publish
    return made


def from_engine(number: int, portion: bytes) -> bytes:
    """One message to a client."""
    return b"%d\n%b" % (number, portion)


def read_from_engine(payload: bytes) -> tuple[int, bytes]:
    """Its number and portion. Raises BadFrame."""
    head, _, portion = payload.partition(b"\n")
    return _numbers(head, 1)[0], portion


def from_client(number: int, taken: int, portion: bytes) -> bytes:
    """One message to the engine."""
    return b"%d %d\n%b" % (number, taken, portion)


def read_from_client(payload: bytes) -> tuple[int, int, bytes]:
    """Its number, what was taken, and its portion. Raises BadFrame."""
    head, _, portion = payload.partition(b"\n")
    number, taken = _numbers(head, 2)
    return number, taken, portion


def _numbers(head: bytes, count: int) -> list[int]:
    words = head.split(b" ")
    if len(words) != count or not all(word.isdigit() and len(word) < 19 for word in words):
        raise BadFrame("a message of a session begins with its number", code="number")
    return [int(word) for word in words]
