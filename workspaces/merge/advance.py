"""Moves the target from exactly one commit to the next, or says why not.

Where nobody has the branch checked out, one compare-and-swap of the ref. Where somebody has, `git merge --ff-only` in
that work tree: it keeps edits to other files and refuses to touch edited ones. The lock on the index is held from
before git looks at it until branch, files and index are all at the new commit, or all back. It refuses to move a
branch back, to stash, and to act in the middle of a person's rebase or merge.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from workspaces.errors import GitFailed
from workspaces.git import PAUSES, lock_held
from workspaces.merge.lock import Index, Intent
from workspaces.merge.mend import mend, settle
from workspaces.ports import Completed
from workspaces.repository import Checkout, Repository

_LISTED = re.compile(r"^\t(.+)$", re.MULTILINE)
_SCRIPT = """
index=$1 scratch=$2 lock=$3; shift 3
GIT_INDEX_FILE=$scratch "$@" && mv -f "$scratch" "$index" && rm -f "$lock"
"""
"""One process that lives on when the engine is killed. After a failure the lock stays for whoever looks into it."""
_FORWARD = ("merge", "--ff-only", "--no-autostash", "--no-verify-signatures", "--no-stat", "-q")


@dataclass(frozen=True, slots=True)
class Advanced:
    """The branch is at the new commit."""

    tip: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody else moved the branch first; it is at `tip`, and the change is to be combined anew."""

    tip: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing moved, because it would have touched the person's work. `paths` are edited files in the way."""

    reason: str
    paths: tuple[str, ...] = ()


async def advance(repo: Repository, branch: str, old: str, new: str) -> Advanced | Moved | Blocked:
    """Move `branch` from `old` to its descendant `new`. May be called again after a crash."""
    tip = await repo.tip(branch)
    if tip != old:
        return Advanced(tip) if tip == new else Moved(tip)
    step = _Step(repo, branch, old, new)
    places = await repo.checkouts(branch)
    if len(places) > 1:
        return Blocked(f"{branch} is checked out in {places[0].path} and {places[1].path}: leave it in one of them")
    return await step.forward(places[0]) if places else await step.swap()


@dataclass(frozen=True, slots=True)
class _Step:
    """One move of a branch."""

    repo: Repository
    branch: str
    old: str
    new: str

    async def swap(self) -> Advanced | Moved | Blocked:
        """The branch is checked out nowhere."""
        args = ("update-ref", "-m", "quarterdeck: merge", f"refs/heads/{self.branch}", self.new, self.old)
        return await self._settled(args, await self.repo.git.call(*args))

    async def forward(self, place: Checkout) -> Advanced | Moved | Blocked:
        """The branch is checked out at `place`, whose files go with it."""
        if place.busy:
            return Blocked(f"{place.busy} is in progress in {place.path}: finish or abort it")
        await mend(self.repo, self.branch)
        args = ("-C", str(place.path), "-c", "submodule.recurse=false", *_FORWARD, self.new)
        for pause in (*PAUSES, 0.0):
            done = await self._locked(place, args)
            if done.code == 0 or not lock_held(done.err):
                break
            await asyncio.sleep(pause)
        return await self._settled(args, done)

    async def _locked(self, place: Checkout, args: tuple[str, ...]) -> Completed:
        """Once, while no other git can use the index."""
        index, intent = Index(place.git_dir), Intent(self.branch, self.old, self.new)
        try:
            with index.locked(intent) as handle:
                index.copy()
                files = (str(index.path), str(index.scratch), str(index.lock))
                done = await self.repo.git.within(_SCRIPT, *files, words=args, keep=(handle,))
                if done.code != 0:
                    await settle(self.repo.git, place, index, intent)
        except FileExistsError:
            return Completed(code=128, out=b"", err=f"fatal: Unable to create '{index.lock}': File exists.".encode())
        return done

    async def _settled(self, args: tuple[str, ...], done: Completed) -> Advanced | Moved | Blocked:
        """Believe the branch, not the exit status; only if it did not move, what git said matters."""
        tip = await self.repo.tip(self.branch)
        if tip != self.old:
            return Advanced(tip) if tip == self.new else Moved(tip)
        said = done.err.decode(errors="backslashreplace")
        if paths := tuple(_LISTED.findall(said)):
            return Blocked("uncommitted edits are in the way: commit, stash or remove them", paths)
        if "unmerged" in said:
            return Blocked("conflicts are unresolved in the work tree: resolve and commit them")
        if lock_held(done.err):
            return Blocked(f"another git holds {_lock(said)}: remove it if that git is gone")
        raise GitFailed(args, done.code, said)


def _lock(said: str) -> str:
    found = re.search(r"'([^']+\.lock)'", said)
    return found[1] if found else "a lock"
