"""The embedded broker: amqtt in a process of its own, with the guards of `embedded_broker`."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.bus.accounts import write_private
from engine.bus.provider import HEAD, HOST, PAYLOAD, Address, Place

GUARDED = "0.12."
"""The versions of amqtt whose holes the guards close; they override parts of it that are its own affair."""
_BOOTSTRAP = "import sys; sys.path += sys.argv[2:]; from engine.bus.embedded_broker import main; main(sys.argv[1])"


class Embedded:
    """The amqtt of this Python."""

    name = "amqtt"

    def __init__(self, version: str) -> None:
        self.version = version

    def prepare(self, place: Place) -> tuple[Sequence[str], Address]:
        """Write its configuration; the program to run and where it will listen."""
        file = place.folder / "amqtt.json"
        passwords = dict(line.split(":", 1) for line in place.accounts.hashed().splitlines())
        what = {"host": HOST, "port": place.port, "root": place.root, "passwords": passwords, "most": PAYLOAD + HEAD}
        write_private(file, json.dumps(what))
        folders = [folder for folder in sys.path if folder and Path(folder).is_absolute()]
        argv = (sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(file), *folders)
        return argv, Address(provider=self.name, host=HOST, port=place.port)


def usable() -> Embedded | None:
    """The embedded broker, if its version is one that the guards are for."""
    version = importlib.metadata.version("amqtt")
    return Embedded(version) if version.startswith(GUARDED) else None
