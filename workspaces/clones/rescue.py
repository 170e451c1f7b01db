"""Keeps all that an agent's clone holds, finished or not, before anything in it is changed or deleted.

A program inside gathers it (`rescue_inside`); here the pack is checked like any work that comes in and named by a ref.
What git ignores is kept apart, where the agent made it, so that it never becomes part of a change by accident. The
message of the commit says whose it is and why, so that a list of what is kept needs nothing but the repository.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from workspaces.clones import intake
from workspaces.clones.bones import Bones
from workspaces.clones.intake import Change, Empty, Refusal
from workspaces.clones.quarantine import Quarantine
from workspaces.clones.scripts import ENVIRONMENT
from workspaces.clones.tree import why
from workspaces.ports import Completed, Inside
from workspaces.repository import Identity, Repository

KEPT = "refs/quarterdeck/kept/"
ASIDE = "refs/quarterdeck/ignored/"
TRAILER = "Quarterdeck-Kept: "

SECONDS = 30.0
"""The longest that gathering may take, before what is over is left out."""
FILE, TOTAL, IGNORED = 32 << 20, 64 << 20, 16 << 20
"""Bytes of one file, of all that is kept of one clone, and of what git ignores in it."""
LARGEST = 2 * (TOTAL + IGNORED)
"""Bytes of what comes out of a clone."""
HASHED = 64 << 20
"""Bytes of files that are compared by their contents; beyond, what nobody touched since is believed to be the same."""
TOLD = 8
"""How many of what is left out is told by name."""


_START = """
import sys, types
files = sys.modules["workspaces.clones.inside_files"] = types.ModuleType("inside_files")
exec(sys.argv[1], files.__dict__)
exec(sys.argv[2])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Work that was begun in a clone: the commit it stands on, the tree it was given, and the ref it is kept under.

    `since` is the moment its program was started, in nanoseconds of Unix time; 0 where that is not known. `copies` are
    files that were brought along and are never kept.
    """

    ref: str
    base: str = ""
    tree: str = ""
    since: int = 0
    run: str = ""
    task: str = ""
    attempt: int = 0
    lease: int = 0
    kind: str = "work"
    copies: tuple[str, ...] = ()

    @property
    def aside(self) -> str:
        """The ref for what git ignores."""
        return ASIDE + self.ref.removeprefix(KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was kept: a commit by the agent on the base. `size` are the bytes it added to the repository.

    `left` are files that were left out, each with the reason, the first of `lost`; `ignored` is the ref of what git
    ignores, or empty.
    """

    commit: str
    size: int
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    left: tuple[tuple[str, str], ...] = ()
    lost: int = 0
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the program inside said: a commit of the work and one of what git ignores, empty where there is none."""

    commit: str
    aside: str
    left: tuple[tuple[str, str], ...]
    lost: int


class Rescuer:
    """Keeps what the clone of the agent `who` at `folder` holds, by a program that `inside` runs."""

    def __init__(
        self,
        repo: Repository,
        aside: Quarantine,
        folder: Path,
        who: Identity,
        inside: Inside,
    ) -> None:
        self._git, self._aside, self._folder, self._who = repo.git, aside, folder, who
        self._inside = inside
        self._bones = Bones.of(repo, who)

    async def keep(self, begun: Begun, why_: str) -> Kept | Empty | Refusal:
        """Gather what is there and keep it under the ref of `begun`, which must be new.

        Raises what `inside` raises, `AttemptTaken`, `GitFailed`.
        """
        found = await self._try(begun, why_, shy=False)
        if isinstance(found, Refusal):  # what git's strict check complains of is left out the second time
            found = await self._try(begun, why_, shy=True)
        return found

    async def _try(self, begun: Begun, why_: str, *, shy: bool) -> Kept | Empty | Refusal:
        done = await self._gather(begun, shy=shy)
        if done.code != 0:
            return Refusal(why(done))
        head, _, pack = done.out.partition(b"\n")
        told = _read(head)
        if told is None:
            return Refusal("what came out of the clone names no commit")
        if not (told.commit or told.aside):
            return Empty()
        change = await self._taken(begun, told, pack)
        return change if isinstance(change, Refusal) else await self._named(begun, change, told, len(pack), why_)

    async def _gather(self, begun: Begun, *, shy: bool) -> Completed:
        asked = {
            "base": begun.base,
            "tree": begun.tree or begun.base,
            "since": begun.since,
            "name": self._who.name,
            "email": self._who.email,
            "config": self._bones.config,
            "alternates": self._bones.alternates,
            "copies": begun.copies,
            "shy": shy,
            "seconds": SECONDS,
            "file": FILE,
            "total": TOTAL,
            "ignored": IGNORED,
            "hashed": HASHED,
            "told": TOLD,
        }
        argv = (sys.executable, "-I", "-S", "-c", _START, *_program(), json.dumps(asked))
        return await self._inside(argv, cwd=self._folder, env=ENVIRONMENT, timeout=SECONDS + 15, limit=LARGEST)

    async def _taken(self, begun: Begun, told: _Told, pack: bytes) -> Change | Empty | Refusal:
        """Check the objects like those of any work, and let them in."""
        env = self._aside.env
        refused = await intake.admit(self._git, self._aside, pack, limit=LARGEST, name_bytes=len(begun.base) // 2)
        if refused is not None:
            return refused
        change: Change | Empty | Refusal = Empty()
        if told.commit:
            change = await intake.examine(self._git, told.commit, base=begun.base, who=self._who, env=env)
        if told.aside and (await self._git.call("cat-file", "-e", f"{told.aside}^{{tree}}", env=env)).code != 0:
            change = Refusal("what came out of the clone is not all there")
        if not isinstance(change, Refusal):
            self._aside.release()
        return change

    async def _named(self, begun: Begun, change: Change | Empty, told: _Told, size: int, why_: str) -> Kept:
        """Make the commit that says what it is, and the refs."""
        kept = Kept(commit="", size=size, left=told.left, lost=told.lost, ignored=begun.aside if told.aside else "")
        tree = f"{begun.base}^{{tree}}"
        if isinstance(change, Change):
            kept = replace(kept, files=change.files, added=change.added, removed=change.removed)
            tree = change.tree
        who = {"NAME": self._who.name, "EMAIL": self._who.email}
        env = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
        message = _message(begun, kept, self._who.name, why_).encode()
        tree = await self._git.line("rev-parse", tree)
        made = await self._git.run("commit-tree", tree, "-p", begun.base, "-F", "-", stdin=message, env=env)
        if told.aside:
            await intake.name(self._git, begun.aside, told.aside)
        kept = replace(kept, commit=made.decode().strip())
        await intake.name(self._git, begun.ref, kept.commit)
        return kept


@cache
def _program() -> tuple[str, ...]:
    return tuple(Path(__file__).with_name(name).read_text("utf-8") for name in ("inside_files.py", "rescue_inside.py"))


def _read(line: bytes) -> _Told | None:
    """What the program said; it comes from where the agent was, so nothing in it is believed but in form."""
    try:
        found = json.loads(line)
        left = tuple((_plain(path), _plain(why)) for path, why in found["left"][:TOLD])
        commit, aside = (str(found[name]) for name in ("commit", "aside"))
        if all(not oid or intake.is_oid(oid) for oid in (commit, aside)):
            return _Told(commit, aside, left, max(int(found["lost"]), len(left)))
    except (ValueError, TypeError, KeyError):
        pass
    return None


def _plain(text: object) -> str:
    return "".join(char if char.isprintable() else "?" for char in str(text)[:300])


def _message(begun: Begun, kept: Kept, agent: str, why_: str) -> str:
    about = {
        "run": begun.run,
        "task": begun.task,
        "attempt": begun.attempt,
        "agent": agent,
        "kind": begun.kind,
        "why": why_,
        "files": len(kept.files),
        "added": kept.added,
        "removed": kept.removed,
        "size": kept.size,
        "left": kept.left,
        "lost": kept.lost,
        "ignored": kept.ignored,
    }
    where = f"{begun.task}, attempt {begun.attempt}" if begun.task != "_" else "the run"
    lines = [f"Unfinished {begun.kind} of {agent} on {where}", "", f"Put aside because {why_}."]
    lines += [f"Left out: {path} ({reason})" for path, reason in kept.left]
    return "\n".join((*lines, "", TRAILER + json.dumps(about), ""))
