"""Kill without an engine: it is hung, or dead, or was never there. No asyncio, no engine, few imports.

Everything rests on the records: a process is touched only if its pid *and* start time are those of a record of this
boot (or it descends from such a one, or carries its nonce). Who was killed is held afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.processes import records
from engine.processes.felling import PATIENCE, Felling
from engine.processes.records import Record
from engine.processes.values import Proof


@dataclass(frozen=True, slots=True)
class Killed:
    """One agent and what became of its processes."""

    agent: str
    proof: Proof


def kill_recorded(
    folder: Path, agents: Sequence[str] | None = None, *, reason: str = "killed without an engine"
) -> list[Killed]:
    """Kill and hold the named agents (None: all that have a record). An agent without a record is held as well.

    Raises NameRefused.
    """
    found = {record.agent: record for record in records.read(folder)}
    names = list(found) if agents is None else list(agents)
    for name in names:
        records.path_of(folder, name)  # before anything is done: a name that cannot be held is refused
    proofs = _fell([found[name] for name in names if name in found], folder)
    for name in names:
        records.hold(folder, name, "killed", reason)
    nothing = _proof("no process of it is recorded")
    return [Killed(name, proofs.get(name, nothing)) for name in names]


def reap_stale(folder: Path) -> list[Killed]:
    """At an engine's start: prove that what earlier engines left is dead, and kill what is not. Holds nobody.

    Only for who has the engine's lock, since it ends every recorded keeper, a living engine's as well.
    """
    stale = records.read(folder)
    proofs = _fell(stale, folder)
    return [Killed(record.agent, proofs[record.agent]) for record in stale]


def _fell(chosen: Sequence[Record], folder: Path) -> dict[str, Proof]:
    """All at once, so that the last one does not wait for the first. Records of what is gone are removed."""
    everyone = [record.pid for record in records.read(folder)]
    boot = records.boot_id()
    done: dict[str, Proof] = {}
    under_way: dict[str, Felling] = {}
    for record in chosen:
        if record.boot_id != boot:
            done[record.agent] = _proof("it belongs to an earlier boot of this machine")
        elif not boot:
            done[record.agent] = _proof(f"pid {record.pid} cannot be told from another one on this system", gone=False)
        else:
            under_way[record.agent] = Felling(record, lambda: everyone)
    for felling in under_way.values():
        felling.fire()  # no sandbox waits for the walks through another one
    while under_way:
        pauses = []
        for agent, felling in list(under_way.items()):
            gone = felling.strike()
            pauses.append(felling.pause)
            if gone or felling.over(PATIENCE):
                done[agent] = felling.proof(gone=gone)
                felling.release()
                del under_way[agent]
        time.sleep(min(pauses) if under_way else 0)
    for agent, proof in done.items():
        if proof.gone:
            records.path_of(folder, agent).unlink(missing_ok=True)
    return done


def _proof(text: str, *, gone: bool = True) -> Proof:
    return Proof(gone=gone, processes=0, ms=0.0, text=text)
