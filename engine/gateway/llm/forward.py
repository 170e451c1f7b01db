"""A request that showed its token, from its path to its answer: unmetered, refused, from the cache, or metered."""

from __future__ import annotations

import asyncio

from engine.gateway.errors import GatewayError
from engine.gateway.llm import dialects, heads, replies
from engine.gateway.llm.attempts import Attempts
from engine.gateway.llm.dialects.base import Call, Dialect, Plain, Refused
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.dialects.packed import unpacked
from engine.gateway.llm.exchange import Incoming, Out, send
from engine.gateway.llm.keys import KeyTrouble
from engine.gateway.llm.lanes import Target, targets
from engine.gateway.llm.parts import Parts
from engine.gateway.llm.ports import Asked, Cache, TapeMiss
from engine.gateway.llm.streaming import Kept, pass_on
from engine.gateway.llm.upstreams import Lost, Played, portions
from engine.gateway.llm.values import Happening

HEAVY = 1 << 20
"""Bytes of a body."""


async def forward(parts: Parts, incoming: Incoming, out: Out) -> None:
    """Answer it, one way or another. Raises ConnectionError and CancelledError where the agent left."""
    route = dialects.of(incoming.upstream.kind, incoming.method, incoming.path)
    if isinstance(route, Plain):
        await _unmetered(parts, incoming, out)
    elif isinstance(route, Dialect):
        await _metered(parts, incoming, route, out)
    elif isinstance(route, Refused):
        await send(out, replies.refusal(400, "not_metered", route.why))
    else:
        what = f"{incoming.method} {incoming.path[:200]}"
        text = f"{what} is nothing that is forwarded; there are messages, models and counts"
        await send(out, replies.refusal(404, "not_found", text))


async def _metered(parts: Parts, incoming: Incoming, dialect: Dialect, out: Out) -> None:
    try:
        call = await _understood(incoming, dialect)
    except BadCall as error:
        await send(out, replies.refusal(error.status, "bad_request", error.text, dialect))
        return
    plan = incoming.upstream.plan
    model = call.model if plan else incoming.lane.model(incoming.upstream.kind, call.model)
    first = Target(incoming.upstream, model)
    cached = parts.cache if incoming.lane.share_cache else None
    asked = incoming.asked(first, call) if cached else None
    if cached and asked and await _from_cache(parts, cached, incoming, call, first, asked, out):
        return
    attempts = Attempts(parts, incoming, call, targets(first, incoming.lane, parts.upstreams), out)
    await attempts.run()
    if attempts.kept is not None and cached and asked:
        await asyncio.to_thread(cached.put, asked, attempts.kept)


async def _understood(incoming: Incoming, dialect: Dialect) -> Call:
    """The request, read; a large one in a thread, so that nobody waits for that. Raises BadCall, TooMuch."""
    packing = heads.value_of(incoming.headers, "content-encoding")
    if len(incoming.body) < HEAVY and not packing:
        return dialect.parse(incoming.path, incoming.query, incoming.body)
    async with incoming.share.heavy:
        body = await asyncio.to_thread(unpacked, incoming.body, packing)
        if body is not incoming.body:
            incoming.share.holds(len(body))
        return await asyncio.to_thread(dialect.parse, incoming.path, incoming.query, body)


async def _from_cache(  # noqa: PLR0917  one request, whole
    parts: Parts, cache: Cache, incoming: Incoming, call: Call, first: Target, asked: Asked, out: Out
) -> bool:
    stored = await asyncio.to_thread(cache.get, asked)
    if stored is None:
        return False
    answer = Played(first.upstream.name, stored)
    reading = call.dialect.reading(call, dict(stored.headers), count=not first.upstream.plan)
    await out.begin(stored.status, heads.downwards(stored.headers, ""))
    await pass_on(answer, await answer.next(), reading, out, Kept(answer, wanted=False))
    parts.till.saved(incoming.agent, first, reading)
    happening = Happening(what="cache_hit", agent=incoming.agent, provider=first.upstream.name, model=first.model)
    parts.purse.tell(happening)
    return True


async def _unmetered(parts: Parts, incoming: Incoming, out: Out) -> None:
    """What costs nothing passes as it is, and is not tried again."""
    upstream = incoming.upstream
    asked = incoming.asked(Target(upstream, ""), None)
    try:
        key = await parts.keys.of(upstream)
        answer = await parts.sender.send(
            upstream, asked, heads.upwards(incoming.headers, upstream, incoming.lane.token, key)
        )
    except (KeyTrouble, TapeMiss) as error:
        await send(out, replies.refusal(400, "refused", str(error)))
        return
    except GatewayError as error:
        await send(out, replies.refusal(502, "unreachable", str(error), again=True))
        return
    try:
        await out.begin(answer.status, heads.downwards(answer.headers, key))
        async for chunk in portions(answer):
            await out.write(replies.scrubbed(chunk, key) if answer.status >= 300 else chunk)
    except Lost:
        out.cut()
    finally:
        answer.close()
