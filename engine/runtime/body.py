"""A place as the watch over its limits sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.processes.confinement.cgroup import Group
from engine.processes.values import Measured
from engine.processes.weighing import weigh
from engine.runtime.member import Place


class Body:
    """What `engine.runtime.limits.Watched` asks for, of what runs in a place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._place.frozen

    @property
    def starved(self) -> int:
        """How many processes the kernel has ended in its control group."""
        keeper = self._place.live
        group = keeper.record.cgroup if keeper is not None else ""
        return Group(Path(group)).killed_for_memory() if group else 0

    async def measure(self) -> Measured | None:
        """What it uses now."""
        keeper = self._place.live
        return await keeper.measure() if keeper is not None and keeper.busy else None

    async def weigh(self) -> int:
        """The memory it uses, with what is shared counted once."""
        keeper = self._place.live
        return await asyncio.to_thread(weigh, keeper.record.pid) if keeper is not None else 0
