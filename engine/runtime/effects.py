"""Brings the world to what is wanted: begins what should be under way and is not, ends what is and should not be.

An effect's end is a report; an effect that is cancelled cleans up and reports nothing. Whatever goes wrong in a hand
becomes a result too, so that nothing can hang in silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from copy import copy

from engine.core import commands as c
from engine.core.stages import AGENT_KINDS
from engine.core.state import Stage
from engine.core.values import StageKind
from engine.processes import records
from engine.processes.errors import Interrupted, KeeperLost, ProcessError
from engine.runtime.desk import Desk
from engine.runtime.hands.check import check
from engine.runtime.hands.merge import merge
from engine.runtime.hands.plan import plan
from engine.runtime.hands.review import review
from engine.runtime.hands.work import work
from engine.runtime.member import Gone
from engine.runtime.record import Record
from engine.runtime.wanted import Effect, Wanted
from engine.runtime.world import World

log = logging.getLogger(__name__)
Hand = Callable[[Desk], Awaitable[c.Result]]


async def wait(desk: Desk) -> c.Result:
    """A timer, as an effect."""
    await asyncio.sleep(desk.stage.due)
    return c.Waited()


HANDS: dict[StageKind, Hand] = {
    "work": work,
    "review": review,
    "plan": plan,
    "check": check,
    "merge": merge,
    "wait": wait,
}


class Effects:
    """The effects of one world."""

    def __init__(self, record: Record, world: World) -> None:
        self._record, self._world = record, world
        self._running: dict[Effect, asyncio.Task[None]] = {}
        self._left: set[Effect] = set()  # ended by a person, whose report is still to come

    def reconcile(self, wanted: Wanted) -> None:
        """Begin and end what differs from what is wanted."""
        for effect in [running for running in self._running if running not in wanted.effects]:
            _cancel(self._running[effect])
        self._left &= wanted.effects
        for effect in wanted.effects - self._running.keys() - self._left:
            stage = self._stage(effect)
            if stage is not None and stage.kind in HANDS:
                self._begin(effect, stage)

    async def close(self) -> None:
        """End all of them and wait for it."""
        tasks = list(self._running.values())
        for task in tasks:
            _cancel(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended_by_person(self, desk: Desk) -> bool:
        """Whoever stops or kills an agent reports its end, so that it counts as no failure of the work."""
        member = self._world.members.get(desk.stage.agent)
        return member is not None and member.ending

    def _held_without_us(self, desk: Desk) -> bool:
        """A kill that did not wait for this engine (it hung) left a hold: it is recorded, and nothing is begun."""
        name, record = desk.stage.agent, self._record
        folder = self._world.layout.processes
        if desk.stage.kind not in AGENT_KINDS or self._ended_by_person(desk) or not records.is_held(folder, name):
            return False
        if not record.broken.done() and not record.state.agents[name].held:
            proof = "killed while the engine did not answer; the proof was given there"
            record.report(c.Killed(agent=name, gone=True, proof=proof, processes=0, ms=0.0))
        return True

    def _stage(self, effect: Effect) -> Stage | None:
        run = self._record.state.run
        stage = run.stages.get(effect.stage) if run is not None else None
        held = stage is not None and stage.lease == effect.lease and (stage.agent or stage.kind == "wait")
        return stage if held else None

    def _begin(self, effect: Effect, stage: Stage) -> None:
        desk = Desk(self._record, self._world, copy(stage), effect.lease)
        task = asyncio.create_task(self._carry_out(effect, desk), name=f"effect {effect.stage}")
        self._running[effect] = task
        task.add_done_callback(lambda _: self._running.pop(effect, None))

    async def _carry_out(self, effect: Effect, desk: Desk) -> None:
        if self._held_without_us(desk):
            self._left.add(effect)
            return
        try:
            result = await HANDS[desk.stage.kind](desk)
        except Gone:
            self._left.add(effect)
            return
        except Exception as error:  # noqa: BLE001  every end of a hand is told, that of a defect too
            result = _failed(desk, error)
        if self._ended_by_person(desk) or self._held_without_us(desk):
            self._left.add(effect)
        elif not self._record.broken.done():
            self._record.report(c.Finished(stage=effect.stage, lease=effect.lease, result=result))


def _cancel(task: asyncio.Task[None]) -> None:
    """Once: a second time would break off how it cleans up."""
    if not task.cancelling():
        task.cancel()


def _failed(desk: Desk, error: Exception) -> c.Result:
    if isinstance(error, KeeperLost | Interrupted):
        return c.Interrupted(reason=str(error))
    if not isinstance(error, ProcessError | OSError):
        log.error("a hand failed at %s", desk.stage.id, exc_info=error)
    return c.Broke(
        reason=f"{type(error).__name__}: {error}", blame="agent" if desk.stage.kind in AGENT_KINDS else "work"
    )
