"""The person's repository: what it is, where its branches stand, who commits, and what is unusual about it.

Branch tips and checkouts are read from git's own files where they say so plainly (a loose ref wins over a packed one
by git's rules), else by asking git: these questions come with every merge, and a process costs more than the answer.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workspaces.errors import (
    BareRepository,
    DetachedHead,
    GitFailed,
    GitTooOld,
    NoCommits,
    NoSuchBranch,
    NotARepository,
)
from workspaces.git import Git

OLDEST = (2, 38)
BASES = "refs/quarterdeck/base/"

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BUSY = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}
_UNMERGED = frozenset({b"DD", b"AU", b"UD", b"UA", b"DU", b"AA", b"UU"})


@dataclass(frozen=True, slots=True)
class Checkout:
    """A work tree that has a branch checked out. `busy` names the operation that the person has under way there."""

    path: Path
    busy: str = ""
    git_dir: Path = field(default=Path(), compare=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who commits. `fallback` when git knows no name for this user, so that ours is used; that is to be said."""

    name: str
    email: str
    fallback: bool = False


FALLBACK = Identity("Quarterdeck", "quarterdeck@quarterdeck.invalid", fallback=True)


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository, known by its common git directory. `root` is the main work tree."""

    git: Git
    root: Path
    common_dir: Path
    version: str
    object_format: str
    notices: tuple[str, ...] = ()
    id: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(os.fsencode(self.common_dir)).hexdigest()
        object.__setattr__(self, "id", digest[:12])

    @staticmethod
    async def open(path: Path, program: str = "git") -> Repository:
        """Find the repository around `path`.

        Raises `GitMissing`, `GitTooOld`, `NotARepository`, `BareRepository` or `NoCommits`.
        """
        version = await _version(Git(Path("/"), program))
        common_dir, object_format, root = await _locate(_folder(path), program)
        git = Git(root, program)
        if await git.run("rev-parse", "--verify", "-q", "HEAD^{commit}", ok=(0, 1, 128)) == b"":
            raise NoCommits(root)
        return Repository(git, root, common_dir, version, object_format, await _notices(git, root, common_dir))

    async def current_branch(self) -> str | None:
        """The branch checked out in the main work tree, or None when HEAD is detached."""
        return await self.git.line("symbolic-ref", "-q", "--short", "HEAD", ok=(0, 1)) or None

    async def target(self, branch: str | None) -> str:
        """The branch to merge into: the one named, else the current one. Raises `NoSuchBranch`, `DetachedHead`."""
        name = branch if branch is not None else await self.current_branch()
        if name is None:
            raise DetachedHead(self.root)
        if (await self.git.call("check-ref-format", "--branch", name)).code != 0:
            raise NoSuchBranch(name)
        await self.tip(name)
        return name

    async def tip(self, branch: str) -> str:
        """The commit that a branch is at. Raises `NoSuchBranch`."""
        loose = _read(self.common_dir / "refs" / "heads" / branch)
        if _OID.fullmatch(loose):
            return loose
        found = await self.git.line("rev-parse", "--verify", "-q", f"refs/heads/{branch}^{{commit}}", ok=(0, 1, 128))
        if not found:
            raise NoSuchBranch(branch)
        return found

    async def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return await self.git.line("rev-parse", "--verify", f"{commit}^{{tree}}")

    async def names(self, commit: str) -> tuple[str, ...]:
        """What lies in the top folder of a commit."""
        listing = await self.git.run("ls-tree", "-z", "--name-only", commit)
        return tuple(os.fsdecode(name) for name in listing.split(b"\0") if name)

    async def checkouts(self, branch: str) -> list[Checkout]:
        """Work trees, main or linked, that have the branch checked out or are in an operation that began on it."""
        ref = f"refs/heads/{branch}"
        places = [(self.root, self.common_dir), *_linked(self.common_dir)]
        return [
            Checkout(path, _busy(git_dir), git_dir)
            for path, git_dir in places
            if ref in await self._heads(path, git_dir)
        ]

    async def uncommitted(self) -> tuple[str, ...]:
        """Paths in the main work tree that differ from its commit, untracked ones too; agents do not see these."""
        listing = await self.git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
        return tuple(entry[3:].decode(errors="backslashreplace") for entry in listing.split(b"\0") if entry)

    async def edited(self, place: Path, paths: Sequence[str]) -> bool:
        """Whether any of these files differs from its commit in the work tree `place`, or conflicts are unresolved."""
        asked = ("--literal-pathspecs", "-C", str(place), "status", "--porcelain=v1", "-z", "--no-renames")
        if paths:
            return await self.git.run(*asked, "--untracked-files=all", "--", *paths) != b""
        listing = await self.git.run(*asked, "--untracked-files=no")
        return any(entry[:2] in _UNMERGED for entry in listing.split(b"\0"))

    async def committer(self) -> Identity:
        """The person, as git knows them, else `FALLBACK`."""
        done = await self.git.call("var", "GIT_COMMITTER_IDENT")
        found = re.match(r"(.+) <(.*)> \d+ [+-]\d{4}$", done.out.decode(errors="replace").strip())
        return Identity(found[1], found[2]) if done.code == 0 and found else FALLBACK

    async def hooks(self) -> str:
        """The folder inside the work tree from which the person's git runs hooks (`core.hooksPath`), or empty."""
        asked = ("config", "--type=path", "--get-all", "core.hooksPath")
        *theirs, _ours = (await self.git.line(*asked)).split("\n")
        return _below(self.root, theirs[-1]) if theirs else ""

    async def links(self, commit: str, wanted: Callable[[str], object]) -> dict[str, str]:
        """The symbolic links of a commit's tree whose paths are `wanted`, and what each says."""
        found = {}
        listed = (await self.git.run("ls-tree", "-r", "-z", commit)).split(b"\0")
        for entry in (entry for entry in listed if entry.startswith(b"120000 ")):
            about, _, name = entry.partition(b"\t")
            path = name.decode(errors="backslashreplace")
            if wanted(path):
                said = await self.git.run("cat-file", "blob", about.rpartition(b" ")[2].decode())
                found[path] = said.decode(errors="backslashreplace")
        return found

    async def pin(self, run: str, commit: str) -> str:
        """Keep a run's base from being collected while clones borrow its objects. Gives the ref."""
        ref = BASES + run
        await self.git.run("update-ref", ref, commit)
        return ref

    async def _heads(self, path: Path, git_dir: Path) -> set[str]:
        head = _read(git_dir / "HEAD").removeprefix("ref: ")
        if head == "refs/heads/.invalid":  # the ref store is not made of files
            head = (await self.git.line("-C", str(path), "symbolic-ref", "-q", "HEAD", ok=(0, 1))) or head
        began = {_read(git_dir / kind / "head-name") for kind in ("rebase-merge", "rebase-apply")}
        return {head, *began}


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise NotARepository(path)
    return path.absolute()


