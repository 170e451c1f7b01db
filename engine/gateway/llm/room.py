"""What becomes of a request that does not fit into what is left: it waits, ends its agent's turn, or is refused."""

from __future__ import annotations

import asyncio

from engine.gateway.llm import dialects, replies
from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.lanes import Target
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.till import Shortage
from engine.gateway.llm.values import Left
from engine.gateway.llm.way import SETTLE, Way

OTHERS = 30.0
"""Seconds that a request waits for others to give back what they hold, before it is said to be short."""
GOODBYE = (
    "I stop here: the budget for this work is used up. What I have done so far is kept in the working folder; "
    "the task is not finished."
)


class Room:
    """For one request."""

    def __init__(self, parts: Parts, agent: str, call: Call, way: Way) -> None:
        self._parts, self._agent, self._call, self._way = parts, agent, call, way
        self._others = OTHERS

    @property
    def patient(self) -> bool:
        """Whether it still waits for others."""
        return self._others > 0

    async def made(self, target: Target, shortage: Shortage) -> Reply | None:
        """None once there may be room; or what the agent is told instead."""
        if shortage.others:
            await self._others_end()
            return None
        why = f"a request to {target.model} may need {words(shortage.needed)}, and there is less"
        if self._parts.at_budget != "hold":
            self._way.refused(target, why, shortage.needed)
            return self._goodbye() if self._parts.at_budget == "finish" else self._refused(why)
        if not await self._parts.purse.short(self._agent, shortage.needed, why):
            return self._refused(why)
        self._others = OTHERS
        await asyncio.sleep(SETTLE)
        return None

    async def _others_end(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._parts.till.changed(self._others)
        self._others -= loop.time() - began

    def _goodbye(self) -> Reply:
        ends = dialects.graceful(self._call, GOODBYE)
        return Reply(200, list(ends[0].items()), b"".join(ends[1])) if ends else self._refused("it is reached")

    def _refused(self, why: str) -> Reply:
        text = f"the budget is used up: {why}; `quarterdeck budget raise {self._agent} AMOUNT` goes on"
        return replies.refusal(402, "budget", text, self._call.dialect)


def words(needed: Left) -> str:
    """An amount as it is told."""
    parts = [f"{needed.usd:.4f} usd"] if needed.usd is not None else []
    parts += [f"{needed.tokens} tokens"] if needed.tokens is not None else []
    return f"{' and '.join(parts) or 'more'}{f' of {needed.scope}' if needed.scope else ''}"
