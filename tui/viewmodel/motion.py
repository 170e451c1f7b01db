"""What is in motion, so that its age grows on the screen; and when one of these ages is another word.

A run at rest, one whose engine is gone, one in which everybody is frozen or waits for a person: nothing of them ticks,
and whoever paints can sleep until something is heard.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.standing import OfTask
from engine.core.state import Run
from tui.viewmodel.ages import until_next
from tui.viewmodel.board import Board

AGENTS = frozenset({"starting", "working", "stopping", "killing"})
TASKS = frozenset({"running", "checking", "reviewing", "merging"})


def agent_moves(board: Board, name: str) -> bool:
    """Does an agent do something just now?"""
    return board.agent(name).word in AGENTS


def moves(board: Board, stands: OfTask) -> bool:
    """Is a task of which this is said being worked on just now? Not while who works on it is frozen, or waits."""
    holder = board.knows(stands.agent)
    still = holder is not None and (holder.pause == "frozen" or bool(holder.asking))
    return stands.word in TASKS and (stands.word == "merging" or not still)


def run_moves(board: Board) -> bool:
    """Does anybody do anything in the run?"""
    run = board.run
    return run is not None and board.live and run.outcome is None and next(_since(board, run), None) is not None


def next_tick(board: Board) -> float | None:
    """Seconds until a shown age is another word; None: never, before something happens."""
    run = board.run
    if run is None or not run_moves(board):
        return None
    now = board.now()
    return min(until_next(now - since) for since in {*_since(board, run), run.started})


def _since(board: Board, run: Run) -> Iterator[float]:
    """Since when each that moves does what it does. Only what has an open stage can."""
    for name in board.state.agents:
        if agent_moves(board, name):
            yield board.agent(name).since
    for name in {stage.task for stage in run.stages.values()} & run.tasks.keys():
        if moves(board, stands := board.task(name)):
            yield stands.since
