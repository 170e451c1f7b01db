"""What can be wrong with a repository or with the files around it, one class a cause, each naming the way out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class WorkspaceError(Exception):
    """Base of everything this room raises on purpose."""


class GitMissing(WorkspaceError):
    """There is no git program."""

    def __init__(self, program: str) -> None:
        self.program = program
        super().__init__(f"{program}: not found on PATH; install git 2.38 or later")


class GitTooOld(WorkspaceError):
    """Git is there, but cannot probe merges without a checkout."""

    def __init__(self, found: str, needed: str) -> None:
        self.found, self.needed = found, needed
        super().__init__(f"git {found} is too old: {needed} or later is needed (git merge-tree --write-tree)")


class GitFailed(WorkspaceError):
    """A git command ended with a status that was not expected. `stderr` is what it said."""

    def __init__(self, args: Sequence[str], code: int, stderr: str) -> None:
        self.command, self.code, self.stderr = tuple(args), code, stderr
        said = stderr.strip() or "it said nothing"
        super().__init__(f"git {' '.join(args)} ended with {code}: {said}")


class NotARepository(WorkspaceError):
    """The folder is in no git work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: not in a git work tree; run `git init` there, or name one with --repo DIR")


class BareRepository(WorkspaceError):
    """The repository has no work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: a bare repository has no work tree; clone it and run in the clone")


class NoCommits(WorkspaceError):
    """Nothing was committed yet, so agents would start from nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: no commits yet; make one, for example `git add -A && git commit -m start`")


class DetachedHead(WorkspaceError):
    """A target was left to be the current branch, and there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: HEAD is detached; name a branch with --target BRANCH, or `git switch` to one")


class NoSuchBranch(WorkspaceError):
    """The target names no branch."""

    def __init__(self, branch: str) -> None:
        self.branch = branch
        super().__init__(f"there is no branch {branch}; make it with `git branch {branch}`, or name another")


class UnsafeName(WorkspaceError):
    """A name that becomes a file would leave its folder or hide."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name!r} is no safe file name: letters, digits, '.', '_' and '-', not beginning with '.'")


class UnsafeFolder(WorkspaceError):
    """A folder that must be private belongs to somebody else, is open to others, or is a link."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}; remove it, or set XDG_RUNTIME_DIR to a folder of your own")


class TreeBroken(WorkspaceError):
    """A clone could not be brought to a commit, even after it was made anew."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: could not be prepared: {why}")


class NotSeen(WorkspaceError):
    """What a clone holds could not be told while it is worked in."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: its difference could not be told just now: {why}")


class AttemptTaken(WorkspaceError):
    """A ref that is written once is there already, with another commit."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        super().__init__(f"{ref} exists already; read what it holds instead of taking the work in again")


class BadDiff(WorkspaceError):
    """A diff does not have the shape that git gives it. `line` counts from 1."""

    def __init__(self, line: int, found: str) -> None:
        self.line, self.found = line, found
        super().__init__(f"line {line} of the diff is not what git writes there: {found!r}")


class CopyRefused(WorkspaceError):
    """A file to be copied into every clone lies outside the repository."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"copies: {name!r} leads out of the repository; name a file inside it")


class NoneKept(WorkspaceError):
    """No kept work is meant by this, or more than one."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        there = f"there is {', '.join(known)}" if known else "nothing is kept"
        super().__init__(f'"{name}" names no kept work: {there}; `quarterdeck undo` lists it')
