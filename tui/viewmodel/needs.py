"""What waits for a person, most pressing first: each with the thing to highlight and what would settle it.

A decision that is owed comes first, then what could not be killed, a merge that somebody's own files hold up, an agent
that was frozen for doing nothing, a budget that is used up, and what failed for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.core.budgets import of_day
from engine.core.leave import memorable
from engine.core.limits import reached
from engine.core.state import ROOT, Run
from engine.core.waiting import scope_of, short_of
from tui.faces import Face
from tui.viewmodel.ages import Today
from tui.viewmodel.board import Board
from tui.viewmodel.filtering import matches
from tui.viewmodel.focus import approvals
from tui.viewmodel.keys import key
from tui.viewmodel.lines import Line, Row, Span, apart, clean, line, state


class Need(NamedTuple):
    """One thing: the key of its row, its state in a face and a word, whose it is, what about, what to do."""

    key: str
    face: Face
    word: str
    whose: str
    what: str
    way: str
    since: float


def needs(board: Board) -> list[Need]:
    """All of them, most pressing first."""
    run = board.run
    if run is None:
        return []
    stuck = [*_unkillable(board), *_obstacles(run), *_idle(board), *_budgets(board, run)]
    return [*_asked(board), *stuck, *_failed(board, run)]


def count(board: Board) -> int:
    """How many things wait for a person."""
    return len(needs(board))


def rows(board: Board, room: int, wanted: str = "") -> list[Row]:
    """Each as two lines, in that many cells."""
    today = Today(board.now())
    return [_row(one, room, today) for one in needs(board) if matches(wanted, one.whose, one.what, one.word)]


def _row(one: Need, room: int, today: Today) -> Row:
    head = line(state(one.face, one.word), "  ", Span(clean(one.whose), "bold"))
    second: Line = (Span("  "), Span(clean(one.what)))
    since, way = line(Span(today.since(one.since), "dim")), line(Span(one.way, "key"))
    return Row(one.key, (apart(head, since, room), apart(second, way, room)))


def _asked(board: Board) -> Iterator[Need]:
    for one in approvals(board):
        whose = "the run" if one.task == ROOT else one.task
        asked = board.run.asked.get(one.stage) if board.run is not None else None
        way = "a approve, A always, d deny" if asked is not None and memorable(asked) else "a approve, d deny"
        yield Need(key("ask", one.stage), "ask", "asks you", whose, one.what, way, one.at)


def _unkillable(board: Board) -> Iterator[Need]:
    for name in board.state.agents:
        stands = board.agent(name)
        if stands.word == "unkillable":
            yield Need(key("agent", name), "bad", "unkillable", name, stands.evidence, "x try again", stands.since)


def _obstacles(run: Run) -> Iterator[Need]:
    for stage in run.stages.values():
        if stage.obstacle:
            paths = f": {', '.join(stage.paths[:3])}" if stage.paths else ""
            what = f"its merge waits, {stage.obstacle}{paths}"
            yield Need(key("task", stage.task), "wait", "held up", stage.task, what, "", stage.since)


def _idle(board: Board) -> Iterator[Need]:
    for name, agent in board.state.agents.items():
        if agent.pause and agent.limited is not None and agent.limited.done == "frozen":
            yield Need(key("agent", name), "frozen", "frozen", name, reached(agent.limited), "r resume", agent.since)


def _budgets(board: Board, run: Run) -> Iterator[Need]:
    waiting = {name: agent for name, agent in board.state.agents.items() if agent.waits == "budget"}
    for name, agent in waiting.items():
        told = short_of(board.state, agent).partition(" (`")[0]
        yield Need(key("agent", name), "wait", "budget", name, told, "b raise it", agent.since)
    covered = {scope_of(board.state, agent) for agent in waiting.values()}
    for scope, row, whose, since in _spent_out(board, run):
        if scope not in covered:
            told = "it is used up; nothing more is begun"
            yield Need(row, "wait", "budget", whose, told, "b raise it", since)


def _spent_out(board: Board, run: Run) -> Iterator[tuple[str, str, str, float]]:
    """Budgets under which nothing is begun: the scope, the key of its row, whose it is, since when."""
    at = board.state.at
    if run.spent_out:
        yield "run", key("run", "budget"), "the run", at
    if of_day(board.state, run).account.spent_out:
        yield "day", key("run", "day"), "today", at
    for name, agent in board.state.agents.items():
        if agent.spent_out:
            yield name, key("agent", name), name, agent.since
    for name, task in run.tasks.items():
        if task.spent_out and task.outcome is None:
            yield f"task:{name}", key("task", name), name, task.at


def _failed(board: Board, run: Run) -> Iterator[Need]:
    if run.outcome == "verified":
        return
    for name, task in run.tasks.items():
        if task.outcome == "failed":
            yield Need(key("task", name), "bad", "failed", name, task.reason, "t try again", board.task(name).since)
