"""What was put aside, as rows to choose from; and what came of bringing one back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.headless import kept
from tui.headless.moments import day_time
from tui.viewmodel.ages import Today
from tui.viewmodel.lines import BLANK, Line, Row, Span, apart, clean, fit, line, said, wrap


def rows(told: Mapping[str, Any], room: int, now: float) -> list[Row]:
    """Each as two lines: what it is and when, then how much and why. The newest first."""
    today = Today(now)
    return [_row(one, room, today) for one in told["kept"]]


def _row(one: Mapping[str, Any], room: int, today: Today) -> Row:
    head = line(Span(str(one["id"]), "key"), "  ", Span(clean(kept.where(one)), "bold"), "  ", said(one["agent"]))
    lost = f", {one['lost']} left out" if one["lost"] else ""
    what = ", ".join(filter(None, (f"{kept.changed(one)}{lost}", kept.bytes_of(one["size"]))))
    second = fit(line("  ", Span(what, "dim"), "  ", said(one["why"])), room)
    return Row(str(one["id"]), (apart(head, line(Span(today.since(one["at"]), "dim")), room), second))


def below(told: Mapping[str, Any], room: int) -> list[Line]:
    """What is said under the rows."""
    dropped = told["dropped"]
    lines = wrap("It comes back as a branch of its own; the next round of an open task begins with it.", room, "dim")
    if dropped["count"]:
        lines += wrap(f"{dropped['count']} older dropped, the last on {day_time(dropped['at'])[:10]}", room, "dim")
    return [BLANK, *lines]


def brought(event: Mapping[str, Any], room: int) -> list[Line]:
    """What was done, exactly, as the record has it."""
    done = {"carried": False, **event["data"], "task": event.get("task", ""), "recorded": True}
    return [row for text in kept.brought_lines(done) for row in wrap(text, room)]
