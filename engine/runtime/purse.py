"""Leave to spend: what the budgets leave, less what is under way, and what becomes of a request that does not fit.

Budgets and all that was booked on them are the core's. Here are only holds: the most that requests under way may cost.
They stand in a file as well (`gateway.llm.spool`), so that an engine that dies books what it left open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial

from engine.core import budgets
from engine.core import commands as c
from engine.core import events as e
from engine.core.state import Agent
from engine.core.values import Amount
from engine.gateway.llm.spool import Spool
from engine.gateway.llm.values import Booking, Happening, Hold, Left
from engine.runtime.record import Record

REFUSED = "refused"


class RunPurse:
    """The port `gateway.llm.values.Purse` over the record. One a run's world."""

    def __init__(self, record: Record, spool: Spool) -> None:
        self._record, self._spool = record, spool
        self._open: dict[str, tuple[Hold, str]] = {}  # with the task that it is for
        self._spending: set[str] = set()
        self._refused: set[str] = set()

    def begin(self, agent: str) -> None:
        """A new assignment of this agent."""
        self._spending.discard(agent)
        self._refused.discard(agent)

    def meters(self, agent: str) -> bool:
        """Whether what it uses is counted here: it has asked a model since its assignment began."""
        return agent in self._spending

    def refused(self, agent: str) -> bool:
        """Whether a request of it was refused for want of budget since its assignment began."""
        return agent in self._refused

    # -- what the gateway asks for ---------------------------------------------------------------------------------

    def left(self, agent: str) -> Left:
        """What the tightest budget of each sort leaves to it now."""
        lines = budgets.lines(self._record.state, agent, self._task(agent), at=time.time())
        money = sorted((line.usd - self._held_usd(line.scope), line.scope) for line in lines if line.usd is not None)
        tokens = sorted(
            (line.tokens - self._held_tokens(line.scope), line.scope) for line in lines if line.tokens is not None
        )
        return Left(
            usd=max(money[0][0], Decimal(0)) if money else None,
            tokens=max(tokens[0][0], 0) if tokens else None,
            scope=next((scope for _, scope in (*money, *tokens)), ""),
            of_tokens=tokens[0][1] if tokens and money and tokens[0][1] != money[0][1] else "",
        )

    def reserve(self, hold: Hold) -> None:
        """Note what it may cost. Raises SpoolBroken."""
        self._spool.reserve(hold)
        self._open[hold.id] = hold, self._task(hold.agent)
        self._spending.add(hold.agent)

    def settle(self, booking: Booking) -> None:
        """Book what it cost. The hold is over at once; in the file, once the booking is durable."""
        _, task = self._open.pop(booking.id, (None, self._task(booking.agent)))
        if self._record.broken.done():
            return
        self._record.report(_spent(booking, task)).add_done_callback(partial(_written, self._spool, booking.id))

    def release(self, hold: str) -> None:
        """It was not sent, or is certainly not billed."""
        self._open.pop(hold, None)
        self._spool.close(hold)
        if self._record.broken.done():
            return
        for name, holder in self._record.state.agents.items():
            if holder.waits == "budget" and not holder.held:  # what was held for this one is free
                self._record.report(c.Unparked(agent=name))

    async def short(self, agent: str, needed: Left, why: str) -> bool:
        """The agent stands still until there may be room. False: its step is over, or a person holds it."""
        begun = self._step(agent)
        await self._record.report(self._short(agent, needed, why, hold=True))
        while True:
            try:
                async with asyncio.timeout(budgets.next_day(time.time()) - time.time()):
                    return await self._freed(agent, begun)
            except TimeoutError:  # another day, which has a budget of its own
                self._record.report(c.Unparked(agent=agent))

    async def parked(self, agent: str, happening: Happening) -> None:
        """The agent stands still until then, or until a person lets it go on before."""
        begun, name = self._step(agent), happening
        parked = c.Parked(agent=agent, provider=name.provider, model=name.model, until=name.until, why=name.why)
        await self._record.report(parked)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, happening.until - time.time())):
                await self._freed(agent, begun)
        if not self._record.broken.done():
            self._record.report(c.Unparked(agent=agent))

    def tell(self, happening: Happening) -> None:
        """Show it; that an agent was refused for want of money is said of its budget as well."""
        if self._record.broken.done():
            return
        told = happening
        if told.what == REFUSED and told.needed is not None:
            self._refused.add(told.agent)
            self._record.report(self._short(told.agent, told.needed, told.why, hold=False))
        self._record.report(
            c.Provider(
                agent=told.agent, provider=told.provider, model=told.model, what=told.what, why=told.why,
                until=told.until, to=told.to, attempt=told.attempt,
            )
        )  # fmt: skip

    # -- inside ----------------------------------------------------------------------------------------------------

    def _agent(self, name: str) -> Agent | None:
        return self._record.state.agents.get(name)

    def _step(self, agent: str) -> tuple[str, int]:
        """The step it is at, under which lease."""
        holder, run = self._agent(agent), self._record.state.run
        stage = run.stages.get(holder.stage) if run is not None and holder is not None else None
        return ("", 0) if stage is None else (stage.id, stage.lease)

    def _task(self, agent: str) -> str:
        """The task of the plan that it works on; "" for none."""
        holder, run = self._agent(agent), self._record.state.run
        stage = run.stages.get(holder.stage) if run is not None and holder is not None else None
        return stage.task if run is not None and stage is not None and stage.task in run.tasks else ""

    def _short(self, agent: str, needed: Left, why: str, *, hold: bool) -> c.Short:
        amount = Amount(usd=None if needed.usd is None else f"{needed.usd:f}", tokens=needed.tokens)
        return c.Short(agent=agent, task=self._task(agent), scope=needed.scope, needed=amount, why=why, hold=hold)

    async def _freed(self, agent: str, begun: tuple[str, int]) -> bool:
        """Once it is not paused any more: True; once its step is over or it is held: False."""
        while True:
            holder = self._agent(agent)
            if holder is None or holder.held or self._step(agent) != begun:
                return False
            if not holder.pause:
                return True
            await self._record.changed(self._record.durable)

    def _under(self, scope: str) -> Iterable[Hold]:
        for hold, task in self._open.values():
            if scope in {"run", "day", hold.agent, f"{budgets.OF_TASK}{task}"}:
                yield hold

    def _held_usd(self, scope: str) -> Decimal:
        return sum((hold.usd for hold in self._under(scope)), Decimal(0))

    def _held_tokens(self, scope: str) -> int:
        return sum(hold.tokens.total for hold in self._under(scope))


