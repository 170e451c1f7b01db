"""One metered request, from leave to spend until an answer has passed: tried again, sent elsewhere, or refused.

Nothing is tried again once a byte of an answer has gone to the agent.
"""

from __future__ import annotations

import asyncio
import random

from engine.gateway.errors import GatewayError
from engine.gateway.llm import heads, replies
from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.dialects.reading import Reading
from engine.gateway.llm.exchange import Incoming, Out, send
from engine.gateway.llm.health import Go
from engine.gateway.llm.judging import Broke, Capped, Limited, judged
from engine.gateway.llm.keys import KeyTrouble
from engine.gateway.llm.lanes import Target
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.ports import Stored, TapeMiss
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.room import Room
from engine.gateway.llm.streaming import Kept, pass_on, reading_of
from engine.gateway.llm.till import Held, Shortage, Unpriced
from engine.gateway.llm.upstreams import Answer, Lost, Unsent, whole
from engine.gateway.llm.way import Way

TRIES = 4
"""Failures of one target that one request waits out; then it goes elsewhere, or the failure is passed on."""
BACKOFF, LONGEST_BACKOFF = 0.5, 8.0
"""Seconds before the second try; doubled each time, and up to that much."""
CAPS = 2
"""Limits on output that one request learns from refusals."""
MOST_ERROR = 1 << 20
"""Bytes of an error that are passed on."""
SHOWN = 200
"""Characters of a vendor's refusal that the person sees."""
_OURS = frozenset({401, 402, 403})
"""What a vendor answers where something is wrong with the key, or with who pays for it."""


