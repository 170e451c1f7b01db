"""`log` and `why` for people: one line an event, as it stands in the record."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import events as e
from engine.core.state import State
from tui.headless.gist import gist
from tui.headless.look import Look
from tui.headless.moments import clock, day_time
from tui.headless.rows import Columns, rows
from tui.headless.story import about, who

NARROW = 100
_BOOKKEEPING = (e.StageOpened, e.StageAssigned, e.StageClosed)


def log_line(event: e.Event, state: State, look: Look) -> str:
    """One event of the log: seq, local time, who, task, what."""
    narrow = look.width is not None and look.width < NARROW
    when = day_time(event.at)
    lead = (f"{event.seq:>6}", when.partition(" ")[2] if narrow else when, who(event), about(event))
    columns = Columns((6, 8, 10, 10) if narrow else (6, 19, 12, 14))
    return rows(lead, gist(event, state), columns, look, brief=True)[0]


def why_lines(chain: Sequence[e.Event], look: Look) -> list[str]:
    """The chain of causes of a task, oldest first, each with the time since the first; without bookkeeping."""
    nothing = State()
    narrow = look.width is not None and look.width < NARROW
    columns = Columns((6, 7, 10, 10) if narrow else (6, 7, 12, 14))
    lines: list[str] = []
    for event in chain:
        if isinstance(event.data, _BOOKKEEPING):
            continue
        lead = (f"{event.seq:>6}", clock(event.at - chain[0].at), who(event), about(event))
        lines += rows(lead, gist(event, nothing), columns, look)
    return lines
