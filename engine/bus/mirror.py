"""What the engine says of itself on the bus: each event as it is in the record, what is so, and what agents print.

It goes from event to event, woken by what is durable and by nothing else. A slow broker makes it lag behind the record
and disturbs nobody: there are never more than `BATCH` messages on their way. What is so is retained; it is looked at
when events came, but not more often than every `PAUSE` seconds, and only what changed is said. What agents print goes
out without a promise: the transcript has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Protocol

import msgspec

from engine.api import frames
from engine.api.calls import Engine, Following
from engine.bus.topics import Topics

BATCH = 64
PAUSE = 0.1


class Say(Protocol):
    """Publishes, and returns when the broker has it (QoS 1) or it is on its way to it (QoS 0)."""

    def __call__(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Awaitable[None]:
        """Raises MqttError."""
        ...


class _Kind(msgspec.Struct):
    kind: str


_kind = msgspec.json.Decoder(_Kind)


class Mirror:
    """One engine on one bus. `cursor` is the last event that was said; it outlives a broker."""

    def __init__(self, engine: Engine, topics: Topics, since: int) -> None:
        self.cursor = since
        self._engine, self._topics = engine, topics
        self._said: dict[str, bytes] = {}
        self._crew: tuple[str, ...] = ()

    async def run(self, say: Say) -> None:
        """Say everything, from what is so now on, until cancelled or `say` fails."""
        self._said, self._crew = {}, ()
        following = self._engine.follow()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._events(say))
                tasks.create_task(self._states(say, following))
                tasks.create_task(self._logs(say, following))
        finally:
            following.close()

    async def _events(self, say: Say) -> None:
        while True:
            await self._say_events(say)
            await self._engine.changed(self.cursor)

    async def catch_up(self, say: Say) -> None:
        """Say what is durable and was not said yet."""
        await self._say_events(say)
        await self._say_what_is_so(say)

    async def _say_events(self, say: Say) -> None:
        while lines := self._engine.since(self.cursor, BATCH):
            topics = [self._topics.event(_kind.decode(line).kind) for line in lines]
            await asyncio.gather(*(say(topic, line) for topic, line in zip(topics, lines, strict=True)))
            self.cursor += len(lines)  # seq has no gaps

    async def _states(self, say: Say, following: Following) -> None:
        while True:
            seq, crew = self._engine.seq, self._crew
            await self._say_what_is_so(say)
            if self._crew != crew:
                following.choose(self._crew, others=False)
            await asyncio.sleep(PAUSE)
            await self._engine.changed(seq)

    async def _logs(self, say: Say, following: Following) -> None:
        while True:
            said = await following.said()
            await say(self._topics.log(said.agent), frames.encode(said).removesuffix(b"\n"), qos=0)

    async def _say_what_is_so(self, say: Say) -> None:
        now = dict(self._what_is_so())
        now |= {topic: b"" for topic in self._said if topic not in now}  # which takes it back
        changed = {topic: payload for topic, payload in now.items() if self._said.get(topic) != payload}
        await asyncio.gather(*(say(topic, payload, retain=True) for topic, payload in changed.items()))
        self._said = {topic: payload for topic, payload in now.items() if payload}

    def _what_is_so(self) -> Iterator[tuple[str, bytes]]:
        """The objects of `status --json`, without their ages: a retained one would lie after a moment."""
        found = self._engine.status()
        self._crew = tuple(agent["name"] for agent in found["agents"])
        yield self._topics.state, _encoded({name: found[name] for name in ("run", "approvals")})
        for agent in found["agents"]:
            yield self._topics.agent(agent["name"]), _encoded(agent)
        for task in found["tasks"]:
            yield self._topics.task(task["id"]), _encoded(task)


def _encoded(thing: object) -> bytes:
    return msgspec.json.encode(_ageless(thing))


def _ageless(thing: object) -> object:
    if isinstance(thing, dict):
        return {name: _ageless(value) for name, value in thing.items() if name != "age"}
    return [_ageless(item) for item in thing] if isinstance(thing, list) else thing
