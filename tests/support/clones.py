"""A repository with one clone in it, for scenarios about an agent's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.aio import run
from support.repos import PlainInside, git, make, write

from workspaces.clones.clone import Clone, Prepared
from workspaces.clones.intake import Change, Empty, Refusal
from workspaces.git import Git
from workspaces.layout import exclude
from workspaces.repository import Repository


@dataclass
class Bench:
    """`repo` with the clone of `builder-1`; short words for what every scenario does."""

    repo: Repository
    clone: Clone
    inside: PlainInside
    attempts: int = 0

    @property
    def root(self) -> Path:
        return self.repo.root

    @property
    def tip(self) -> str:
        return git(self.root, "rev-parse", "main")

    def prepare(self, base: str | None = None, carry: str | None = None) -> Prepared:
        return run(self.clone.prepare(base or self.tip, carry))

    def edit(self, files: Mapping[str, str | bytes | None]) -> None:
        write(self.clone.folder, files)

    def submit(self, base: str | None = None, *, limit: int = 10_000_000) -> Change | Empty | Refusal:
        self.attempts += 1
        ref = f"refs/quarterdeck/attempts/R/T/{self.attempts}"
        return run(self.clone.submit(ref, base=base or self.tip, message="the work\n", limit_bytes=limit))

    def change(self, base: str | None = None) -> Change:
        taken = self.submit(base)
        assert isinstance(taken, Change), taken
        return taken

    def attempt(self, files: Mapping[str, str | bytes | None]) -> Change:
        """One whole round of work on the tip."""
        self.prepare()
        self.edit(files)
        return self.change()


def bench(
    folder: Path,
    files: Mapping[str, str | bytes | None] | None = None,
    *init: str,
    copies: Sequence[str] = (),
    keep_ignored: bool = False,
) -> Bench:
    root = make(folder / "repo", files, *init)
    object_format = "sha256" if "--object-format=sha256" in init else "sha1"
    repo = Repository(Git(root), root, root / ".git", "", object_format)
    return bench_in(repo, copies=copies, keep_ignored=keep_ignored)


def bench_in(repo: Repository, *, copies: Sequence[str] = (), keep_ignored: bool = False) -> Bench:
    exclude(repo.common_dir)
    place, inside = repo.root / ".quarterdeck" / "trees" / "builder-1", PlainInside()
    return Bench(repo, Clone(repo, place, "builder-1", inside, copies=copies, keep_ignored=keep_ignored), inside)
