"""The plan as rows: each task after what it waits for, lanes between them, its state, and what waits on it.

The lanes are drawn again only when the plan is another; a row only when something it shows is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from engine.core.state import Run, Task
from tui import cells
from tui.faces import TASK_FACES
from tui.headless.moments import listed
from tui.viewmodel import graph
from tui.viewmodel.ages import age
from tui.viewmodel.board import Board
from tui.viewmodel.filtering import matches
from tui.viewmodel.keys import key
from tui.viewmodel.lines import BLANK, Ink, Line, Row, Span, apart, clean, columns, joined, line, state
from tui.viewmodel.motion import task_moves

STATE, NAME, LANES = 13, 18, 12
_TELL_WHY = frozenset({"needs_human", "failed", "blocked", "cancelled", "waiting", "claimed", "ready"})
"""Of these what they rest on is more worth than their title."""


class Shape(NamedTuple):
    """The plan as it is drawn at some number of lanes."""

    of: tuple[int, int]
    rows: Sequence[graph.Drawn]
    gutter: int
    name: int
    waiting: dict[str, int]
    critical: frozenset[str]


class _Shown(NamedTuple):
    """All that a row depends on."""

    word: str
    evidence: str
    when: str
    round: int
    shape: Shape
    room: int


def rows(board: Board, room: int, wanted: str = "") -> list[Row]:
    """Each task as one line, in that many cells; a filter leaves the others out, and their lanes stand still."""
    run = board.run
    if run is None:
        return []
    shape = shape_of(board, run, room)
    now, found = board.now(), list[Row]()
    for drawn in shape.rows:
        stands = board.task(drawn.task)
        task = run.tasks[drawn.task]
        if wanted and not matches(wanted, drawn.task, stands.word.replace("_", " "), stands.agent, task.spec.title):
            continue
        when = age(now - stands.since) if task_moves(board, drawn.task) else ""
        number = task.round.number if task.round is not None else 0
        found.append(_kept(board, run, task, drawn, _Shown(stands.word, stands.evidence, when, number, shape, room)))
    return found


def shape_of(board: Board, run: Run, room: int) -> Shape:
    """The lanes for this width, from the board's memory while the plan is the same."""
    lanes = max(1, min(LANES, room // 8))
    before = board.kept.get(f"shape/{lanes}")
    if before is not None and isinstance(before, Shape) and before.of == (board.shape, lanes):
        return before
    after = {name: task.spec.after for name, task in run.tasks.items()}
    unended = {name: needs for name, needs in after.items() if run.tasks[name].outcome is None}
    drawn = graph.draw(after, lanes)
    shape = Shape(
        of=(board.shape, lanes),
        rows=drawn,
        gutter=max((len(row.cells) for row in drawn), default=0),
        name=min(max(map(cells.width, after), default=0), NAME),
        waiting={name: len(others) for name, others in graph.below(unended).items()},
        critical=graph.longest(unended),
    )
    board.kept[f"shape/{lanes}"] = shape
    return shape


def _kept(board: Board, run: Run, task: Task, drawn: graph.Drawn, shown: _Shown) -> Row:
    name = key("task", drawn.task)
    before = board.kept.get(name)
    if before is not None and before[0] == shown:
        return cast("Row", before[1])
    row = Row(name, (_line(run, task, drawn, shown),))
    board.kept[name] = (shown, row)
    return row


def _line(run: Run, task: Task, drawn: graph.Drawn, shown: _Shown) -> Line:
    shape = shown.shape
    word = line(state(TASK_FACES.get(shown.word, "note"), shown.word.replace("_", " ")))
    critical: Ink = "accent" if drawn.task in shape.critical and len(shape.critical) > 1 else "bold"
    name = line(Span(clean(drawn.task), critical))
    again = f"{shown.round}x" if shown.round > 1 else ""
    told = columns((word, name), (STATE, shape.name), gap=1)
    why = clean(shown.evidence if shown.word in _TELL_WHY else task.spec.title)
    rest = joined((line(Span(again, "note")), line(Span(_untold(drawn, shown.word), "dim")), line(Span(why, "dim"))))
    waiting = shape.waiting.get(drawn.task, 0)
    right = joined((line(Span(f"{waiting} wait", "wait")) if waiting else BLANK, line(Span(shown.when, "dim"))))
    return apart((*_gutter(run, drawn, shape), *told, Span("  "), *rest), right, shown.room)


def _gutter(run: Run, drawn: graph.Drawn, shape: Shape) -> Line:
    """Lanes of what is done are dim; one that somebody still waits on is not. The line to the task is its own."""
    lead = drawn.cells[-1] if drawn.cells and drawn.cells[-1].source == drawn.task else graph.Cell(" ")
    filled = (*drawn.cells, *[lead] * (shape.gutter - len(drawn.cells)))
    return tuple(Span(cell.sign, _ink(run, cell.source)) for cell in filled)


def _ink(run: Run, source: str) -> Ink:
    return "dim" if not source or run.tasks[source].outcome == "done" else "plan"


def _untold(drawn: graph.Drawn, word: str) -> str:
    """What it waits for and no lane says, where its evidence does not."""
    return "" if not drawn.untold or word in _TELL_WHY else f"after {listed(list(drawn.untold), 4)}"
