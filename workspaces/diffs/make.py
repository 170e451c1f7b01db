"""Asks git for a diff in one fixed shape, whatever the person's configuration says."""

from __future__ import annotations

from workspaces.git import Git

SHAPE = (
    *("-p", "-r", "-M", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short"),
    *("--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--diff-algorithm=histogram"),
)
"""No program of the configuration runs for it (external diffs, text conversion), and it parses the same everywhere."""

LISTED = "--raw"
"""Lists the files before the diff, with the modes that a diff does not tell of a file that only moved."""

FIXED = ("-c", "diff.suppressBlankEmpty=false", "-c", "core.quotePath=true", "-c", "diff.renameLimit=1000")


async def names(git: Git, base: str, other: str) -> list[str]:
    """Paths that differ between two commits or trees, both names of a renamed one; in git's order."""
    listed = await git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, other, "--")
    return [name.decode(errors="backslashreplace") for name in listed.split(b"\0") if name]


async def diff(git: Git, base: str, other: str) -> bytes:
    """Give the difference between two commits or trees."""
    return await git.run(*FIXED, "diff-tree", *SHAPE, base, other, "--")
