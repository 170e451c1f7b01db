"""An agent's clone: brought to a base before an attempt, read out after it, kept as it stands when it was cut short.

One call inside for each, one script each. Whatever the agent did to its own `.git` is undone or makes the clone be made
anew; nothing of it is ever read with our own rights.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspaces.clones import intake, scripts
from workspaces.clones.bones import move_out
from workspaces.clones.intake import Change, Empty, Refusal
from workspaces.clones.quarantine import Quarantine
from workspaces.clones.rescue import Begun, Kept, Rescuer
from workspaces.clones.touched import touched
from workspaces.clones.tree import Tree, why
from workspaces.merge.probe import Combined, Conflict, Side, probe
from workspaces.ports import Inside
from workspaces.repository import Identity, Repository

LIMIT = 64 * 1024 * 1024
"""Bytes of packed work an attempt may hand in, unless told otherwise."""

Refuses = Callable[[Change], str]

_MARKER = re.compile(r"(<{7}|\|{7}|>{7})( |$)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A clone that is ready. Not `clean` when the carried change conflicts with the base; `sides` say where.

    `fresh` when the clone was made by this call, so that nothing of an earlier setup is in it. `tree` is what it was
    given: a tree or commit.
    """

    base: str
    sides: tuple[Side, ...]
    clean: bool
    fresh: bool
    tree: str = ""


@dataclass(frozen=True, slots=True)
class _Carried:
    """An earlier attempt, as `probe` wants it."""

    commit: str
    tree: str
    base: str


def identity(agent: str) -> Identity:
    """The name under which an agent commits."""
    return Identity(agent, f"{agent}@quarterdeck.invalid")


class Clone:
    """One agent's clone at `folder`. `keep_ignored`: setup filled it with ignored files, which a cleaning leaves."""

    def __init__(
        self,
        repo: Repository,
        folder: Path,
        agent: str,
        inside: Inside,
        *,
        copies: Sequence[str] = (),
        keep_ignored: bool = False,
    ) -> None:
        self.folder = folder
        self.who = identity(agent)
        self._git = repo.git
        self._aside = Quarantine(repo.common_dir, agent)
        self._inside = inside
        self._rescuer = Rescuer(repo, self._aside, folder, self.who, inside)
        self._tree = Tree(repo, folder, self.who, inside, copies=copies, keep_ignored=keep_ignored, renew=True)
        self._conflicted: frozenset[str] = frozenset()

    async def prepare(self, base: str, carry: str | None = None) -> Prepared:
        """Bring the clone to `base`, with the change of the earlier attempt `carry` on top, staged, uncommitted.

        Conflicts are left in the files with diff3 markers. Raises `TreeBroken`, `CopyRefused`, `GitFailed`.
        """
        start = await self._carried(base, carry) if carry else Combined(base)
        sides = start.sides if isinstance(start, Conflict) else ()
        fresh = await self._tree.restore(base, start.tree)
        self._conflicted = frozenset(side.path for side in sides)
        return Prepared(base, sides, clean=isinstance(start, Combined), fresh=fresh, tree=start.tree)

    async def submit(
        self, ref: str, *, base: str, message: str, limit_bytes: int = LIMIT, refuses: Refuses = lambda _: ""
    ) -> Change | Empty | Refusal:
        """Take in all that differs from `base` as one commit by the agent, named by `ref`, which must be new.

        It makes no difference whether and what the agent committed. `refuses` gives the reason why a change may not be
        taken, or nothing. Raises `AttemptTaken`, `GitFailed`.
        """
        change = await self._take(base, message, limit_bytes)
        if not isinstance(change, Change):
            return change
        left = self._markers(change)
        if left:
            return Refusal(f"conflict markers are left in {', '.join(left)}")
        if reason := refuses(change):
            return Refusal(reason)
        await intake.name(self._git, ref, change.commit)
        return change

    async def taken(self, ref: str, *, base: str) -> Change | None:
        """What `submit` took in under `ref` already, as it gave it then; None if it did not. Runs nothing inside."""
        return await intake.taken(self._git, ref, base=base, who=self.who)

    async def touched(self, since: int) -> bool:
        """Whether anything in it may have changed since that moment (nanoseconds of Unix time). Runs nothing inside."""
        return await asyncio.to_thread(touched, self.folder, since)

    async def keep(self, begun: Begun, why_: str) -> Kept | Empty | Refusal:
        """Put aside what is there, finished or not, untracked files too, under the ref of `begun`, which must be new.

        `why_` completes "put aside because". Nothing of the agent's git runs or is waited for. Raises `AttemptTaken`,
        `GitFailed`.
        """
        return await self._rescuer.keep(begun, why_)

    async def lay_aside(self) -> Path:
        """Move all that is in it out to a new folder beside it, where it can not be kept in any other way."""
        return await asyncio.to_thread(move_out, self.folder)

    async def discard(self) -> None:
        """Empty the folder, which stays; what is prepared next is made anew."""
        await self._tree.discard()

    async def remove(self) -> None:
        """Delete the clone with all that is in it."""
        await self._tree.remove()

    async def _take(self, base: str, message: str, limit: int) -> Change | Empty | Refusal:
        done = await scripts.collect(self._inside, self.folder, base=base, who=self.who, message=message, limit=limit)
        if done.code != 0:
            return Refusal(f"git could not commit in the clone: {why(done)}")
        return await intake.receive(self._git, self._aside, done.out, base=base, who=self.who, limit=limit)

    async def _carried(self, base: str, carry: str) -> Combined | Conflict:
        found = await self._git.line("rev-parse", f"{carry}^{{tree}}", f"{carry}^")
        tree, parent = found.split("\n")
        return await probe(self._git, _Carried(carry, tree, parent), base)

    def _markers(self, change: Change) -> list[str]:
        return [
            f"{file.path}:{number}"
            for file in change.parsed
            if file.path in self._conflicted
            for hunk in file.hunks
            for number, line in hunk.numbered()
            if line.kind == "+" and _MARKER.match(line.text)
        ]
