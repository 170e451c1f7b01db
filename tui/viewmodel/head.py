"""The first line: the run and how it goes, what it used, who waits for you. And the banner when the engine is gone.

Where there is little room the goal gives way first, then what was used. Never left out: the state of the run, what
waits for a person, that agents are not well confined, that what is shown is the past.
"""

from __future__ import annotations

from engine.core.confinement import level
from engine.core.standing import OfRun
from engine.core.state import Run
from tui.faces import run_face
from tui.headless.moments import hour
from tui.viewmodel.ages import Today, age
from tui.viewmodel.amounts import spans
from tui.viewmodel.board import Board
from tui.viewmodel.lines import BLANK, Line, Span, clean, fit, joined, line, said, state, text, width
from tui.viewmodel.motion import run_moves
from tui.viewmodel.needs import count

LEAST_GOAL, LEAST_REASON = 12, 14
_KILLS, _TRYING = "; x, X still kill", "; trying again "


def lines(board: Board, room: int) -> tuple[Line, ...]:
    """The head, one line of that many cells."""
    run, stands = board.run, board.standing()
    if run is None or stands is None:
        return (fit(_nothing(board), room),)
    firm = [_state(board, stands), _needs(board), _weak(board), _past(board)]
    loose = [line(part) for part in reversed(spans(run))] + [_done(run), _providers(board)]
    while loose and width(joined([*firm, *loose])) > room:
        loose.pop(0)
    told = joined([*firm, *reversed(loose)])
    left = room - width(told) - 3
    goal = fit(line(said(run.goal, "bold")), left) if left >= LEAST_GOAL else BLANK
    return (fit(joined([goal, told]), room),)


def banner(board: Board, room: int) -> Line:
    """Why no engine answers, since when, what can be done and that it is tried again; nothing while one does.

    Where there is little room the reason gives way, never that it is tried again.
    """
    link = board.link
    if link.word != "gone":
        return BLANK
    since = Today(board.now()).since(link.since)
    lead, reason = f" no engine {since}: ", clean(link.reason)
    shown = "; what is shown is how it was then" if board.state.seq else ""
    ends = (f"{shown}{_KILLS}{_TRYING}", f"{_KILLS}{_TRYING}", _TRYING)
    least = width(line(lead, reason)), width(line(lead)) + min(width(line(reason)), LEAST_REASON), 0
    end = next(end for end, cells in zip(ends, least, strict=True) if cells + width(line(end)) <= room or not cells)
    told = text(fit(line(lead, reason), room - width(line(end))))
    return fit(line(Span(told + end, "alarm")), room)


def _nothing(board: Board) -> Line:
    if board.link.word == "connecting":
        return line(state("wait", "connecting"))
    return joined([line(state("idle", "no run yet")), _past(board)])


def _state(board: Board, stands: OfRun) -> Line:
    word = "waits for you" if stands.word == "needs_human" else stands.word
    moving = run_moves(board)
    when = age(board.now() - stands.since) if moving else Today(board.now()).since(stands.since)
    scripted = all(agent.spec.runtime == "scripted" for agent in board.state.agents.values())
    label = " · scripted" if scripted and board.state.agents else ""
    return line(state(run_face(stands.word), word), Span(f" {when}", "dim"), Span(label, "note"))


def _needs(board: Board) -> Line:
    number = count(board)
    return line(Span(f"? {number} need{'s' * (number == 1)} you", "ask", "panel/needs")) if number else BLANK


def _weak(board: Board) -> Line:
    """A strong tier is no news; the detail names it."""
    label = board.state.confinement
    strength = level(label)
    return line(Span(f"! {strength}", "note")) if label and strength != "strong" else BLANK


def _providers(board: Board) -> Line:
    """A provider that takes nothing now: which, until when; of several the first."""
    now = board.now()
    for name, found in board.state.providers.items():
        if found.what in {"limited", "opened"} and (not found.until or found.until > now):
            until = f" until {hour(found.until)}" if found.until else ""
            return line(Span(f"! {clean(name.partition('/')[0])} waits{until}", "wait"))
    return BLANK


def _past(board: Board) -> Line:
    return line(Span("! stale", "alarm")) if board.stale else BLANK


def _done(run: Run) -> Line:
    done = sum(task.outcome == "done" for task in run.tasks.values())
    return line(Span(f"{done}/{len(run.tasks)} merged", "dim")) if run.tasks else BLANK
