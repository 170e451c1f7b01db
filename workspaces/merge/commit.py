"""Makes the one commit of a merge: a single parent, the agent as author, the person as committer, and a trailer."""

from __future__ import annotations

from dataclasses import dataclass

from workspaces.git import Git
from workspaces.merge.trailers import TRAILER
from workspaces.repository import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What the commit says. `trailer` is RUN/TASK/ATTEMPT, `at` seconds since the epoch: the same merge made twice is
    the same commit.
    """

    tree: str
    parent: str
    author: Identity
    committer: Identity
    message: str
    trailer: str
    at: int


async def commit(git: Git, merge: Merge) -> str:
    """Write the commit and give its name. No branch moves."""
    text = f"{merge.message.strip()}\n\n{TRAILER}: {merge.trailer}\n"
    env = {
        "GIT_AUTHOR_NAME": merge.author.name,
        "GIT_AUTHOR_EMAIL": merge.author.email,
        "GIT_AUTHOR_DATE": f"@{merge.at} +0000",
        "GIT_COMMITTER_NAME": merge.committer.name,
        "GIT_COMMITTER_EMAIL": merge.committer.email,
        "GIT_COMMITTER_DATE": f"@{merge.at} +0000",
    }
    out = await git.run(
        "-c", "i18n.commitEncoding=UTF-8", "commit-tree", merge.tree, "-p", merge.parent, stdin=text.encode(), env=env
    )
    return out.decode().strip()
