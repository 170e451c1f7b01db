"""What is kept of cut-short work: listed, named, brought back as a branch, and dropped when there is too much of it.

All of it is in the repository's own refs and commits; no engine is needed. Nothing here touches a branch that exists.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from workspaces.clones.rescue import ASIDE, KEPT, TRAILER
from workspaces.errors import NoneKept
from workspaces.git import Git

BRANCHES = "quarterdeck/kept/"
SHORTEST = 7
_FIELDS = ("%(refname)", "%(objectname)", "%(committerdate:unix)", "%(authorname)", "%(parent)", "%(contents)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Work that was put aside. `id` is the shortest beginning of its commit that names it; `at` is Unix time.

    `why` completes "put aside because"; `left` are files that were left out, the first of `lost`; `ignored` is the ref
    of what git ignores, or empty; `size` is in bytes, 0 where it is not known.
    """

    id: str
    ref: str
    commit: str
    base: str
    at: float
    agent: str
    run: str
    task: str
    attempt: int
    kind: str = "work"
    why: str = ""
    files: int = 0
    added: int = 0
    removed: int = 0
    size: int = 0
    left: tuple[str, ...] = ()
    lost: int = 0
    ignored: str = ""


async def listing(git: Git) -> list[Kept]:
    """All that is kept, the newest first."""
    shape = f"--format={'%00'.join(_FIELDS)}%00%01"
    said = await git.run("for-each-ref", shape, KEPT)
    rows = [entry.lstrip("\n").split("\0") for entry in said.decode(errors="replace").split("\0\1")]
    full = [row for row in rows if len(row) == len(_FIELDS)]
    size = _shortest([row[1] for row in full])
    found = [await _read(git, row, size) for row in full]
    return sorted(found, key=lambda one: (one.at, one.ref), reverse=True)


def named(found: Sequence[Kept], name: str) -> Kept:
    """The one that is meant by an id, the beginning of a commit, or a ref. Raises NoneKept."""
    exact = [one for one in found if name in {one.id, one.ref, one.commit}]
    near = exact or [one for one in found if len(name) >= 4 and one.commit.startswith(name.lower())]
    if len(near) != 1:
        raise NoneKept(name, [one.id for one in (near or found)[:6]])
    return near[0]


async def as_branch(git: Git, kept: Kept) -> str:
    """Make a branch of it, under a name that was free; one that is there already and at this commit serves.

    Raises GitFailed.
    """
    stem = f"{BRANCHES}{kept.task if kept.task != '_' else 'run'}-{kept.attempt}"
    said = (
        await git.run("for-each-ref", "--format=%(refname:short)%00%(objectname)", f"refs/heads/{BRANCHES}")
    ).decode()
    there = dict(line.split("\0") for line in said.splitlines())
    number = 1
    while (name := stem if number == 1 else f"{stem}-{number}") in there:
        if there[name] == kept.commit:
            return name
        number += 1
    await git.run("update-ref", "-m", f"quarterdeck undo {kept.id}", f"refs/heads/{name}", kept.commit, "")
    return name


async def drop(git: Git, gone: Collection[Kept]) -> None:
    """Delete the refs of these, and of what git ignored beside them."""
    lines = [f"delete {name}\n" for one in gone for name in (one.ref, one.ignored) if name]
    if lines:
        await git.run("update-ref", "--stdin", stdin="".join(lines).encode())


def too_many(
    found: Sequence[Kept], *, now: float, most: int, seconds: float, size: int, spared: Collection[str]
) -> list[Kept]:
    """Which of these (newest first) are to go: those beyond the count, older than that, or beyond the bytes.

    A limit of 0 is none. `spared` are refs that stay, whatever there is; they count all the same.
    """
    gone: list[Kept] = []
    total = 0
    for number, one in enumerate(found, 1):
        total += one.size
        over = (most and number > most) or (seconds and now - one.at > seconds) or (size and total > size)
        if over and one.ref not in spared:
            gone.append(one)
    return gone


def _shortest(commits: Sequence[str]) -> int:
    size = SHORTEST
    while len({commit[:size] for commit in commits}) < len(set(commits)):
        size += 1
    return size


async def _read(git: Git, row: Sequence[str], size: int) -> Kept:
    ref, commit, at, author, parent, contents = row
    run, task, last = [*ref.removeprefix(KEPT).split("/"), "", "", ""][:3]
    about = _trailer(contents) or await _counted(git, parent, commit)
    return Kept(
        id=commit[:size],
        ref=ref,
        commit=commit,
        base=parent.partition(" ")[0],
        at=float(at or 0),
        agent=author,
        run=run,
        task=task,
        attempt=int(found[0]) if (found := re.match(r"\d+", last)) else 0,
        kind=about.kind,
        why=about.why,
        files=about.files,
        added=about.added,
        removed=about.removed,
        size=about.size,
        left=tuple(f"{path} ({why})" for path, why in about.left),
        lost=about.lost,
        ignored=about.ignored if about.ignored.startswith(ASIDE) else "",
    )


class _About(msgspec.Struct, frozen=True):
    """What a commit says of itself; more than its refs and its author do."""

    kind: str = "work"
    why: str = ""
    files: int = 0
    added: int = 0
    removed: int = 0
    size: int = 0
    left: tuple[tuple[str, str], ...] = ()
    lost: int = 0
    ignored: str = ""


def _trailer(contents: str) -> _About | None:
    line = next((line for line in reversed(contents.splitlines()) if line.startswith(TRAILER)), "")
    try:
        return msgspec.json.decode(line.removeprefix(TRAILER), type=_About)
    except msgspec.MsgspecError:
        return None


async def _counted(git: Git, parent: str, commit: str) -> _About:
    """Of work that an earlier version kept, what it changes."""
    said = (await git.run("diff", "--shortstat", parent, commit)).decode() if parent else ""
    files, added, removed = (
        int(found[1]) if (found := re.search(rf"(\d+) {word}", said)) else 0
        for word in ("file", "insertion", "deletion")
    )
    return _About(files=files, added=added, removed=removed)
