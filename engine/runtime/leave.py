"""What an agent wants leave for at one step: put to the core, and answered to the agent as the core says.

The crew's policy, an earlier answer or a person decides; here is only the way there and back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.agents.base import Asks, Session
from engine.core import commands as c
from engine.core import events as e
from engine.runtime.desk import Desk


class Leave:
    """The asks of one assignment. Closed with it: what nobody has answered by then needs no answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._session: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._asks: set[asyncio.Task[None]] = set()

    def attach(self, session: Session) -> None:
        """The one that answers are given to."""
        if not self._session.done():
            self._session.set_result(session)

    def ask(self, asks: Asks) -> None:
        """It waits for an answer to this from now on."""
        task = asyncio.create_task(self._see_to(asks), name=f"leave {asks.id}")
        self._asks.add(task)
        task.add_done_callback(self._asks.discard)

    def close(self) -> None:
        """The step is over."""
        for task in self._asks:
            task.cancel()

    async def _see_to(self, asks: Asks) -> None:
        answered = await self._answered(asks)
        if answered is not None:
            session = await self._session
            await session.answer(asks.id, allow=answered[0], why=answered[1])

    async def _answered(self, asks: Asks) -> tuple[bool, str] | None:
        """What is said to it and why; None where nobody wants to know any more."""
        desk = self._desk
        followed = await desk.report(
            c.AskedLeave(
                stage=desk.stage.id, lease=desk.lease, id=asks.id, tool=asks.tool.kind, title=asks.tool.title,
                paths=asks.tool.paths, command=asks.command, why=asks.why,
            )
        )  # fmt: skip
        for event in followed:
            if isinstance(event.data, e.PermissionGiven) and event.data.ask == asks.id:
                return event.data.allow, event.data.why
        return await self._decided(_name(followed, asks.id))

    async def _decided(self, name: str) -> tuple[bool, str] | None:
        record = self._desk.record
        while True:
            asked = self._desk.run.asked.get(name)
            if asked is None:
                return None
            if asked.allow is not None:
                return asked.allow, asked.why
            await record.changed(record.durable)


def _name(followed: Sequence[e.Event], ask: str) -> str:
    """What the record calls it."""
    asked = (event.data for event in followed if isinstance(event.data, e.PermissionAsked) and event.data.ask == ask)
    return next((fact.id for fact in asked), "")
