"""Small files that outlive an engine: which keepers it started, and which agents a person wants held.

One JSON file a keeper, written before it runs any program and removed when it is gone, so that a kill needs no engine
and a new engine can prove the dead dead. They are not synced to disk: whoever loses power loses the processes as well,
and the boot id says so. Hold files are synced: a person's stop must survive.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.processes import tree
from engine.processes.confinement.tiers import UNCONFINED
from engine.processes.errors import NameRefused

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}")
_RECORD, _HOLD = ".json", ".hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One keeper: pid and start time (stat field 22; 0 where unknown), the boot they belong to, its engine likewise.

    `init` is the first process of its pid namespace, 0 where it has none. `confinement` is the tier's label.
    """

    agent: str
    pid: int
    start: int
    boot_id: str
    nonce: str
    created: float
    engine_pid: int
    engine_start: int
    confinement: str = UNCONFINED.label
    init: int = 0
    init_start: int = 0
    cgroup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An agent that is not to be started until a person resumes it. `how` is killed or stopped, `at` Unix time."""

    agent: str
    how: str
    reason: str
    at: float


def boot_id() -> str:
    """The kernel's name for this boot; empty where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def describe(name: str, pid: int, nonce: str, *, confinement: str = UNCONFINED.label, cgroup: str = "") -> Record:
    """The record of keeper `pid`, a child of this process that is not reaped yet."""
    keeper, engine = tree.look(pid), tree.look(os.getpid())
    return Record(
        agent=name,
        pid=pid,
        start=keeper.start if keeper else 0,
        boot_id=boot_id(),
        nonce=nonce,
        created=time.time(),
        engine_pid=os.getpid(),
        engine_start=engine.start if engine else 0,
        confinement=confinement,
        cgroup=cgroup,
    )


def path_of(folder: Path, agent: str) -> Path:
    """Where the record of `agent` is. Raises NameRefused."""
    return folder / (_checked(agent) + _RECORD)


def write(folder: Path, record: Record) -> Path:
    """Put a record in place, whole or not at all."""
    path = path_of(folder, record.agent)
    _publish(path, asdict(record))
    return path


def read(folder: Path) -> list[Record]:
    """All records; a file that is none (cut off, foreign) is passed over, as it names no process to act on."""
    return [Record(**data) for data in _load(folder, _RECORD, Record)]


def hold(folder: Path, agent: str, how: str, reason: str) -> Hold:
    """Have every engine keep `agent` from starting."""
    found = Hold(agent=agent, how=how, reason=reason, at=time.time())
    _publish(folder / (_checked(agent) + _HOLD), asdict(found), sync=True)
    return found


def held(folder: Path) -> dict[str, Hold]:
    """Who is held, by agent."""
    return {data["agent"]: Hold(**data) for data in _load(folder, _HOLD, Hold)}


def is_held(folder: Path, agent: str) -> bool:
    """Is this one held? One look at the disk, for whoever is about to start it."""
    return (folder / (_checked(agent) + _HOLD)).exists()


def release(folder: Path, agent: str) -> bool:
    """Let `agent` start again. False when it was not held."""
    try:
        (folder / (_checked(agent) + _HOLD)).unlink()
    except FileNotFoundError:
        return False
    return True


def _checked(agent: str) -> str:
    if not _NAME.fullmatch(agent):
        raise NameRefused(agent)
    return agent


def _publish(path: Path, data: dict[str, Any], *, sync: bool = False) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.touch(0o600)
    with aside.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    aside.replace(path)


def _load(folder: Path, suffix: str, kind: type[Record | Hold]) -> list[dict[str, Any]]:
    """What can be read as `kind`. Fields that an older one did not write have defaults."""
    known = {field.name: field.default is MISSING for field in fields(kind)}
    needed = {name for name, has_to_be in known.items() if has_to_be}
    found = []
    for path in sorted(folder.glob(f"[!.]*{suffix}")):
        try:
            data = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict) and needed <= set(data) <= set(known):
            found.append(data)
    return found
