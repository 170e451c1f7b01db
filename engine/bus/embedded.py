"""The embedded broker: amqtt in a process of its own, with the guards of `embedded_broker`."""

from __future__ import annotations

import importlib.metadata
import json
import socket
import sys
from pathlib import Path

from engine.bus.accounts import write_private
from engine.bus.errors import BrokerFailed
from engine.bus.provider import HEAD, HOST, PAYLOAD, Address, Place, Prepared

GUARDED = "0.12."
"""The versions of amqtt whose holes the guards close; they override parts of it that are its own affair."""
_BOOTSTRAP = "import sys; sys.path += sys.argv[3:]; from engine.bus.embedded_broker import main; main(*sys.argv[1:3])"


class Embedded:
    """The amqtt of this Python."""

    name = "amqtt"

    def __init__(self, version: str) -> None:
        self.version = version

    def prepare(self, place: Place) -> Prepared:
        """Write its configuration, and listen in its stead. Raises BrokerFailed for a port that is taken.

        Were the port another program's, even for a moment, the engine would tell that one its password.
        """
        file = place.folder / "amqtt.json"
        passwords = dict(line.split(":", 1) for line in place.accounts.hashed().splitlines())
        what = {"root": place.root, "passwords": passwords, "most": PAYLOAD + HEAD}
        write_private(file, json.dumps(what))
        folders = [folder for folder in sys.path if folder and Path(folder).is_absolute()]
        try:
            listener = socket.create_server((HOST, place.port))
        except OSError as error:
            raise BrokerFailed(self.name, f"cannot listen at {HOST}:{place.port}", error.strerror or "") from None
        argv = (sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(file), str(listener.fileno()), *folders)
        address = Address(provider=self.name, host=HOST, port=place.port)
        return Prepared(argv=argv, address=address, listener=listener)


def usable() -> Embedded | None:
    """The embedded broker, if its version is one that the guards are for."""
    version = importlib.metadata.version("amqtt")
    return Embedded(version) if version.startswith(GUARDED) else None
