"""`log` and `why` for people: one line an event, as it stands in the record."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import events as e
from engine.core.state import ROOT, State
from tui.headless.gist import gist
from tui.headless.look import Look
from tui.headless.moments import clock, day_time
from tui.headless.rows import Columns, rows
from tui.headless.story import who


def log_line(event: e.Event, state: State, look: Look, *, more: bool = False) -> list[str]:
    """One event of the log: seq, local time, who, task, what; `more`: with the lines that belong to it."""
    task = "" if event.task == ROOT else event.task
    lead = (f"{event.seq:>6}", day_time(event.at), who(event), task)
    found = rows(lead, gist(event, state), Columns((6, 19, 12, 14)), look)
    return found if more else found[:1]


def why_lines(chain: Sequence[e.Event], look: Look) -> list[str]:
    """The chain of causes of a task, oldest first, each with the time since the first of them."""
    nothing = State()
    lines: list[str] = []
    for event in chain:
        lead = (f"{event.seq:>6}", clock(event.at - chain[0].at), who(event), event.task)
        lines += rows(lead, gist(event, nothing), Columns((6, 7, 12, 14)), look, in_full=True)
    return lines