def _below(root: Path, name: str) -> str:
    """A path as written, relative to the root it is below; empty where it is not."""
    path = Path(os.path.normpath(root / name))
    return path.relative_to(root).as_posix() if root in path.parents else ""


def _real(path: Path) -> Path:
    return path.resolve()


async def _version(git: Git) -> str:
    said = await git.line("version")
    found = re.search(r"(\d+)\.(\d+)[\w.]*", said)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        raise GitTooOld(found[0] if found else said, ".".join(map(str, OLDEST)))
    return found[0]


async def _locate(path: Path, program: str) -> tuple[Path, str, Path]:
    """Give common directory, object format and main work tree."""
    git = Git(path, program)
    asked = ("--is-bare-repository", "--absolute-git-dir", "--git-common-dir", "--show-object-format")
    done = await git.call("rev-parse", "--path-format=absolute", *asked, "--show-toplevel")
    if b"not a git repository" in done.err:
        raise NotARepository(path)
    said = [os.fsdecode(line) for line in done.out.split(b"\n")]
    if said[0] == "true":
        raise BareRepository(path)
    if b"must be run in a work tree" in done.err:
        raise NotARepository(path)
    if done.code != 0:
        raise GitFailed(("rev-parse", *asked), done.code, done.err.decode(errors="replace"))
    _, git_dir, common, object_format, top = said[:5]
    root = Path(top) if git_dir == common else await _main_tree(git)
    return _real(Path(common)), object_format, _real(root)


async def _main_tree(git: Git) -> Path:
    first = (await git.run("worktree", "list", "--porcelain", "-z")).split(b"\0\0")[0].split(b"\0")
    path = Path(os.fsdecode(first[0].removeprefix(b"worktree ")))
    if b"bare" in first:
        raise BareRepository(path)
    return path


async def _notices(git: Git, root: Path, common_dir: Path) -> tuple[str, ...]:
    said: list[str] = []
    if (root / ".gitmodules").exists():
        said.append("submodules: agents see them as empty folders; a change to what they point at is merged as usual")
    if await git.run("grep", "-l", "filter=lfs", "HEAD", "--", ":(glob)**/.gitattributes", ok=(0, 1)):
        said.append("Git LFS: agents see the small pointer files, not the contents; other files work as usual")
    promisor = r"^(remote\..*\.(promisor|partialclonefilter)|extensions\.partialclone)$"
    if await git.run("config", "--get-regexp", promisor, ok=(0, 1)):
        said.append("partial clone: agents can use only objects that are here; `git fetch --refetch` brings the rest")
    if (common_dir / "shallow").exists():
        said.append("shallow clone: all works but history before the cut; `git fetch --unshallow` brings it")
    return tuple(said)


def _linked(common_dir: Path) -> list[tuple[Path, Path]]:
    """Linked work trees that still exist, each with its git directory."""
    found: list[tuple[Path, Path]] = []
    for file in sorted((common_dir / "worktrees").glob("*/gitdir")):
        path = (file.parent / _read(file)).parent  # an absolute path stays what it is
        if path.is_dir():
            found.append((path, file.parent))
    return found


def _busy(git_dir: Path) -> str:
    return next((what for name, what in _BUSY.items() if (git_dir / name).exists()), "")


def _read(file: Path) -> str:
    try:
        return os.fsdecode(file.read_bytes()).removesuffix("\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
