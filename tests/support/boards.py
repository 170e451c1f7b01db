"""Boards that events were folded into, for tests of what the dashboard shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.plays import Play

from engine.core.events import Event
from engine.core.values import TaskSpec
from tui.viewmodel.board import Board
from tui.viewmodel.lines import Line, Row, text


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def board_of(events: Iterable[Event], *, live: bool = True, later: float = 0.0) -> Board:
    """A board with these events folded in, looked at that much later than the last one."""
    clock = Clock()
    board = Board(now=clock, where="/home/project")
    if live:
        board.connected(7, "0.1.0")
    for event in events:
        board.take(event)
        clock.at = event.at + later
    return board


def clock_of(board: Board) -> Clock:
    """The clock of such a board."""
    assert isinstance(board.now, Clock)
    return board.now


def words(rows: Sequence[Row]) -> list[str]:
    """The lines of rows as texts."""
    return [text(line).rstrip() for row in rows for line in row.lines]


def texts(lines: Iterable[Line]) -> list[str]:
    """Lines as texts."""
    return [text(line).rstrip() for line in lines]


def tasks(**after: str) -> tuple[TaskSpec, ...]:
    """Tasks by name, each with the names it waits for, split at blanks."""
    return tuple(TaskSpec(id=name, title=f"Do {name}", after=tuple(needs.split())) for name, needs in after.items())


def begun(*names: str, **given: object) -> Play:
    """A run of these independent tasks whose base is checked; what finds an agent is at work."""
    play = Play().begin(tasks=tasks(**dict.fromkeys(names, "")), **given)
    play.check("_")
    for stage in list(play.mind.state.run.stages.values()):
        if stage.kind == "work" and stage.agent:
            play.began(stage.task, "work")
    return play