class Attempts:
    """The way of one request. `targets` are the one it is meant for and its fallbacks."""

    def __init__(self, parts: Parts, incoming: Incoming, call: Call, targets: tuple[Target, ...], out: Out) -> None:
        self._parts, self._incoming, self._call, self._out = parts, incoming, call, out
        self._way = Way(parts, incoming.agent, targets)
        self._room = Room(parts, incoming.agent, call, self._way)
        self._sent = self._tries = self._limits = self._caps = 0
        self.kept: Stored | None = None
        """The answer, if it is wanted for the cache, and good."""

    async def run(self) -> None:
        """Until an answer or a refusal has gone to the agent, or what had gone of it broke off."""
        while await self._once():
            pass

    async def _once(self) -> bool:
        """One attempt; True: there is to be another."""
        target, go = await self._way.clear()
        try:
            held = await self._held(target)
            if isinstance(held, tuple):
                return await self._asked(target, go, *held)
        finally:
            if go.probe:
                self._parts.health.given_up(target.name, go.probe)  # no harm where it has an outcome
        reply = await self._room.made(target, held) if isinstance(held, Shortage) else held
        return await self._last(reply) if reply else True

    async def _held(self, target: Target) -> tuple[Held, str] | Shortage | Reply:
        """A reservation and the key to send it with."""
        agent, retry = self._incoming.agent, self._incoming.retry + self._sent
        try:
            key = await self._parts.keys.of(target.upstream)
            held = self._parts.till.hold(agent, target, self._call, retry=retry, patient=self._room.patient)
        except (Unpriced, KeyTrouble, GatewayError) as error:
            self._way.tell("refused", target, str(error))
            status = 402 if isinstance(error, Unpriced) else 400
            return replies.refusal(status, "refused", str(error), self._call.dialect)
        return (held, key) if isinstance(held, Held) else held

    async def _asked(self, target: Target, go: Go, held: Held, key: str) -> bool:
        try:
            asked = self._incoming.asked(target, self._call, held.most_out)
            lines = heads.upwards(self._incoming.headers, target.upstream, self._incoming.lane.token, key)
            self._sent += 1
            answer = await self._parts.sender.send(target.upstream, asked, lines)
            try:
                return await self._answered(target, go, held, answer, key)
            finally:
                answer.close()
        except Unsent as error:
            held.released()
            return await self._broke(target, go, self._unreachable(error))
        except Lost as error:
            (held.released if error.stale else held.broken)()
            return await self._broke(target, go, self._unreachable(error))
        except TapeMiss as miss:
            held.released()
            return await self._last(replies.refusal(400, "tape", str(miss), self._call.dialect))
        finally:
            held.left()  # where nobody closed it the agent went away

    async def _answered(self, target: Target, go: Go, held: Held, answer: Answer, key: str) -> bool:
        """Raises Lost where the answer broke before its first portion."""
        if answer.status >= 300:
            held.released()
            body = replies.scrubbed(await whole(answer, MOST_ERROR), key)
            return await self._error(target, go, held, Reply(answer.status, heads.downwards(answer.headers, key), body))
        first = await answer.next()
        if self._parts.health.answered(target.name, self._parts.wall()):
            self._way.tell("closed", target, "it answers again")
        held.reading = reading = reading_of(held, answer)
        await self._out.begin(answer.status, heads.downwards(answer.headers, key))
        await self._passed(target, go, held, answer, reading, first)
        return False

    async def _passed(  # noqa: PLR0917  one answer, and all that its end is told to
        self, target: Target, go: Go, held: Held, answer: Answer, reading: Reading, first: bytes
    ) -> None:
        kept = Kept(answer, wanted=self._cacheable and held.most_out is None)
        try:
            await pass_on(answer, first, reading, self._out, kept)
        except Lost as error:
            held.broken()
            self._failed(target, go, str(error))
            self._out.cut()
            return
        held.ended()
        if reading.error:
            self._failed(target, go, reading.error)
            return
        self._parts.health.succeeded(target.name)
        self.kept = kept.stored() if reading.final else None

    async def _error(self, target: Target, go: Go, held: Held, reply: Reply) -> bool:
        parts, now = self._parts, self._parts.wall()
        verdict = judged(reply, now, held.most_out if self._call.most_out is None else None)
        if isinstance(verdict, Limited):
            self._limits += 1
            until = max(verdict.until, now + _backoff(self._limits))
            parts.health.limited(target.name, until)
            self._way.tell("limited", target, "too many requests", until=until)
            return True
        if isinstance(verdict, Broke):
            if verdict.until:
                parts.health.limited(target.name, verdict.until)
            return await self._broke(target, go, reply)
        parts.health.answered(target.name, now)
        if isinstance(verdict, Capped) and self._caps < CAPS:
            self._caps += 1
            parts.till.most(target, verdict.most)
            return True
        if reply.status in _OURS:
            parts.keys.refused(target.upstream)
            said = reply.body[:SHOWN].decode(errors="replace")
            self._way.tell("refused", target, f"it answered {reply.status}: {said}")
        return await self._last(reply)

    async def _broke(self, target: Target, go: Go, reply: Reply) -> bool:
        """A failure before the first byte. `reply` is what the agent gets when nothing helps."""
        self._tries += 1
        opened = self._failed(target, go, f"{reply.status}", attempt=self._tries)
        if self._tries < TRIES:
            if not opened:
                await asyncio.sleep(_backoff(self._tries) * random.uniform(0.5, 1.0))  # noqa: S311  no secret
            return True
        self._tries = 0
        return True if self._way.drop(target) else await self._last(reply)

    def _failed(self, target: Target, go: Go, why: str, *, attempt: int = 0) -> bool:
        until = self._parts.health.failed(target.name, self._parts.wall(), probe=go.probe)
        if until:
            self._way.tell("opened", target, why, until=until)
        elif attempt:
            self._way.tell("retry", target, why, attempt=attempt)
        return bool(until)

    async def _last(self, reply: Reply) -> bool:
        await send(self._out, reply)
        return False

    def _unreachable(self, error: GatewayError) -> Reply:
        return replies.refusal(502, "unreachable", str(error), self._call.dialect, again=True)

    @property
    def _cacheable(self) -> bool:
        return self._parts.cache is not None and self._incoming.lane.share_cache


def _backoff(tries: int) -> float:
    return min(BACKOFF * 2.0 ** (tries - 1), LONGEST_BACKOFF)
