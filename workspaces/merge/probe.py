"""Would the change combine with the target? Answered without a checkout, on objects only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from workspaces.errors import GitFailed
from workspaces.git import Git

SHOWN = 4096
"""Bytes of each side of a conflicting file that are shown."""

OURS, THEIRS = "2", "3"


class Attempt(Protocol):
    """A change as it was taken in: its commit, whose only parent is `base`, and its tree."""

    @property
    def commit(self) -> str: ...  # noqa: D102
    @property
    def tree(self) -> str: ...  # noqa: D102
    @property
    def base(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Side:
    """One conflicting file with what both made of it, cut at `SHOWN`; empty where that side has no such file."""

    path: str
    ours: str = ""  # the target's
    theirs: str = ""  # the attempt's


@dataclass(frozen=True, slots=True)
class Combined:
    """They combine to this tree."""

    tree: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """They do not. `tree` has the conflicting files with diff3 markers in them."""

    tree: str
    sides: tuple[Side, ...]


async def probe(git: Git, attempt: Attempt, tip: str) -> Combined | Conflict:
    """Combine an attempt with the target's tip. Raises `GitFailed` for anything that is neither answer."""
    if tip == attempt.base:
        return Combined(attempt.tree)
    args = ("-c", "merge.conflictStyle=diff3", "merge-tree", "--write-tree", "-z", tip, attempt.commit)
    done = await git.call(*args)
    tree, _, rest = done.out.partition(b"\0")
    if done.code not in {0, 1} or not tree:  # a commit that is not there is status 1 too
        raise GitFailed(args, done.code, done.err.decode(errors="replace"))
    if done.code == 0:
        return Combined(tree.decode())
    return Conflict(tree.decode(), await _sides(git, _stages(rest)))


def _stages(listing: bytes) -> dict[bytes, dict[str, str]]:
    """Path -> stage -> blob, from `MODE BLOB STAGE<TAB>PATH` entries up to an empty one, where messages begin.

    A gitlink has no text to show.
    """
    found: dict[bytes, dict[str, str]] = {}
    for entry in takewhile(bool, listing.split(b"\0")):
        words, _, path = entry.partition(b"\t")
        mode, blob, stage = words.decode().split(" ")
        sides = found.setdefault(path, {})
        if mode != "160000":
            sides[stage] = blob
    return found


async def _sides(git: Git, stages: Mapping[bytes, Mapping[str, str]]) -> tuple[Side, ...]:
    wanted = sorted({blob for sides in stages.values() for stage, blob in sides.items() if stage in {OURS, THEIRS}})
    texts = {"": ""} | await _texts(git, wanted)
    return tuple(
        Side(path.decode(errors="backslashreplace"), texts[sides.get(OURS, "")], texts[sides.get(THEIRS, "")])
        for path, sides in sorted(stages.items())
    )


async def _texts(git: Git, blobs: Sequence[str]) -> dict[str, str]:
    if not blobs:
        return {}
    out = await git.run("cat-file", "--batch", "--buffer", stdin="".join(f"{blob}\n" for blob in blobs).encode())
    texts: dict[str, str] = {}
    for blob in blobs:
        header, _, rest = out.partition(b"\n")
        size = int(header.rsplit(b" ", 1)[1])
        texts[blob] = _cut(rest[:size])
        out = rest[size + 1 :]
    return texts


def _cut(text: bytes) -> str:
    shown = text[:SHOWN].decode(errors="replace")
    return shown if len(text) <= SHOWN else f"{shown}\n[cut: {len(text)} bytes in all]\n"
