"""Tiers of confinement: their names, what each is known not to hold, and what is enough for whom.

A tier is found by a probe (`probe.py`) and never lowered in silence: everything that starts or ends a program says in
which tier it ran, by `label`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engine.processes.confinement.profile import Profile

Name = Literal["strong", "basic", "unconfined"]
Mechanism = Literal["namespaces", "bubblewrap", "landlock", "seatbelt", "none"]

MECHANISMS: tuple[Mechanism, ...] = ("namespaces", "bubblewrap", "landlock", "seatbelt")
"""In the order in which they are tried."""
NAMES: dict[Mechanism, Name] = {
    "namespaces": "strong",
    "bubblewrap": "strong",
    "landlock": "basic",
    "seatbelt": "basic",
    "none": "unconfined",
}
RANKS = {"none": 0, "unconfined": 0, "": 1, "basic": 1, "strong": 2}
_SHARED = "a socket or named pipe made later outside HOME, /tmp and /run by another program can be opened"
_READABLE = "files outside HOME, /tmp, /run and the masked folders can be read"
_VSOCK = "in a virtual machine, sockets of the kind vsock reach its host"
HOLES: dict[Mechanism, tuple[str, ...]] = {
    "namespaces": (_SHARED, _READABLE),
    "bubblewrap": (_SHARED, _READABLE, "what is mounted on this machine later is there as well, as it is"),
    "landlock": (
        "mode, times and attributes of the user's other files can be changed, but not to setuid",
        "any machine can be reached by TCP at the ports of the way out and of the models: Landlock knows no hosts",
        "the processes of this machine can be listed",
        "nothing below a writable folder is frozen",
        "shared memory (/dev/shm, System V) and the priority of the user's other processes are open",
    ),
    "seatbelt": ("untested on a Mac; best effort", "what leaves its process group survives a kill"),
    "none": ("programs can do whatever the user can",),
}
UNLIMITED = "there is no limit on processes"
OLD_LANDLOCK = ((5, "devices can be configured"), (6, "the user's other processes can be signalled"))
UNFILTERED: dict[Mechanism, tuple[str, ...]] = {
    "namespaces": (_VSOCK,),
    "bubblewrap": (_VSOCK,),
    "landlock": (
        "UDP and DNS are open, and TCP by its fast open",
        "limits of the user's other processes can be lowered, which can end them",
        "sockets in the file system (docker, ssh-agent, tmux) can be connected to",
    ),
}


def known_holes(mechanism: Mechanism, *, abi: int = 0, limited: bool = True, filtered: bool = True) -> tuple[str, ...]:
    """What it does not hold here: `abi` is Landlock's, `limited` whether the number of processes can be held,
    `filtered` whether system calls can be filtered.
    """
    old = tuple(hole for since, hole in OLD_LANDLOCK if mechanism == "landlock" and abi < since)
    unlimited = () if limited or mechanism == "none" else (UNLIMITED,)
    return HOLES[mechanism] + old + unlimited + (() if filtered else UNFILTERED.get(mechanism, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What is in force. `tried` says of each mechanism that is not, why (mechanism, sentence)."""

    name: Name
    mechanism: Mechanism
    detail: str = ""
    holes: tuple[str, ...] = ()
    tried: tuple[tuple[str, str], ...] = ()
    cgroup: Path | None = field(default=None)

    @property
    def label(self) -> str:
        """What records, proofs and screens say: "strong (namespaces)", "basic (Landlock ABI 7)", "unconfined"."""
        if self.mechanism == "none":
            return self.name
        told = self.detail or self.mechanism
        return f"{self.name}+ ({told}, cgroup)" if self.cgroup else f"{self.name} ({told})"

    def enough_for(self, least: str) -> bool:
        """Whether a program that demands `least` may run: "strong", "basic" (as ""), or "none" / "unconfined"."""
        return RANKS[self.name] >= RANKS[least]


UNCONFINED = Tier(name="unconfined", mechanism="none", holes=HOLES["none"])


@dataclass(frozen=True, slots=True)
class Cell:
    """A tier and what it has to enforce: what a keeper is started with."""

    tier: Tier
    profile: Profile
