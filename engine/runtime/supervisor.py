"""Freezes, thaws, stops and kills agents, with the proof. A kill acts first and is recorded after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from engine.core import commands as c
from engine.processes import records
from engine.processes.errors import ProcessError
from engine.processes.values import Proof
from engine.runtime.member import Member
from engine.runtime.record import Record
from engine.runtime.wanted import Wanted
from engine.runtime.world import World
from workspaces.layout import Layout


class Supervisor:
    """Brings agents to the mode that is wanted of them."""

    def __init__(self, record: Record, layout: Layout) -> None:
        self._record, self._layout = record, layout
        self._frozen: set[str] = set()
        self._ending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def reconcile(self, wanted: Wanted, world: World | None) -> None:
        """Freeze, thaw and stop what differs from what is wanted."""
        members = world.members if world is not None else {}
        for name in wanted.frozen - self._frozen:
            self._do(self._freeze(name, members.get(name)))
        for name in self._frozen - wanted.frozen:
            self._do(self._thaw(members.get(name)))
        for name in wanted.ending - self._ending:
            self._do(self._stop(name, members.get(name)))
        self._frozen, self._ending = set(wanted.frozen), set(wanted.ending)

    def _do(self, work: Any) -> None:  # noqa: ANN401  a coroutine of any of the three
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _freeze(self, name: str, member: Member | None) -> None:
        try:
            count = await member.place.freeze() if member is not None else 0
        except ProcessError:
            count = 0
        self._record.report(c.Froze(agent=name, processes=count))

    async def _thaw(self, member: Member | None) -> None:
        try:
            if member is not None:
                await member.place.thaw()
        except ProcessError:
            return

    async def _stop(self, name: str, member: Member | None) -> None:
        proof = await self._end(member) if member is not None else _IDLE
        if proof.gone:
            self._record.report(c.Ended(agent=name, proof=proof.text, processes=proof.processes))
        else:
            await self._told(name, proof, None)

    async def _end(self, member: Member) -> Proof:
        member.ending, left = True, member.unfinished
        proof = await member.place.stop()
        kept = await member.put_aside(left) if proof.gone else ""
        if kept:
            self._record.report(c.Noticed(text=member.kept(kept)))
        return proof

    async def kill(self, names: Sequence[str], world: World | None) -> list[dict[str, Any]]:
        """Kill these agents: all at once, then proof, then what they left is put aside, then the record."""
        members = [world.members.get(name) if world is not None else None for name in names]
        unfinished = [member.unfinished if member is not None else None for member in members]
        for member in members:
            if member is not None:
                member.ending = True
        kills = [asyncio.ensure_future(_kill(member)) for member in members]
        await asyncio.sleep(0)  # every signal is on its way before a hold is written
        for name in names:
            records.hold(self._layout.processes, name, "killed", "killed by a person")
        proofs = await asyncio.gather(*kills)
        kept = [
            await member.put_aside(left) if member is not None and proof.gone else ""
            for member, left, proof in zip(members, unfinished, proofs, strict=True)
        ]
        return [await self._told(*told) for told in zip(names, proofs, kept, strict=True)]

    async def _told(self, name: str, proof: Proof, kept: str | None) -> dict[str, Any]:
        ms = round(proof.ms, 1)
        report = c.Killed(
            agent=name, gone=proof.gone, proof=proof.text, processes=proof.processes, ms=ms, snapshot=kept or None
        )
        await self._record.report(report)
        return {
            "agent": name,
            "gone": proof.gone,
            "processes": proof.processes,
            "ms": ms,
            "proof": proof.text,
            "snapshot": kept or None,
            "survivors": [{"pid": s.pid, "state": s.state, "wchan": s.wchan} for s in proof.survivors],
        }


_IDLE = Proof(gone=True, processes=0, ms=0.0, text="nothing of it ran")


async def _kill(member: Member | None) -> Proof:
    began = time.monotonic()
    try:
        return await member.place.kill() if member is not None else _IDLE
    except ProcessError as error:
        return Proof(gone=False, processes=0, ms=(time.monotonic() - began) * 1000, text=str(error))
