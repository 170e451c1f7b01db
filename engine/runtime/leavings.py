"""What an agent may have left in its clone that nobody has taken in: it is kept before anything there is changed.

A small file beside the clone says what was begun in it, from the moment a program starts there until its work is taken
in or put aside. So it is found by whatever comes next: another step, the end of the run, another engine. Where nothing
was touched meanwhile, nothing is started to find that out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.core import commands as c
from engine.processes.errors import ProcessError
from workspaces.clones import ledger
from workspaces.clones.clone import Clone
from workspaces.clones.intake import Empty, Refusal
from workspaces.clones.rescue import KEPT, Begun, Kept
from workspaces.errors import AttemptTaken, TreeBroken, WorkspaceError

Tell = Callable[[c.PutAside | c.Noticed], object]
"""Where it is said what was kept."""
SHOWN = 5
UNKNOWN = "the step it was for ended without it"


def kept_ref(run: str, task: str, number: int, lease: int) -> str:
    """The ref under which a round's unfinished work is put aside."""
    return f"{KEPT}{run}/{task}/{number}-{lease}"


class Leavings:
    """What one agent left. Whoever ends the work and the hand that did it may both ask: it is kept once."""

    def __init__(self, agent: str, clone: Clone) -> None:
        self.tell: Tell = lambda _: None
        self._agent, self._clone = agent, clone
        self._keeping = asyncio.Lock()
        self._kept: dict[str, str] = {}

    def begin(self, begun: Begun) -> Begun:
        """A program is about to start in the clone. With the time that the file system had then."""
        file = self._file
        ledger.write(file, begun)
        return replace(begun, since=file.stat().st_ctime_ns)

    def settle(self) -> None:
        """All that was done is taken in."""
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return ledger.beside(self._clone.folder)

    @property
    def open(self) -> Begun | None:
        """What was begun and is neither taken in nor put aside."""
        return ledger.read(self._file)

    async def put_aside(self, begun: Begun | None, why: str) -> str:
        """Keep what the clone holds; the ref, or empty where there is nothing. What can not be kept now stays there."""
        if begun is None:
            return ""
        async with self._keeping:
            if begun.ref not in self._kept:
                found = await self._keep(begun, why)
                if isinstance(found, Refusal):
                    return ""
                self._kept.setdefault(begun.ref, begun.ref if isinstance(found, Kept) else "")
            return self._kept[begun.ref]

    async def clear_up(self, why: str = UNKNOWN) -> None:
        """Keep what is still there, before it is overwritten. What can not be kept is laid aside as it is.

        Raises TreeBroken where neither can be done; then it must stay as it is.
        """
        async with self._keeping:
            begun = self.open
            if begun is None:
                return
            if begun.ref in self._kept or not await self._clone.touched(begun.since):
                self.settle()
                return
            found = await self._keep(begun, why)
            if isinstance(found, Refusal):
                place = await self._laid_aside(found.reason)
                self.settle()
                text = f"what {self._agent} left unfinished could not be kept in git ({found.reason}); it is in {place}"
                self.tell(c.Noticed(text=text))

    async def _laid_aside(self, why: str) -> Path:
        try:
            return await self._clone.lay_aside()
        except OSError as error:
            text = f"what was left in it could be neither kept ({why}) nor moved away ({error}), so it is not touched"
            raise TreeBroken(self._clone.folder, text) from error

    async def _keep(self, begun: Begun, why: str) -> Kept | Empty | Refusal:
        try:
            found = await self._clone.keep(begun, why)
        except AttemptTaken:  # by an engine that died before it could say so; that is found where all is listed
            self._kept[begun.ref] = begun.ref
            found = Empty()
        except (WorkspaceError, ProcessError, OSError) as error:
            return Refusal(str(error))
        if not isinstance(found, Refusal):
            self.settle()
        if isinstance(found, Kept):
            self.tell(_told(self._agent, begun, found, why))
        return found


def _told(agent: str, begun: Begun, kept: Kept, why: str) -> c.PutAside:
    return c.PutAside(
        agent=agent,
        run=begun.run,
        task=begun.task,
        attempt=begun.attempt,
        ref=begun.ref,
        commit=kept.commit,
        why=why,
        files=len(kept.files),
        added=kept.added,
        removed=kept.removed,
        size=kept.size,
        left=tuple(f"{path} ({reason})" for path, reason in kept.left[:SHOWN]),
        lost=kept.lost,
        ignored=kept.ignored,
    )
