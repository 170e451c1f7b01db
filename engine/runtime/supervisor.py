"""Freezes, thaws, stops and kills agents, with the proof. A kill acts first and is recorded after."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from msgspec.structs import asdict

from engine.core import commands as c
from engine.processes import records
from engine.processes.errors import ProcessError
from engine.processes.values import Proof
from engine.runtime.member import Member
from engine.runtime.record import Record
from engine.runtime.wanted import Wanted
from engine.runtime.world import World
from workspaces.clones.rescue import Begun
from workspaces.layout import Layout

KEEPING = 2.0
"""Seconds that the answer to a kill waits for the work to be put aside."""


class Supervisor:
    """Brings agents to the mode that is wanted of them."""

    def __init__(self, record: Record, layout: Layout) -> None:
        self._record, self._layout = record, layout
        self._frozen: dict[str, int] = {}  # by which pause
        self._ending: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # one thing at a time an agent

    def reconcile(self, wanted: Wanted, world: World | None) -> None:
        """Freeze, thaw and stop what differs from what is wanted."""
        members = world.members if world is not None else {}
        frozen = {name: wanted.pauses.get(name, 0) for name in wanted.frozen}
        for name, pause in frozen.items():
            if self._frozen.get(name) != pause:  # also where it was thawed in between: each pause is reported
                self._do(self._freeze(name, members.get(name)))
        for name in self._frozen.keys() - frozen.keys():
            self._do(self._thaw(name, members.get(name)))
        for name in wanted.ending - self._ending:
            self._do(self._stop(name, members.get(name)))
        self._frozen, self._ending = frozen, set(wanted.ending)

    def _do(self, work: Any) -> None:  # noqa: ANN401  a coroutine of any of the three
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _freeze(self, name: str, member: Member | None) -> None:
        async with self._turns[name]:
            if name not in self._frozen:
                return
            try:
                count = await member.place.freeze() if member is not None else 0
            except ProcessError:
                count = 0
            self._record.report(c.Froze(agent=name, processes=count))

    async def _thaw(self, name: str, member: Member | None) -> None:
        async with self._turns[name]:
            try:
                if member is not None and name not in self._frozen:
                    await member.place.thaw()
            except ProcessError:
                return

    async def _stop(self, name: str, member: Member | None) -> None:
        async with self._turns[name]:
            if member is None:
                self._record.report(c.Ended(agent=name, proof=_IDLE.text, processes=0))
                return
            with member.being_ended():
                await self._end(name, member)

    async def _end(self, name: str, member: Member) -> None:
        left = member.unfinished
        proof = await member.end()
        if proof.gone:
            await member.leavings.put_aside(left, "it was stopped by a person")
            self._record.report(c.Ended(agent=name, proof=proof.text, processes=proof.processes))
        else:
            self._record.report(_report(name, proof, ""))

    async def kill(self, names: Sequence[str], world: World | None) -> list[dict[str, Any]]:
        """Kill these agents: all at once, then proof, then what they left is put aside, then the record."""
        members = [world.members.get(name) if world is not None else None for name in names]
        with ExitStack() as ends:
            for member in filter(None, members):
                ends.enter_context(member.being_ended())
            proofs, keeps = await self._killed(names, members, world)
            kept = await self._kept(keeps)
            late = [not keep.done() for keep in keeps]
            told = [_report(*one) for one in zip(names, proofs, kept, late, strict=True)]
            recorded = [self._record.report(one) for one in told]
        await asyncio.gather(*recorded)
        return [_as_json(*one) for one in zip(told, proofs, strict=True)]

    async def _killed(
        self, names: Sequence[str], members: Sequence[Member | None], world: World | None
    ) -> tuple[Sequence[Proof], Sequence[asyncio.Task[str]]]:
        unfinished = [member.unfinished if member is not None else None for member in members]
        kills = [asyncio.ensure_future(_kill(member, world)) for member in members]
        await asyncio.sleep(0)  # every signal is on its way before a hold is written
        for name in names:
            records.hold(self._layout.processes, name, "killed", "killed by a person")
        proofs = await asyncio.gather(*kills)
        keeps = [
            asyncio.create_task(_keep(member if proof.gone else None, left))
            for member, left, proof in zip(members, unfinished, proofs, strict=True)
        ]
        return proofs, keeps

    async def _kept(self, keeps: Sequence[asyncio.Task[str]]) -> list[str]:
        """Under which refs their work is kept; empty where that takes longer, and then it is told when it is done."""
        _, late = await asyncio.wait(keeps, timeout=KEEPING) if keeps else (set(), set())
        for one in late:
            self._tasks.add(one)
            one.add_done_callback(self._tasks.discard)
        return [keep.result() if keep.done() else "" for keep in keeps]


_IDLE = Proof(gone=True, processes=0, ms=0.0, text="nothing of it ran")


async def _kill(member: Member | None, world: World | None) -> Proof:
    """End all of an agent, and our own look into its clone with it; the proof is that of what is left, if anything."""
    began = time.monotonic()
    if member is None or world is None:
        return _IDLE
    try:
        proof, look = await asyncio.gather(member.place.kill(), world.looking.kill(member.spec.name))
    except ProcessError as error:
        return Proof(gone=False, processes=0, ms=(time.monotonic() - began) * 1000, text=str(error))
    return look if look is not None and not look.gone else proof


async def _keep(member: Member | None, left: Begun | None) -> str:
    return await member.leavings.put_aside(left, "it was killed by a person") if member is not None else ""


def _report(name: str, proof: Proof, kept: str, keeping: bool = False) -> c.Killed:
    return c.Killed(
        agent=name,
        gone=proof.gone,
        proof=proof.text,
        processes=proof.processes,
        ms=round(proof.ms, 1),
        snapshot=kept or None,
        keeping=keeping,
    )


def _as_json(told: c.Killed, proof: Proof) -> dict[str, Any]:
    """As `kill --json` prints it; `keeping` while its work is still being put aside."""
    survivors = [{"pid": s.pid, "state": s.state, "wchan": s.wchan} for s in proof.survivors]
    return {**asdict(told), "survivors": survivors}
