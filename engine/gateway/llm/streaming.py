"""An answer on its way to the agent: forwarded portion by portion, and read in passing."""

from __future__ import annotations

from engine.gateway.llm import heads
from engine.gateway.llm.dialects.reading import Reading
from engine.gateway.llm.exchange import Out
from engine.gateway.llm.ports import Stored
from engine.gateway.llm.till import Held
from engine.gateway.llm.upstreams import Answer

MOST_KEPT = 8 << 20
"""Bytes of an answer that may go into the cache."""


class Kept:
    """What passed, for the cache; nothing of an answer that is too large for it."""

    def __init__(self, answer: Answer, *, wanted: bool) -> None:
        self._answer, self._wanted = answer, wanted
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """One portion."""
        self._size += len(chunk)
        self._wanted = self._wanted and self._size <= MOST_KEPT
        if self._wanted:
            self._chunks.append(chunk)

    def stored(self) -> Stored | None:
        """All of it, if it is wanted and fits."""
        if not self._wanted:
            return None
        return Stored(status=self._answer.status, headers=tuple(self._answer.headers), chunks=tuple(self._chunks))


async def pass_on(answer: Answer, first: bytes, reading: Reading, out: Out, kept: Kept) -> None:
    """Forward an answer from its `first` portion on; the head went before. Raises Lost, ConnectionError."""
    chunk = first
    try:
        while chunk:
            kept.add(chunk)
            data = reading.feed(chunk)
            if data:
                await out.write(data)
            chunk = await answer.next()
    finally:
        rest = reading.end()
    if rest:
        await out.write(rest)


def reading_of(held: Held, answer: Answer) -> Reading:
    """What reads the answer to that."""
    return held.call.dialect.reading(held.call, dict(answer.headers), count=not held.target.upstream.plan)


def head_of(answer: Answer, key: str) -> heads.Lines:
    """The head's lines for the agent."""
    return heads.downwards(answer.headers, key)
