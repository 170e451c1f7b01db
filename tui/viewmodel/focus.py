"""What a person looks at, and what an action would therefore act on: always a thing with a name."""

from __future__ import annotations

from typing import Literal, NamedTuple

from engine.core.approvals import waiting_approvals
from engine.core.state import Approval
from tui.viewmodel.board import Board
from tui.viewmodel.keys import split

Panel = Literal["crew", "plan", "needs", "events", "transcript", "diff", "detail", ""]


class Focus(NamedTuple):
    """The key of the highlighted row (`agent/…`, `task/…`, `ask/…`), the panel it is in, and what was searched for."""

    key: str = ""
    panel: Panel = ""
    sought: str = ""


class Target(NamedTuple):
    """The agent, the task and the approval (a stage) that are meant; empty where there is none."""

    agent: str = ""
    task: str = ""
    approval: str = ""


def target(board: Board, focus: Focus) -> Target:
    """What the highlighted thing stands for: a task for who works on it, an agent for what it works on."""
    kind, name = split(focus.key)
    if kind == "agent" and board.knows(name) is not None:
        task = task_of(board, name)
        return Target(name, task, _asked(board, task))
    if kind == "task" and board.find(name) is not None:
        return Target(worker(board, name), name, _asked(board, name))
    if kind == "ask":
        asked = approval(board, name)
        return Target(worker(board, asked.task), asked.task, name) if asked is not None else Target()
    return Target("", "", _asked(board, ""))


def approvals(board: Board) -> list[Approval]:
    """What waits for a person, oldest first."""
    return waiting_approvals(board.run) if board.run is not None else []


def approval(board: Board, stage: str) -> Approval | None:
    """The approval of that id, while it waits."""
    return next((one for one in approvals(board) if one.stage == stage), None)


def task_of(board: Board, agent: str) -> str:
    """The task an agent works on; empty when on none."""
    stage = board.agent(agent).stage
    return stage.task if stage is not None and board.live else ""


def wrote_last(board: Board, agent: str) -> str:
    """The task of which an agent wrote the latest round, the last one of several; empty when of none."""
    tasks = board.run.tasks.values() if board.run is not None else ()
    mine = [task for task in tasks if task.round is not None and task.round.author == agent]
    return max(mine, key=lambda task: task.last).spec.id if mine else ""


def worker(board: Board, task: str) -> str:
    """The agent at work on a task; empty when none is."""
    found = board.find(task)
    if found is None or board.run is None or not board.live:
        return ""
    holders = (board.run.stages[stage].agent for stage in found.open)
    return next((name for name in holders if name in board.state.agents), "")


def _asked(board: Board, task: str) -> str:
    """The approval of a task, or the only one there is."""
    waiting = approvals(board)
    about = [one for one in waiting if one.task == task] or waiting
    return about[0].stage if len(about) == 1 else ""
