"""Which repository a folder belongs to, by one git process and without asyncio.

For clients, which must start fast; whoever works with the repository opens it (`workspaces.repository`), which asks
more and says what is unusual about it. Both find the same root and the same id.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from workspaces.errors import BareRepository, GitFailed, GitMissing, NotARepository

_ASKED = ("rev-parse", "--path-format=absolute", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository as clients know it. `root` is its main work tree, `id` names its folders and socket."""

    root: Path
    common_dir: Path
    id: str


def identify(path: Path) -> Place:
    """Find the repository around `path`.

    Raises `GitMissing`, `NotARepository`, `BareRepository`, `GitFailed`.
    """
    if not path.is_dir():
        raise NotARepository(path)
    words = (*_ASKED, "--show-toplevel")
    code, out, err = _git(path, *words)
    said = out.split(b"\n")
    if said[0] == b"true":
        raise BareRepository(path)
    if b"not a git repository" in err or b"must be run in a work tree" in err:
        raise NotARepository(path)
    if code != 0:
        raise GitFailed(words, code, err.decode(errors="replace"))
    _, git_dir, common, top = (os.fsdecode(line) for line in said[:4])
    common_dir = Path(common).resolve()
    root = Path(top) if git_dir == common else _main_tree(path)
    return Place(root.resolve(), common_dir, repository_id(common_dir))


def repository_id(common_dir: Path) -> str:
    """The id of the repository with this common git directory, which must be resolved."""
    return hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:12]


def _main_tree(path: Path) -> Path:
    code, out, err = _git(path, "worktree", "list", "--porcelain", "-z")
    if code != 0:
        raise GitFailed(("worktree", "list"), code, err.decode(errors="replace"))
    first = out.split(b"\0\0")[0].split(b"\0")
    if b"bare" in first:
        raise BareRepository(path)
    return Path(os.fsdecode(first[0].removeprefix(b"worktree ")))


def _git(path: Path, *words: str) -> tuple[int, bytes, bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=environment,
        )
    except FileNotFoundError:
        raise GitMissing("git") from None
    return done.returncode, done.stdout, done.stderr
