"""Where the bus of a repository is, written by its engine into the folder of the passwords."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.bus.accounts import write_private
from engine.bus.errors import BusOff
from engine.bus.provider import Address

_NAME = "address.json"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a client needs besides a password. `repo` is the repository's id, `accounts` who may log in."""

    repo: str
    provider: str
    host: str
    port: int
    socket: str | None
    accounts: tuple[str, ...]

    @property
    def address(self) -> Address:
        """Where the broker listens."""
        path = Path(self.socket) if self.socket else None
        return Address(provider=self.provider, host=self.host, port=self.port, socket=path)


def publish(folder: Path, known: Known) -> None:
    """Say it to clients."""
    write_private(folder / _NAME, msgspec.json.encode(known).decode())


def read(folder: Path) -> Known:
    """Where it is, or was when an engine last ran. Raises BusOff."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Known)
    except (FileNotFoundError, msgspec.MsgspecError):
        raise BusOff(folder) from None
