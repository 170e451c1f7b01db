"""A folder brought to exact contents by one call inside it, and made anew when that fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from workspaces.clones import scripts
from workspaces.clones.bones import Bones, empty
from workspaces.clones.copies import archive
from workspaces.clones.removal import remove
from workspaces.errors import TreeBroken
from workspaces.ports import Completed, Inside
from workspaces.repository import Identity, Repository


class Tree:
    """A clone's folder. `keep_ignored`: setup filled it with ignored files, which a cleaning is to leave.

    `renew`: its git directory can not be believed (forged objects, an index that says "unchanged"), and is made anew
    each time.
    """

    def __init__(
        self,
        repo: Repository,
        folder: Path,
        who: Identity,
        inside: Inside,
        *,
        copies: Sequence[str] = (),
        keep_ignored: bool = False,
        renew: bool = False,
    ) -> None:
        self.folder = folder
        self._root = repo.root
        self._inside = inside
        self._copies = tuple(copies)
        self._clean = "ffd" if keep_ignored else "ffdx"
        self._bones = Bones.of(repo, who)
        self._renew = renew

    async def restore(self, head: str, tree: str, *, spare: Sequence[str] = ()) -> bool:
        """Bring index and files to `tree`, HEAD to the commit `head`; tell whether the clone was made for it.

        `spare` are ignored paths that are left as they are. The folder itself stays the same one, as a sandbox has been
        given just that. Raises `TreeBroken`, `CopyRefused`.
        """
        tar = archive(self._root, self._copies)
        there = not self.folder.is_symlink() and (self.folder / ".git").is_dir()
        if there and self._renew:
            await _to_its_end(self._bones.renew, self.folder)
        if there and (await self._run(head, tree, self._clean, tar, spare, fresh=self._renew)).code == 0:
            return False
        await _to_its_end(empty, self.folder)
        self._bones.make(self.folder)
        done = await self._run(head, tree, "", tar, fresh=True)
        if done.code != 0:
            raise TreeBroken(self.folder, why(done))
        return True

    async def discard(self) -> None:
        """Empty the folder; the next restore makes all of it anew."""
        await _to_its_end(empty, self.folder)

    async def remove(self) -> None:
        """Delete the folder with all that is in it."""
        await _to_its_end(remove, self.folder)

    async def ignored(self) -> tuple[str, ...]:
        """Files and whole folders in it that git ignores, but for the copies. Raises `TreeBroken`."""
        argv = ("git", "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        done = await self._inside(argv, cwd=self.folder, env=scripts.ENVIRONMENT)
        if done.code != 0:
            raise TreeBroken(self.folder, why(done))
        found = {os.fsdecode(name).removesuffix("/") for name in done.out.split(b"\0") if name}
        return tuple(sorted(found - set(self._copies)))

    async def _run(
        self, head: str, tree: str, clean: str, tar: bytes, spare: Sequence[str] = (), *, fresh: bool
    ) -> Completed:
        return await scripts.restore(
            self._inside,
            self.folder,
            self._bones,
            head=head,
            tree=tree,
            clean=clean,
            fresh=fresh,
            spare=spare,
            exclude=self._copies if tar else (),
            archive=tar,
        )


async def _to_its_end(act: Callable[[Path], None], folder: Path) -> None:
    """In a thread. Cancelled, it is done first: the thread would go on all the same."""
    acting = asyncio.ensure_future(asyncio.to_thread(act, folder))
    try:
        await asyncio.shield(acting)
    except asyncio.CancelledError:
        await acting
        raise


def why(done: Completed) -> str:
    """What a command that failed said, or how it ended."""
    said = done.err.decode(errors="replace").strip()[-2000:]
    return said or ("it took too long" if done.timed_out else f"it ended with {done.code}")
