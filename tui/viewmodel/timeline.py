"""What happened, newest last: a bounded ring of the events that are worth a line, worded only when shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from engine.core import events as e
from tui.headless.gist import gist
from tui.headless.moments import clock
from tui.headless.story import about, matters, who
from tui.viewmodel.filtering import matches
from tui.viewmodel.keys import key
from tui.viewmodel.lines import BLANK, Line, Row, Span, clean, columns, fit, line, said, state, text
from tui.viewmodel.listing import Listing

if TYPE_CHECKING:
    from tui.viewmodel.board import Board

LIMIT, SHOWN = 2_000, 500
TIME, WHO, TASK, WORD = 7, 10, 12, 12
NARROW = 80


@dataclass(slots=True)
class _Told:
    """One of them, and its row as it was worded last, for that many cells."""

    event: e.Event
    key: str
    room: int = -1
    row: Row | None = None


class Timeline:
    """The last events that matter. `total` counts all that ever did."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._ring: deque[_Told] = deque(maxlen=limit)
        self.total = 0
        self._seq = 0

    def take(self, event: e.Event) -> None:
        """Remember an event, if it is worth a line; one that was told before is not told again."""
        if event.seq <= self._seq:
            return
        self._seq = event.seq
        if matters(event) or isinstance(event.data, e.RunEnded):
            self._ring.append(_Told(event, key("event", str(event.seq))))
            self.total += 1

    def clear(self) -> None:
        """Another run begins."""
        self._ring.clear()
        self.total = self._seq = 0

    def last_ones(self, most: int) -> list[_Told]:
        """At most so many of the latest, oldest first."""
        return list(islice(self._ring, max(len(self._ring) - most, 0), None))

    @property
    def last(self) -> e.Event | None:
        """The latest of them."""
        return self._ring[-1].event if self._ring else None

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[e.Event]:
        return (told.event for told in self._ring)


def rows(board: Board, room: int, wanted: str = "", most: int = SHOWN) -> Listing:
    """The last of them, oldest first, each on one line of that many cells."""
    found = board.timeline.last_ones(most)
    if wanted:
        found = [told for told in found if matches(wanted, text(_row(board, told, room).lines[0]))]
    return Listing([told.key for told in found], lambda number: _row(board, found[number], room))


def _row(board: Board, told: _Told, room: int) -> Row:
    if told.row is None or told.room != room:
        told.room, told.row = room, Row(told.key, (event_line(board, told.event, room),))
    return told.row


def last_line(board: Board, room: int) -> Line:
    """The latest thing that happened."""
    event = board.timeline.last
    return BLANK if event is None else event_line(board, event, room)


def event_line(board: Board, event: e.Event, room: int) -> Line:
    """When since the run began, who, on which task, what."""
    run = board.run
    what = gist(event, board.state)
    told = ": ".join(part for part in (what.text, *what.more[:1]) if part) if what.face == "bad" else what.text
    since = clock(event.at - run.started) if run is not None else ""
    lead = (line(Span(since, "dim")), line(said(who(event))), line(said(about(event), "bold")))
    word = (state(what.face, clean(what.word).replace("_", " ")),)
    sizes = (TIME, WHO, TASK, WORD) if room >= NARROW else (TIME, WHO - 1, TASK - 3, WORD)
    return fit((*columns((*lead, word), sizes, gap=1), Span("  "), said(told)), room)
