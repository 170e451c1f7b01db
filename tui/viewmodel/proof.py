"""The proof of a kill: what is gone, how that is known, how long it took, and where its work is kept."""

from __future__ import annotations

import shlex

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
    took = f": {count(killed.processes, 'process')} in {_span(killed.ms)}"
    word = f"gone{took}" if killed.gone else f"NOT gone{took}"
    told = [line(state("ended" if killed.gone else "bad", word), f"  {clean(agent)}"), BLANK]
    told += [*wrap(clean(killed.proof), room), BLANK]
    if killed.snapshot:
        told.append(line(Span("kept  ", "label"), said(killed.snapshot)))
        show = f"git -C {shlex.quote(board.where)} show {shlex.quote(killed.snapshot)}"
        told.append(line(Span("see   ", "label"), said(show)))
    else:
        told.append(line(Span("kept  ", "label"), "nothing was put aside"))
    told.append(line(Span("event ", "label"), f"{event.seq} of the record"))
    if not killed.gone:
        told += [BLANK, *wrap("It is held and gets nothing. x tries again.", room)]
    return told


def _without(board: Board, agent: str, room: int) -> list[Line]:
    found = board.knows(agent)
    if found is None or not found.proof:
        return [line(state("note", f"no kill of {clean(agent)} is recorded in this run"))]
    ended = state("ended" if found.gone else "bad", "gone" if found.gone else "NOT gone")
    return [line(ended, f"  {clean(agent)}"), BLANK, *wrap(clean(found.proof), room)]


def _span(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else span(ms / 1000)
