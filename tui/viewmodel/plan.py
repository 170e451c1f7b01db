"""The plan as rows: each task after what it waits for, lanes between them, its state, and what waits on it.

The lanes are drawn again only when the plan is another; a row only when something it shows is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, cast

from engine.core.standing import OfTask
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
from tui.viewmodel.listing import Listing
from tui.viewmodel.motion import moves

STATE, NAME, LANES = 13, 18, 12
_TELL_WHY = frozenset({"needs_human", "failed", "blocked", "cancelled", "waiting", "claimed", "ready"})
"""Of these what they rest on is more worth than their title."""


class Lanes(NamedTuple):
    """The plan as it is drawn at some number of lanes, and how wide its columns are."""

    of: tuple[int, int]
    rows: Sequence[graph.Drawn]
    gutter: int
    name: int


class Pressing(NamedTuple):
    """Of what has not ended: how many wait for each, and a longest chain."""

    of: tuple[int, int]
    waiting: dict[str, int]
    critical: frozenset[str]


class _Shown(NamedTuple):
    """All that a row depends on."""

    word: str
    evidence: str
    when: str
    round: int
    gutter: Line
    untold: tuple[str, ...]
    waiting: int
    critical: bool
    name: int
    room: int


def rows(board: Board, room: int, wanted: str = "") -> Listing:
    """Each task as one line, in that many cells; a filter leaves the others out, and their lanes stand still."""
    run = board.run
    if run is None:
        return Listing((), lambda _: Row("", ()))
    lanes, pressing, now = lanes_of(board, run, room), pressing_of(board, run), board.now()
    found = [
        (drawn, run.tasks[drawn.task], stands)
        for drawn in lanes.rows
        if _wanted(stands := board.task(drawn.task), run.tasks[drawn.task], wanted)
    ]

    def row(place: int) -> Row:
        drawn, task, stands = found[place]
        shown = _Shown(
            stands.word,
            stands.evidence,
            age(now - stands.since) if moves(board, stands) else "",
            task.round.number if task.round is not None else 0,
            _gutter(run, drawn, lanes),
            drawn.untold,
            pressing.waiting.get(drawn.task, 0),
            drawn.task in pressing.critical,
            lanes.name,
            room,
        )
        return _kept(board, task, shown)

    return Listing([key("task", drawn.task) for drawn, _, _ in found], row)


def _wanted(stands: OfTask, task: Task, wanted: str) -> bool:
    return not wanted or matches(wanted, task.spec.id, stands.word.replace("_", " "), stands.agent, task.spec.title)


def lanes_of(board: Board, run: Run, room: int) -> Lanes:
    """The lanes for this width, from the board's memory while the plan is the same."""
    most = max(1, min(LANES, room // 8))
    before = board.kept.get(f"lanes/{most}")
    if before is not None and before.of == (board.shape, most):
        return cast("Lanes", before)
    after = {name: task.spec.after for name, task in run.tasks.items()}
    drawn = graph.draw(after, most)
    gutter = max((len(row.cells) for row in drawn), default=0)
    lanes = Lanes((board.shape, most), drawn, gutter, min(max(map(cells.width, after), default=0), NAME))
    board.kept[f"lanes/{most}"] = lanes
    return lanes


def pressing_of(board: Board, run: Run) -> Pressing:
    """What waits for what, from the board's memory while no task ends or is another."""
    before = board.kept.get("pressing")
    if before is not None and before.of == (board.shape, board.ended):
        return cast("Pressing", before)
    unended = {name: task.spec.after for name, task in run.tasks.items() if task.outcome is None}
    waits = {name: needs for name, after in unended.items() if (needs := [need for need in after if need in unended])}
    after = dict.fromkeys(chain.from_iterable(waits.values()), ()) | waits
    below = {name: len(others) for name, others in graph.below(after).items()}
    pressing = Pressing((board.shape, board.ended), below, graph.longest(after))
    board.kept["pressing"] = pressing
    return pressing


def _kept(board: Board, task: Task, shown: _Shown) -> Row:
    name = key("task", task.spec.id)
    before = board.kept.get(name)
    if before is not None and before[0] == shown:
        return cast("Row", before[1])
    row = Row(name, (_line(task, shown),))
    board.kept[name] = (shown, row)
    return row


def _line(task: Task, shown: _Shown) -> Line:
    word = line(state(TASK_FACES.get(shown.word, "note"), shown.word.replace("_", " ")))
    name = line(Span(clean(task.spec.id), "accent" if shown.critical else "bold"))
    again = f"{shown.round}x" if shown.round > 1 else ""
    told = columns((word, name), (STATE, shown.name), gap=1)
    why = clean(shown.evidence if shown.word in _TELL_WHY else task.spec.title)
    rest = joined((line(Span(again, "note")), line(Span(_untold(shown), "dim")), line(Span(why, "dim"))))
    waiting = line(Span(f"{shown.waiting} wait", "wait")) if shown.waiting else BLANK
    right = joined((waiting, line(Span(shown.when, "dim"))))
    return apart((*shown.gutter, *told, Span("  "), *rest), right, shown.room)


def _gutter(run: Run, drawn: graph.Drawn, lanes: Lanes) -> Line:
    """Lanes of what is done are dim; one that somebody still waits on is not. The line to the task is its own."""
    lead = drawn.cells[-1] if drawn.cells and drawn.cells[-1].source == drawn.task else graph.Cell(" ")
    filled = (*drawn.cells, *[lead] * (lanes.gutter - len(drawn.cells)))
    return tuple(Span(cell.sign, _ink(run, cell.source)) for cell in filled)


def _ink(run: Run, source: str) -> Ink:
    return "dim" if not source or run.tasks[source].outcome == "done" else "plan"


def _untold(shown: _Shown) -> str:
    """What it waits for and no lane says, where its evidence does not."""
    return "" if not shown.untold or shown.word in _TELL_WHY else f"after {listed(list(shown.untold), 4)}"
