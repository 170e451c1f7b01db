"""What a run ended with, as it is told everywhere: the outcome and why, what was merged, how to see it proven again."""

from __future__ import annotations

import re

from tui import cells
from tui.headless.ending import Proof, ending
from tui.headless.look import Look
from tui.viewmodel.board import Board
from tui.viewmodel.lines import Ink, Line, Span, line, text, width

_INKED = re.compile(r"\x1b\[([0-9;]+)m(.*?)\x1b\[0m")
_INKS: dict[str, Ink] = {"1": "bold", "2": "dim", "31": "bad", "32": "good", "33": "ask", "34": "busy", "36": "claim"}


def lines(board: Board, room: int) -> list[Line]:
    """The last words of a run that came to rest; none while it is under way."""
    run = board.run
    if run is None or run.outcome is None:
        return []
    told = ending(run, board.state, Proof(board.merged, board.where, board.path), Look(width=room, colour=True))
    return [row for found in told[1:] for row in _folded(inked(found), room)]


def _folded(shown: Line, room: int) -> list[Line]:
    """A line that is too long (commands are never cut) goes on below, indented."""
    if width(shown) <= room:
        return [shown]
    first, *rest = cells.wrap(text(shown).strip(), max(room - 4, 8))
    return [line("  ", first), *(line("    ", row) for row in rest)]


def inked(told: str) -> Line:
    """A line that was coloured for a terminal, as spans. Only our own colours are in it: all else was made harmless."""
    spans, end = list[Span](), 0
    for found in _INKED.finditer(told):
        spans += [Span(told[end : found.start()]), Span(found[2], _INKS.get(found[1], ""))]
        end = found.end()
    return line(*spans, told[end:])
