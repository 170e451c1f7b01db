"""What happened, newest last: a bounded ring of the events that are worth a line, worded only when shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from engine.core import events as e
from tui.headless.gist import gist
from tui.headless.moments import clock
from tui.headless.story import about, matters, who
from tui.viewmodel.filtering import matches
from tui.viewmodel.keys import key
from tui.viewmodel.lines import BLANK, Line, Row, Span, clean, columns, fit, line, said, state, text

if TYPE_CHECKING:
    from tui.viewmodel.board import Board

LIMIT, SHOWN = 2_000, 500
TIME, WHO, TASK, WORD = 7, 10, 12, 12
NARROW = 80


class Timeline:
    """The last events that matter. `total` counts all that ever did."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._ring: deque[e.Event] = deque(maxlen=limit)
        self.total = 0
        self._seq = 0

    def take(self, event: e.Event) -> None:
        """Remember an event, if it is worth a line; one that was told before is not told again."""
        if event.seq <= self._seq:
            return
        self._seq = event.seq
        if matters(event) or isinstance(event.data, e.RunEnded):
            self._ring.append(event)
            self.total += 1

    def clear(self) -> None:
        """Another run begins."""
        self._ring.clear()
        self.total = self._seq = 0

    def last_ones(self, most: int) -> Iterator[e.Event]:
        """At most so many of the latest, oldest first."""
        return islice(self._ring, max(len(self._ring) - most, 0), None)

    @property
    def last(self) -> e.Event | None:
        """The latest of them."""
        return self._ring[-1] if self._ring else None

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[e.Event]:
        return iter(self._ring)


def rows(board: Board, room: int, wanted: str = "", most: int = SHOWN) -> list[Row]:
    """The last of them, oldest first, each on one line of that many cells."""
    found = []
    for event in board.timeline.last_ones(most):
        name = key("event", str(event.seq))
        before = board.kept.get(name)
        if before is None or before[0] != room:
            before = board.kept[name] = (room, Row(name, (event_line(board, event, room),)))
        if not wanted or matches(wanted, text(before[1].lines[0])):
            found.append(before[1])
    return found


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
