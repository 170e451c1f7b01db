"""Trees for checks and gates: a few folders, used again and again, each brought to exactly the tree to be judged.

A check runs the agents' code, so a tree belongs to that code from then on: it is restored inside, like a clone. Where
the check runs confined, its `.git` is read-only to it, so that it can not tell the next restore that all is unchanged,
and so is what setup made (`products`): all else that is ignored goes before the next check.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from workspaces.clones.tree import Tree
from workspaces.ports import Inside
from workspaces.repository import Identity, Repository

CHECKER = Identity("check", "check@quarterdeck.invalid")


class CheckTree:
    """One folder for checks, used by one at a time."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.setup_key = ""  # what the last setup in it was for
        self.products: tuple[str, ...] = ()  # and what it made: a remade tree forgets both

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._tree.folder

    async def was_set_up(self, key: str) -> None:
        """Setup has run for `key`: what is ignored now is its product, and stays. Raises `TreeBroken`."""
        self.setup_key, self.products = key, await self._tree.ignored()

    async def prepare(self, tree: str, *, head: str) -> bool:
        """Bring the files to exactly a tree or commit, HEAD to the commit `head`; tell whether it was made for it.

        Raises `TreeBroken`, `CopyRefused`.
        """
        fresh = await self._tree.restore(head, tree, spare=self.products)
        if fresh:
            self.setup_key, self.products = "", ()
        return fresh


class Trees:
    """A pool of at most `size` check trees under `folder`, made when first needed.

    `renew`: what is checked can write to their git directories, so that these are made anew each time.
    """

    def __init__(
        self,
        repo: Repository,
        folder: Path,
        inside: Inside,
        *,
        size: int = 2,
        copies: Sequence[str] = (),
        renew: bool = False,
    ) -> None:
        self._free: asyncio.LifoQueue[CheckTree] = asyncio.LifoQueue()
        for number in range(size, 0, -1):
            place = folder / f".check-{number}"
            tree = Tree(repo, place, CHECKER, inside, copies=copies, renew=renew)
            self._free.put_nowait(CheckTree(tree))

    @asynccontextmanager
    async def take(self) -> AsyncIterator[CheckTree]:
        """Wait for a free tree and have it to oneself; the one used last comes first."""
        tree = await self._free.get()
        try:
            yield tree
        finally:
            self._free.put_nowait(tree)