def book_left_open(record: Record, spool: Spool, booked: Iterable[str]) -> None:
    """Of holds that an engine before this one left open: what it may have cost is booked, unless it is already.

    `booked` are requests that the record knows. Whether the answer ever came, nobody can know.
    """
    known = set(booked)
    for hold in spool.holds:
        if hold.id in known:
            spool.close(hold.id)
            continue
        left = c.Spent(
            agent=hold.agent, task="", tokens=hold.tokens, usd=f"{hold.usd:f}", source="gateway", model=hold.model,
            provider=hold.provider, request=hold.id, price="its reservation", estimated=True, failed=True,
        )  # fmt: skip
        record.report(left).add_done_callback(partial(_written, spool, hold.id))


def _written(spool: Spool, hold: str, done: asyncio.Future[Sequence[e.Event]]) -> None:
    """Its booking is durable: it need not be remembered any more."""
    if not done.cancelled() and done.exception() is None:
        spool.close(hold)


def _spent(booking: Booking, task: str) -> c.Spent:
    return c.Spent(
        agent=booking.agent, task=task, tokens=booking.spend.tokens, usd=f"{booking.usd:f}", source="gateway",
        model=booking.spend.model or booking.model, provider=booking.provider, request=booking.id, price=booking.price,
        estimated=booking.estimated, failed=booking.failed, saved=booking.saved, reasoning=booking.spend.reasoning,
    )  # fmt: skip
