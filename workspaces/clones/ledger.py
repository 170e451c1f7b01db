"""What was begun in each clone, in a small file beside it: found by whoever comes next, with an engine or without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from workspaces.clones.rescue import Begun

_MARK = ".begun-"
LOST = ".lost-"


def beside(folder: Path) -> Path:
    """Where it is written for a clone: on the same file system, as its time is compared with those of files in it."""
    return folder.with_name(f"{_MARK}{folder.name}.json")


def write(file: Path, begun: Begun) -> None:
    """At once or not at all, and as a new file each time, so that its time is that of now."""
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    aside.write_bytes(msgspec.json.encode(begun))
    aside.replace(file)


def read(file: Path) -> Begun | None:
    """What was begun, as its file says; None where there is none, or it is none."""
    try:
        begun = msgspec.json.decode(file.read_bytes(), type=Begun)
        return replace(begun, since=file.stat().st_ctime_ns)
    except (OSError, msgspec.MsgspecError):
        return None


def waiting(trees: Path) -> Iterator[tuple[str, Begun]]:
    """Each agent whose clone in the folder `trees` may hold what nobody has taken in yet, with what was begun there."""
    for file in sorted(trees.glob(f"{_MARK}*.json")):
        begun = read(file)
        if begun is not None:
            yield file.stem.removeprefix(_MARK), begun


def laid_aside(trees: Path) -> list[Path]:
    """Folders with what could not be kept in git, moved out of clones as it was."""
    return sorted(trees.glob(f"{LOST}*"))
