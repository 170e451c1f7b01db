"""Where the programs of a place are let live: a cell with its scratch folders and its way out, or no walls at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.config.prefixes import search_path
from engine.processes.confinement.profile import LOOPBACK, Profile
from engine.processes.confinement.tiers import Cell
from engine.processes.keeper import Keeper
from engine.runtime.ways_out import WayOut

TMP, SHM = Path("/tmp"), Path("/dev/shm")  # noqa: S108  places inside, where nobody else's are


class Room:
    """A cell as a place uses it; no cell: unconfined. Without a way out nothing can be reached from it.

    `env` is what a program in it is told, `walls` what of that the confinement itself asks for: HOME, the proxy.
    """

    def __init__(self, env: Mapping[str, str], cell: Cell | None = None, way_out: WayOut | None = None) -> None:
        self.cell, self.env, self.way_out = cell, dict(env), way_out
        self.walls: dict[str, str] = {}
        if cell is not None:
            self.cell = Cell(cell.tier, _leading_out(cell.profile, way_out))
            self.walls = self.cell.profile.environment(cell.tier)
            self.env |= self.walls
            self.env["PATH"] = search_path(self.env.get("PATH", os.defpath), cell.profile.home_at, cell.profile.masked)
        elif self.base:
            self.env |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(LOOPBACK))

    @property
    def base(self) -> str:
        """The address of the models' gateway, as it is called inside; empty where no way leads there."""
        return "" if self.way_out is None else self.way_out.base

    @property
    def tmp(self) -> Path | None:
        """Its /tmp, as it is called inside."""
        if self.cell is None:
            return None
        return TMP if self.cell.tier.name == "strong" else self.cell.profile.tmp

    @property
    def home(self) -> Path | None:
        """Its HOME, as it is called inside; None where it is the person's own."""
        return Path(self.walls["HOME"]) if self.walls else None

    def scratch(self, *, home: bool) -> list[Path]:
        """What may be emptied between two programs, with or without their HOME."""
        if self.cell is None or self.tmp is None or self.home is None:
            return []
        shared = [SHM] if self.cell.tier.name == "strong" else []
        return [self.tmp, *shared, *([self.home] if home else [])]

    async def enter(self, keeper: Keeper) -> None:
        """A keeper has been started for it."""
        if self.way_out is not None:
            await self.way_out.serve(keeper)

    async def close(self) -> None:
        """Nothing will run in it any more."""
        if self.way_out is not None:
            await self.way_out.close()


def _leading_out(profile: Profile, way: WayOut | None) -> Profile:
    if way is None:
        return replace(profile, port=0, models=0)
    return replace(profile, port=way.port, token=way.token, models=way.models, direct=way.direct)
