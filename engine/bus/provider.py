"""The brokers there can be: found, chosen, and told what to run. A broker itself is a process of its own (`broker`)."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from engine.bus.accounts import Accounts
from engine.bus.errors import NoBroker

HOST = "127.0.0.1"
"""Where every broker listens, and nowhere else: loopback is for this machine, passwords are for its other users."""
PAYLOAD = 1024 * 1024
"""Bytes of one message, at most; longer answers are several."""
HEAD = 8192
"""Bytes of a packet beside its payload, at most."""
QUEUED = 20_000
"""Messages that wait for a client that does not read; what comes after them is lost to it, and its `seq` shows it."""
GET_ONE = "install mosquitto (`apt install mosquitto`, `brew install mosquitto`) or `pip install 'quarterdeck[broker]'`"

Wanted = Literal["auto", "mosquitto", "amqtt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a broker is made for: its private folder, the path for a socket, a free port, the topics and accounts."""

    folder: Path
    socket: Path
    port: int
    root: str
    accounts: Accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a broker listens. `socket` is for the engine alone where there is one."""

    provider: str
    host: str
    port: int
    socket: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A broker that can be started. `listener` is inherited by it under the same number, and closed here then."""

    argv: Sequence[str]
    address: Address
    listener: socket.socket | None = None


class Provider(Protocol):
    """A kind of broker."""

    name: str
    version: str

    def prepare(self, place: Place) -> Prepared:
        """Write what it reads. Raises BrokerFailed."""
        ...


def found() -> list[Provider]:
    """Every provider that can be used here, best first."""
    return [provider for finder in _FINDERS.values() if (provider := finder()) is not None]


def brokers() -> list[str]:
    """Those that can be used here, best first, each with its version."""
    return [f"{provider.name} {provider.version}" for provider in found()]


def choose(wanted: Wanted) -> Provider:
    """The provider that is asked for. Raises NoBroker."""
    if wanted == "auto":
        if (first := next(iter(found()), None)) is None:
            raise NoBroker("there is no broker here", way_out=GET_ONE)
        return first
    provider = _FINDERS[wanted]()
    if provider is None:
        raise NoBroker(f"there is no {wanted} here that can be used", way_out=GET_ONE)
    return provider


def _mosquitto() -> Provider | None:
    from engine.bus import mosquitto  # noqa: PLC0415  each is loaded where it is looked for

    program = shutil.which("mosquitto") or shutil.which(
        "mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
    )
    return mosquitto.usable(program) if program else None


def _amqtt() -> Provider | None:
    from engine.bus import embedded  # noqa: PLC0415

    return embedded.usable() if importlib.util.find_spec("amqtt") else None


_FINDERS: dict[str, Callable[[], Provider | None]] = {"mosquitto": _mosquitto, "amqtt": _amqtt}
