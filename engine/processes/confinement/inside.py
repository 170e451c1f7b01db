"""A cell as a keeper reads it, and the one way in which putting it in force fails.

Light imports: a keeper process loads this at each start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator


class Refused(Exception):
    """A cell could not be put in force, so nothing runs; the message says what was tried and what the system said."""

    def __init__(self, tried: str, number: int = 0, way_out: str = "") -> None:
        said = f": {os.strerror(number)} (errno {number})" if number else ""
        super().__init__(f"{tried}{said}{'; ' if way_out else ''}{way_out}")
        self.tried, self.number = tried, number


class Spec:
    """What a keeper has to put in force: see `cells.encode` for the fields. Paths and verbs are bytes.

    `mechanism` is "namespaces", "bubblewrap", "landlock", "seatbelt" or "none"; `cgroup` is empty where there is none.
    """

    __slots__ = (
        "cgroup",
        "file_bytes",
        "masked",
        "mechanism",
        "operations",
        "ports",
        "processes",
        "readable",
        "writable",
    )

    def __init__(self, mechanism: str, processes: int, file_bytes: int, cgroup: bytes) -> None:
        self.mechanism, self.processes, self.file_bytes, self.cgroup = mechanism, processes, file_bytes, cgroup
        self.ports: list[int] = []
        self.operations: list[tuple[str, bytes, bytes]] = []
        self.readable: list[bytes] = []
        self.writable: list[bytes] = []
        self.masked: list[bytes] = []


def parse(fields: list[bytes]) -> Spec:
    """The fields of a frame `cell` without its verb. Raises Refused where they make no sense."""
    try:
        rest = iter(fields)
        mechanism, processes, file_bytes, cgroup = (next(rest) for _ in range(4))
        spec = Spec(mechanism.decode(), int(processes), int(file_bytes), cgroup)
        spec.ports = [int(port) for port in _list(rest)]
        flat = _list(rest)
        spec.operations = [(flat[at].decode(), flat[at + 1], flat[at + 2]) for at in range(0, len(flat), 3)]
        spec.readable, spec.writable, spec.masked = _list(rest), _list(rest), _list(rest)
    except (StopIteration, RuntimeError, ValueError, IndexError, TypeError) as error:
        raise Refused("the description of the cell could not be read") from error
    return spec


def _list(rest: Iterator[bytes]) -> list[bytes]:
    return [next(rest) for _ in range(int(next(rest)))]
