"""Records while vendors are asked: each answer as it comes, put on the tape in the order that requests were sent."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from engine.gateway.llm.ports import Asked, Stored, Tape
from engine.gateway.llm.upstreams import Answer, Lines, Lost, Sender
from engine.gateway.llm.values import Upstream

MOST_TAPED = 64 << 20
"""Bytes of one answer; a longer one stands on the tape as cut there."""


@dataclass(slots=True)
class _Entry:
    asked: Asked
    stored: Stored | None = None


class Taping:
    """Sends by another sender. What an agent did not wait for stands on the tape as cut where it left."""

    def __init__(self, sender: Sender, tape: Tape) -> None:
        self._sender, self._tape = sender, tape
        self._sent: deque[_Entry] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
        """Send it, and wait for the head of the answer. Raises Unsent, Lost."""
        entry = _Entry(asked)
        self._sent.append(entry)
        try:
            answer = await self._sender.send(upstream, asked, headers)
        except BaseException as error:
            if isinstance(error, Lost):
                self._over(entry, Stored(status=0, headers=(), chunks=(), cut=True))
            else:  # it never came there
                self._sent.remove(entry)
                self._write()
            raise
        return _Recorded(self, entry, answer)

    async def close(self) -> None:
        """End all connections; what is whole is on the tape then."""
        await self._sender.close()
        while self._writing is not None and not self._writing.done():
            await self._writing

    def _over(self, entry: _Entry, stored: Stored) -> None:
        if entry.stored is None:
            entry.stored = stored
            self._write()

    def _write(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="tape")

    async def _write_all(self) -> None:
        """In the order sent: an answer that is over waits for those before it."""
        while self._sent and (stored := self._sent[0].stored) is not None:
            entry = self._sent.popleft()
            await asyncio.to_thread(self._tape.record, entry.asked, stored)


class _Recorded:
    """An answer that is remembered as it passes."""

    def __init__(self, taping: Taping, entry: _Entry, answer: Answer) -> None:
        self._taping, self._entry, self._answer = taping, entry, answer
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Lines:
        return self._answer.headers

    async def next(self) -> bytes:
        try:
            chunk = await self._answer.next()
        except Lost:
            self._over(cut=True)
            raise
        if chunk:
            self._keep(chunk)
        else:
            self._over(cut=False)
        return chunk

    def close(self) -> None:
        self._answer.close()
        self._over(cut=True)  # no harm where it is over

    def _keep(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= MOST_TAPED:
            self._chunks.append(chunk)
        else:
            self._over(cut=True)

    def _over(self, *, cut: bool) -> None:
        stored = Stored(
            status=self._answer.status, headers=tuple(self._answer.headers), chunks=tuple(self._chunks), cut=cut
        )
        self._taping._over(self._entry, stored)  # noqa: SLF001  one idea in two classes
