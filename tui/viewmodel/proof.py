"""The proof of a kill: what is gone, how that is known, how long it took, and where its work is kept."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from engine.core import events as e
from tui.headless.moments import count, span
from tui.viewmodel.board import Board
from tui.viewmodel.lines import BLANK, Line, Span, clean, line, said, state, wrap


def lines(board: Board, agent: str, room: int) -> list[Line]:
    """All that is proven of the last kill of an agent; that nothing is, where there was none."""
    event = board.proofs.get(agent)
    if event is None or not isinstance(event.data, e.AgentKilled):
        return _without(board, agent, room)
    killed = event.data
    told = [_head(agent, killed.processes, killed.ms, gone=killed.gone), BLANK]
    told += [*wrap(clean(killed.proof), room), BLANK]
    if killed.snapshot:
        told.append(line(Span("kept  ", "label"), said(killed.snapshot)))
        show = f"git -C {shlex.quote(board.where)} show {shlex.quote(killed.snapshot)}"
        told.append(line(Span("see   ", "label"), said(show)))
    elif killed.keeping:
        told.append(line(Span("kept  ", "label"), "it is still being put aside; u lists it then"))
    else:
        told.append(line(Span("kept  ", "label"), "nothing was put aside"))
    told.append(line(Span("event ", "label"), f"{event.seq} of the record"))
    if not killed.gone:
        told += [BLANK, *wrap("It is held and gets nothing. x tries again.", room)]
    return told


def by_records(each: Sequence[Mapping[str, Any]], room: int) -> list[Line]:
    """What came of a kill without an engine, as `kill --json` has it of each."""
    told: list[Line] = []
    for one in each:
        told.append(_head(str(one["agent"]), int(one["processes"]), float(one["ms"]), gone=bool(one["gone"])))
        told += [*wrap(clean(str(one["proof"])), room, indent=2), BLANK]
    if not told:
        told = [*wrap("No process of any agent is recorded here; nothing was killed.", room), BLANK]
    after = (
        "No engine answered, so they were ended by the records of their processes. Each is held until it is resumed."
    )
    kept = "What they wrote is in their clones; the next engine puts it aside, and says so in the record."
    return [*told, *wrap(after, room), *wrap(kept, room)]


def _head(agent: str, processes: int, ms: float, *, gone: bool) -> Line:
    took = f": {count(processes, 'process')} in {_span(ms)}"
    word = f"gone{took}" if gone else f"NOT gone{took}"
    return line(state("ended" if gone else "bad", word), f"  {clean(agent)}")


def _without(board: Board, agent: str, room: int) -> list[Line]:
    found = board.knows(agent)
    if found is None or not found.proof:
        return [line(state("note", f"no kill of {clean(agent)} is recorded in this run"))]
    ended = state("ended" if found.gone else "bad", "gone" if found.gone else "NOT gone")
    return [line(ended, f"  {clean(agent)}"), BLANK, *wrap(clean(found.proof), room)]


def _span(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else span(ms / 1000)
