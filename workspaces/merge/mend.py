"""Ends what was begun under our lock on a checkout's index, and did not end: git failed midway, or all were killed.

If the branch moved, its index goes along. If it did not, the files that had gone along already go back, one by one:
only those that were written since and hold exactly what the merge brings, or nothing, and those that are missing. A
file cut off while it was written is left, and shown as an edit in the way of the next try.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workspaces.git import Git
from workspaces.merge.lock import Index, Intent
from workspaces.repository import Checkout, Repository

_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as a tree or an index has it."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class _Change:
    """What a merge does to one path; None is no file."""

    path: str
    old: _Entry | None
    new: _Entry | None


async def mend(repo: Repository, branch: str) -> None:
    """Wherever the branch is checked out, end what an engine left under its lock. A lock in use is left alone."""
    for place in await repo.checkouts(branch):
        index = Index(place.git_dir)
        with index.stale() as intent:
            if intent is not None:
                await settle(repo.git, place, index, intent)


async def settle(git: Git, place: Checkout, index: Index, intent: Intent) -> None:
    """For whoever holds the lock: bring files and index to where the branch is, and let go."""
    there = await git.call("merge-base", "--is-ancestor", intent.new, f"refs/heads/{intent.branch}")
    if there.code == 0:
        index.take_over()
    else:
        await _back(git, place, index, intent)
    index.release()


async def _back(git: Git, place: Checkout, index: Index, intent: Intent) -> None:
    listed = await git.run("diff-tree", "-r", "-z", "--no-renames", intent.old, intent.new)
    indexed = await _indexed(git, place)
    ours = [change for change in _changes(listed) if indexed.get(change.path) == change.old]
    for path in await _gone_along(git, place, index, ours):
        _remove(place.path, path)
    missing = [c.path for c in ours if c.old is not None and not _there(place.path / c.path)]
    if missing:
        names = b"".join(os.fsencode(path) + b"\0" for path in missing)
        await git.run("-C", str(place.path), "checkout-index", "-q", "-z", "--stdin", stdin=names)


async def _gone_along(git: Git, place: Checkout, index: Index, changes: list[_Change]) -> list[str]:
    """Paths whose file is what the merge makes of it; git compares, as it knows the filters."""
    made = {change.path: change.new for change in changes if change.new is not None}
    index.begin()
    env = {"GIT_INDEX_FILE": str(index.scratch)}
    lines = b"".join(os.fsencode(f"{entry.mode} {entry.blob}\t{path}\0") for path, entry in made.items())
    within = ("-C", str(place.path))
    await git.run(*within, "update-index", "-z", "--index-info", stdin=lines, env=env)
    await git.run(*within, "update-index", "-q", "--refresh", env=env, ok=(0, 1))
    others = await git.run(*within, "diff-files", "-z", "--name-only", env=env)
    same = made.keys() - {os.fsdecode(name) for name in others.split(b"\0")}
    since = index.lock.stat().st_mtime_ns  # a file that was there before is the person's, whatever it holds
    return sorted(path for path in made if _written(place.path / path, since, whole=path in same))


def _written(file: Path, since: int, *, whole: bool) -> bool:
    """Whether the merge wrote it, or had just begun to: an empty file has nothing to lose."""
    try:
        found = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return found.st_ctime_ns >= since and (whole or (stat.S_ISREG(found.st_mode) and not found.st_size))


async def _indexed(git: Git, place: Checkout) -> dict[str, _Entry]:
    listing = await git.run("-C", str(place.path), "ls-files", "-s", "-z")
    found = {}
    for entry in listing.split(b"\0"):
        words, _, path = os.fsdecode(entry).partition("\t")
        if path:
            mode, blob, _stage = words.split(" ")
            found[path] = _Entry(mode, blob)
    return found


def _changes(listed: bytes) -> Iterator[_Change]:
    """From `:MODE MODE BLOB BLOB STATUS`, path, and so on; submodules have no files of ours."""
    words = [os.fsdecode(word) for word in listed.split(b"\0")]
    for head, path in zip(words[::2], words[1::2], strict=False):
        old_mode, new_mode, old, new, _ = head.removeprefix(":").split(" ")
        if _GITLINK not in {old_mode, new_mode}:
            yield _Change(path, _entry(old_mode, old), _entry(new_mode, new))


def _entry(mode: str, blob: str) -> _Entry | None:
    return _Entry(mode, blob) if int(mode) else None


def _there(file: Path) -> bool:
    return os.path.lexists(file)


def _remove(root: Path, path: str) -> None:
    """The file, and the folders that are empty without it."""
    file = root / path
    file.unlink()
    with contextlib.suppress(OSError):
        for folder in file.relative_to(root).parents[:-1]:
            (root / folder).rmdir()
