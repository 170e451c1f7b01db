"""A folder brought to exact contents by one call inside it, and made anew when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from workspaces.clones import scripts
from workspaces.clones.bones import Bones, remove
from workspaces.clones.copies import archive
from workspaces.errors import TreeBroken
from workspaces.ports import Completed, Inside
from workspaces.repository import Identity, Repository


class Tree:
    """A clone's folder. `keep_ignored`: setup filled it with ignored files, which a cleaning is to leave."""

    def __init__(
        self,
        repo: Repository,
        folder: Path,
        who: Identity,
        inside: Inside,
        *,
        copies: Sequence[str] = (),
        keep_ignored: bool = False,
    ) -> None:
        self.folder = folder
        self._root = repo.root
        self._inside = inside
        self._copies = tuple(copies)
        self._clean = "ffd" if keep_ignored else "ffdx"
        self._bones = Bones.of(repo, who)

    async def restore(self, head: str, tree: str) -> bool:
        """Bring index and files to `tree`, HEAD to the commit `head`; tell whether the folder was made for it.

        Raises `TreeBroken`, `CopyRefused`.
        """
        tar = archive(self._root, self._copies)
        if self.folder.is_dir() and (await self._run(head, tree, self._clean, tar)).code == 0:
            return False
        await self.remove()
        self._bones.make(self.folder)
        done = await self._run(head, tree, "", tar)
        if done.code != 0:
            raise TreeBroken(self.folder, why(done))
        return True

    async def remove(self) -> None:
        """Delete the folder with all that is in it. Cancelled, it is done first: a thread goes on all the same."""
        removing = asyncio.ensure_future(asyncio.to_thread(remove, self.folder))
        try:
            await asyncio.shield(removing)
        except asyncio.CancelledError:
            await removing
            raise

    async def _run(self, head: str, tree: str, clean: str, tar: bytes) -> Completed:
        return await scripts.restore(
            self._inside,
            self.folder,
            self._bones,
            head=head,
            tree=tree,
            clean=clean,
            exclude=self._copies if tar else (),
            archive=tar,
        )


def why(done: Completed) -> str:
    """What a command that failed said, or how it ended."""
    said = done.err.decode(errors="replace").strip()[-2000:]
    return said or ("it took too long" if done.timed_out else f"it ended with {done.code}")
