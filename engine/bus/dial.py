"""A connection to the broker by aiomqtt, with what has to be mended in aiomqtt 2."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any

import aiomqtt
from aiomqtt.types import PahoSocket
from paho.mqtt import client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from engine.bus.provider import Address

KEEPALIVE = 10
"""Seconds after which a connection without a sign of life is given up, and half as many more."""
TIMEOUT = 10.0
"""Seconds in which the broker must acknowledge."""
_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)  # without it an answer waits 40 ms for an ACK
_SILENT = logging.getLogger("engine.bus.mqtt")
_SILENT.setLevel(logging.CRITICAL)  # what it says of a lost connection is said once, by whoever has it


def client(address: Address, user: str, password: str, *, by_socket: bool, will: aiomqtt.Will) -> aiomqtt.Client:
    """A connection that is not open yet. Its id is random: whoever knows one could push its holder out."""
    options: dict[str, Any] = {"username": user, "password": password, "will": will, "clean_session": True}
    options |= {"timeout": TIMEOUT, "keepalive": KEEPALIVE, "max_inflight_messages": 1000, "logger": _SILENT}
    if by_socket and address.socket is not None:
        made = _Client(str(address.socket), transport="unix", **options)
    else:
        made = _Client(address.host, address.port, socket_options=_AT_ONCE, **options)
    made.pending_calls_threshold = 10_000  # it would warn of what is bounded by those who publish
    return made


async def leave(left: aiomqtt.Client) -> None:
    """Disconnect, lost or not; nothing of it stays on the loop."""
    with contextlib.suppress(aiomqtt.MqttError):
        await left.__aexit__(None, None, None)
    if (housekeeping := left._misc_task) is not None:  # noqa: SLF001  it only asks it to end, some time
        housekeeping.cancel()
        await asyncio.wait({housekeeping})
    if (end := left._disconnected).done() and not end.cancelled():  # noqa: SLF001
        end.exception()  # heard, so that nobody complains of an error that nobody heard of


class _Client(aiomqtt.Client):
    """With its wish to write registered at once, and a greeting that ends when the broker hangs up.

    aiomqtt puts the first off to the next turn of the loop, where the socket may be closed by then and its number
    another socket's, or all be written, after which it would be woken for ever. For the second it waits in vain.
    """

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("it hung up before it let us in"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_socket_register_write(self, client: paho.Client, userdata: object, sock: PahoSocket) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # it connects, in a thread of its own
            super()._on_socket_register_write(client, userdata, sock)
        else:
            self._loop.add_writer(sock.fileno(), self._write, client)

    def _write(self, client: paho.Client) -> None:
        try:
            client.loop_write()
        except Exception as error:  # noqa: BLE001  as the library does: the connection is lost
            if not self._disconnected.done():
                self._disconnected.set_exception(error)
