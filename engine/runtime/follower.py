"""One client that follows what agents print: a place in each one's transcript, and when it may be told more.

Two ways to follow an agent: each line, in pieces; or the last line only, a few times a second. Nothing is read before
the client asks for what comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from engine.api.calls import CallRefused
from engine.api.frames import Said
from engine.runtime.pages import Paper, Piece, paper, shown
from engine.runtime.sayings import Sayings, Transcript
from workspaces.errors import UnsafeName
from workspaces.layout import safe

PIECE, TAIL, BEHIND = 64 * 1024, 64 * 1024, 1024 * 1024
"""Bytes sent at a time; what is sent of what was there before; how far behind a follower may fall."""
LINE = 8 * 1024
"""Bytes in which the last line is looked for."""
LINES_EVERY, LAST_EVERY = 0.05, 0.2
"""Seconds between two pieces of one agent's lines, and between two last lines of one agent."""


@dataclass(slots=True)
class _Place:
    """Where in a transcript the client is; an `offset` of -1: it has had nothing and begins with the tail."""

    transcript: Transcript
    offset: int = -1


class Follower:
    """What `engine.api.calls.Following` asks for. `said` is called by one task."""

    def __init__(self, sayings: Sayings) -> None:
        self._sayings = sayings
        self._lines: frozenset[str] = frozenset()
        self._others = False
        self._places: dict[str, _Place] = {}
        self._waiting: dict[str, None] = {}  # agents of whom there may be more, the longest waiting first
        self._due: dict[str, float] = {}
        self._woken = asyncio.Event()
        sayings.listen(self._wake)

    def choose(self, lines: Collection[str], *, others: bool) -> None:
        """Whom to follow, and how. An agent whose way changes begins anew."""
        chosen = frozenset(map(_checked, lines))
        for agent in chosen ^ self._lines:
            self._places.pop(agent, None)
            self._due.pop(agent, None)
        if not others:
            self._places = {agent: place for agent, place in self._places.items() if agent in chosen}
        self._lines, self._others = chosen, others
        self._waiting.clear()
        for agent in self._sayings.agents():
            self._wake(agent)

    async def said(self) -> Said:
        """What comes next, once there is something and it is not too soon."""
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            now = loop.time()
            for agent in [agent for agent in self._waiting if self._due.get(agent, 0.0) <= now]:
                del self._waiting[agent]
                if (told := self._more(agent, now)) is not None:
                    return told
            soonest = min((self._due.get(agent, 0.0) for agent in self._waiting), default=None)
            try:
                async with asyncio.timeout_at(soonest):
                    await self._woken.wait()
            except TimeoutError:
                pass

    def close(self) -> None:
        """Follow no more."""
        self._sayings.leave(self._wake)
        self._waiting.clear()

    def _wake(self, agent: str) -> None:
        if agent not in self._waiting and (self._others or agent in self._lines):
            self._waiting[agent] = None
            self._woken.set()

    def _more(self, agent: str, now: float) -> Said | None:
        place, latest = self._places.get(agent), self._sayings.latest(agent)
        if latest is None:
            return None
        whole = agent in self._lines
        if place is None or (not whole and place.transcript is not latest):
            place = self._places[agent] = _Place(latest)
        try:
            with paper(place.transcript.path) as file:
                told = self._next_lines(place, file) if whole else _last_line(place, file)
        except FileNotFoundError:  # its program has not begun
            told = None
        if told is not None:
            self._due[agent] = now + (LINES_EVERY if whole else LAST_EVERY)
        elif whole and place.transcript.ended and place.transcript.later is not None:
            later = place.transcript.later
            self._places[agent] = _Place(later, later.begins)
            self._wake(agent)
        return told

    def _next_lines(self, place: _Place, file: Paper) -> Said | None:
        before, start = max(place.offset, 0), place.offset
        if start < 0 or file.size - start > BEHIND:
            start = max(before, file.line_at(max(0, file.size - TAIL)))
        growing = not place.transcript.ended
        piece = file.piece(start, PIECE, shown, growing=growing)
        place.offset = max(piece.next, before)
        if piece.next == piece.offset:
            return None
        self._wake(place.transcript.agent)  # for what is left, or the transcript after this one
        return _said(place.transcript, piece, missed=piece.offset - before)


def _last_line(place: _Place, file: Paper) -> Said | None:
    """The last line that says something, if it is a new one."""
    before = max(place.offset, 0)
    line = file.last_line(LINE, shown, growing=not place.transcript.ended)
    place.offset = max(line.next, before)
    if not line.text or line.next <= before or line.offset < before:
        return None
    return _said(place.transcript, line, missed=line.offset - before)


def _said(transcript: Transcript, piece: Piece, *, missed: int) -> Said:
    return Said(
        agent=transcript.agent,
        task=transcript.task,
        attempt=transcript.attempt,
        kind=transcript.kind,
        name=transcript.name,
        offset=piece.offset,
        next=piece.next,
        text=piece.text,
        missed=missed,
    )


def _checked(agent: str) -> str:
    try:
        return safe(agent)
    except UnsafeName:
        raise CallRefused(f"{agent!r} can not be the name of an agent", code="unknown") from None
