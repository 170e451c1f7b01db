"""What can go wrong on the bus. None of it ends a run: the record goes on, and the bus is tried again."""

from __future__ import annotations


class BusError(Exception):
    """Base of the errors of the bus."""


class NoBroker(BusError):
    """No broker of the kind that is asked for can be used here. `way_out` says how to get one."""

    def __init__(self, reason: str, *, way_out: str) -> None:
        self.reason, self.way_out = reason, way_out
        super().__init__(f"{reason}; {way_out}")


class BrokerFailed(BusError):
    """The broker ended, or nobody could log in to it. `said` is the end of what it printed."""

    def __init__(self, provider: str, what: str, said: str = "") -> None:
        self.provider, self.what, self.said = provider, what, said
        super().__init__(f"the broker ({provider}) {what}" + (f": {said}" if said else ""))


class UnknownAccount(BusError):
    """There is no such account on this bus."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(
            f'the bus has no account "{name}" (there is {", ".join(known)}); '
            "name it in [bus] accounts of your own settings"
        )


class BusOff(BusError):
    """Nothing in this repository's state folder says where a bus is."""

    def __init__(self, folder: object) -> None:
        self.folder = folder
        super().__init__(f"no bus has run here (nothing in {folder}); write [bus] on = true to quarterdeck.toml")
