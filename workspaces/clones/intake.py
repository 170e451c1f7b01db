"""Takes work into the person's repository: a pack written by somebody we do not trust.

In a quarantine git checks every object for form and for what it points at (`--strict`), and we check that the commit is
one on top of the declared base, by the agent. Only then do the objects move in and a ref names them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workspaces.clones.packs import declared
from workspaces.clones.quarantine import Quarantine
from workspaces.diffs.make import FIXED, LISTED, SHAPE
from workspaces.diffs.model import File, numstat
from workspaces.diffs.modes import with_modes
from workspaces.diffs.parse import parse
from workspaces.diffs.patch import patch_id
from workspaces.errors import AttemptTaken, GitFailed
from workspaces.git import Git
from workspaces.repository import Identity

FEW = 100
"""Objects up to which they are stored one by one: a pack an attempt would slow all of git down (git's own limit)."""

SLOW = 1_000_000
"""Bytes of a diff or a pack from which reading it would hold the event loop up noticeably."""

UNPACKED = 1 << 30
"""Bytes that all objects of a change may have together once unpacked."""

GITLINK = "160000"

_OID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that was taken in: one commit on `base`. `files` has both names of a renamed one."""

    commit: str
    tree: str
    base: str
    patch: str
    files: tuple[str, ...]
    added: int
    removed: int
    diff: bytes = field(repr=False)
    parsed: tuple[File, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Empty:
    """The files are what they were at the base."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The work can not be taken in as it is; the reason is for its author."""

    reason: str


async def receive(
    git: Git, aside: Quarantine, output: bytes, *, base: str, who: Identity, limit: int
) -> Change | Empty | Refusal:
    """Check what `scripts.collect` gave, `limit` bytes at most, and store it if it is a change. No ref is made."""
    name, _, pack = output.partition(b"\n")
    if not _OID.fullmatch(name):
        return Refusal("nothing that names a commit came out of the clone")
    refused = await admit(git, aside, pack, limit=limit, name_bytes=len(name) // 2)
    change = refused or await examine(git, name.decode(), base=base, who=who, env=aside.env)
    if isinstance(change, Change):
        aside.release()
    return change


async def admit(git: Git, aside: Quarantine, pack: bytes, *, limit: int, name_bytes: int) -> Refusal | None:
    """Put the objects of a pack into the quarantine, or say why not. `name_bytes` is the length of an object's name."""
    if len(pack) > limit:
        return Refusal(f"the change is larger than {limit} bytes; leave generated files out, for example by .gitignore")
    arguments = (pack, name_bytes, UNPACKED)
    size = await asyncio.to_thread(declared, *arguments) if len(pack) > SLOW else declared(*arguments)
    if size > UNPACKED:
        return Refusal(f"the change unpacks to more than {UNPACKED} bytes")
    aside.begin()
    return await _store(git, pack, limit, aside.env)


def is_oid(text: str) -> bool:
    """Whether this is the whole name of an object."""
    return text.isascii() and _OID.fullmatch(text.encode()) is not None


async def examine(
    git: Git, commit: str, *, base: str, who: Identity, env: Mapping[str, str] | None = None
) -> Change | Empty | Refusal:
    """Read a commit that is in the repository, whose only parent must be `base` and whose author `who`."""
    shape = "--format=format:%H%n%T%n%P%n%an <%ae>"
    done = await git.call(*FIXED, "diff-tree", *SHAPE, LISTED, "--always", shape, commit, "--", env=env)
    if done.code != 0:
        return Refusal(f"{commit} is no commit: {done.err.decode(errors='replace').strip()}")
    head, _, _ = done.out.partition(b"\ndiff --git ")
    diff = done.out[len(head) + 1 :]
    found, tree, parents, author, *listed = [*head.decode(errors="replace").split("\n"), "", "", ""]
    if found != commit or parents != base:
        return Refusal(f"the commit stands on {parents or 'nothing'}, not on {base}")
    if author != f"{who.name} <{who.email}>":
        return Refusal(f"the commit is by {author}, not by {who.name}")
    return await _described(commit, tree, base, diff, listed) if diff else Empty()


async def taken(git: Git, ref: str, *, base: str, who: Identity) -> Change | None:
    """What `ref` holds, if an earlier engine took it in and died before it could say so."""
    commit = await git.line("rev-parse", "--verify", "-q", ref, ok=(0, 1, 128))
    found = await examine(git, commit, base=base, who=who) if commit else None
    return found if isinstance(found, Change) else None


async def name(git: Git, ref: str, commit: str) -> None:
    """Make `ref` point at the commit, at most once. Raises `AttemptTaken` if it holds another."""
    try:
        await git.run("update-ref", ref, commit, "")
    except GitFailed:
        if await git.line("rev-parse", "--verify", "-q", ref, ok=(0, 1, 128)) == commit:
            return
        if (await git.call("show-ref", "--verify", "-q", ref)).code == 0:
            raise AttemptTaken(ref) from None
        raise


async def _store(git: Git, pack: bytes, limit: int, env: Mapping[str, str]) -> Refusal | None:
    count = int.from_bytes(pack[8:12], "big") if pack.startswith(b"PACK") else 0
    few, many = ("unpack-objects", "-q"), ("index-pack", "--stdin", "--fix-thin")
    command = few if count <= FEW else many
    done = await git.call(*command, "--strict", f"--max-input-size={limit + 1}", stdin=pack or b"\n", env=env)
    if done.code == 0:
        return None
    return Refusal(f"git refuses the objects: {done.err.decode(errors='replace').strip()}")


async def _described(commit: str, tree: str, base: str, diff: bytes, listed: Sequence[str]) -> Change | Refusal:
    parsed = await asyncio.to_thread(parse, diff) if len(diff) > SLOW else parse(diff)
    files = with_modes(parsed, listed)
    nested = [file.path for file in files if file.status == "added" and file.new_mode == GITLINK]
    if nested:
        return Refusal(f"{nested[0]} is a git repository of its own; remove its .git, or the folder")
    added, removed = numstat(files)
    names = {name for file in files for name in (file.old, file.new) if name is not None}
    return Change(
        commit=commit,
        tree=tree,
        base=base,
        patch=patch_id(diff),
        files=tuple(sorted(names)),
        added=added,
        removed=removed,
        diff=diff,
        parsed=files,
    )
