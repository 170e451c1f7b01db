"""An assignment within the limits of an agent: what they do to it is told, and what they end has failed by that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from dataclasses import replace
from pathlib import Path

from engine.agents.base import Finished, Held, Session, Text, Update
from engine.core import commands as c
from engine.core.errors import Refused
from engine.core.limits import reached, setting
from engine.core.quantities import show_size
from engine.core.values import Limited
from engine.runtime.body import Body
from engine.runtime.desk import Desk
from engine.runtime.disk import Disk
from engine.runtime.limits import Watch
from engine.runtime.member import Member

log = logging.getLogger(__name__)


class Holding:
    """One assignment and its limits, those of the settings in force."""

    def __init__(self, desk: Desk, member: Member) -> None:
        self._limits = desk.world.limits
        self._desk, self._member = desk, member
        self._session: Session | None = None
        self._watch = Watch(
            self._limits,
            Body(member.place),
            Disk(_folders(desk, member), self._limits.disk),
            tell=desk.reached,
            end=self._end,
            freeze=self._freeze,
        )

    def hear(self, update: Update) -> None:
        """Something was said by the program or about it."""
        match update:
            case Text():
                self._watch.heard()
            case Held(limit="output"):
                self._desk.reached(Limited(limit="output", value=show_size(self._limits.output), done="slowed"))
            case Held(limit="log"):
                self._desk.reached(Limited(limit="log", value=show_size(self._limits.log), done="cut"))
            case _:
                pass

    async def see_out(self, session: Session) -> Finished:
        """Wait for its end, and bring that about where a limit says so; such an end is `killed`, with the reason."""
        self._session = session
        watching = asyncio.create_task(self._watch.run(), name=f"limits of {self._member.spec.name}")
        watching.add_done_callback(_complain)
        try:
            finished = await session.finished()
        finally:
            watching.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await watching
        return self._judged(finished)

    def _judged(self, finished: Finished) -> Finished:
        over = self._watch.over
        self._watch.see_starved()
        if over is None and finished.signal == signal.SIGKILL:
            over = self._watch.starved
        if over is None and finished.signal == signal.SIGXFSZ:
            over = Limited(limit="file", value=show_size(self._limits.file), done="ended")
            self._desk.reached(over)
        if over is None:
            return finished
        self._member.overgrown = self._member.overgrown or over.limit == "disk"
        _, gap, tail = finished.detail.partition("\n\n")
        reason = f"{reached(over)} ({setting(over.limit)})"
        return replace(finished, reason="killed", result=None, detail=f"{reason}{gap}{tail}")

    async def _end(self, limit: Limited) -> None:
        """Time leaves it a moment to come to an end; of everything else it would only take more."""
        if limit.limit == "time" and self._session is not None:
            await self._session.cancel()
        else:
            await self._member.place.kill()

    def _freeze(self) -> None:
        """As if a person had asked; only a person lets it go on."""
        with contextlib.suppress(Refused):  # somebody has ended it, and holds it
            self._desk.record.submit(c.PauseAgent(agent=self._member.spec.name), actor="engine")


def _folders(desk: Desk, member: Member) -> tuple[Path, ...]:
    """All that the agent may fill, its clone first."""
    layout, name = desk.world.layout, member.spec.name
    return member.clone.folder, layout.home(name), layout.tmp(name), layout.agents / name


def _complain(watching: asyncio.Task[None]) -> None:
    """A watch that fell over holds nobody to anything: that is a defect, and is not passed over."""
    if not watching.cancelled() and (error := watching.exception()) is not None:
        log.error("%s are not watched any more", watching.get_name(), exc_info=error)
