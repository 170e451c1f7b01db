"""Why something cannot be done now: a word about the thing it would be done to, with the way out where there is one."""

from __future__ import annotations

from engine.core.leave import memorable
from tui.viewmodel.board import Board
from tui.viewmodel.focus import Focus, Target, approvals, target

NOTHING = ""


def never(_: Board, __: Focus) -> str:
    """It can be done at any time."""
    return NOTHING


def no_engine(board: Board) -> str:
    """Why nothing at all can be asked of the engine."""
    if board.link.word == "connecting":
        return "no engine answers yet"
    return f"no engine: {board.link.reason}" if board.link.word == "gone" else NOTHING


def no_pause(board: Board, focus: Focus) -> str:
    """Why the agent cannot be frozen."""
    meant = target(board, focus)
    found = no_engine(board) or _no_agent(focus, meant)
    if found:
        return found
    agent = board.state.agents[meant.agent]
    if agent.held:
        return f"{meant.agent} is held since its {agent.held}; there is nothing to freeze"
    if agent.pause and not agent.paused_for:
        return f"{meant.agent} is {'paused' if agent.pause == 'frozen' else 'being paused'} already"
    return NOTHING if agent.stage else f"{meant.agent} has nothing to pause: it is {board.agent(meant.agent).word}"


def no_resume(board: Board, focus: Focus) -> str:
    """Why the agent has nothing to go on from."""
    meant = target(board, focus)
    found = no_engine(board) or _no_agent(focus, meant)
    if found:
        return found
    agent = board.state.agents[meant.agent]
    if agent.pause or agent.held:
        return NOTHING
    return f"{meant.agent} is neither paused nor stopped: it is {board.agent(meant.agent).word}"


def no_stop(board: Board, focus: Focus) -> str:
    """Why the agent cannot be stopped."""
    meant = target(board, focus)
    found = no_engine(board) or _no_agent(focus, meant)
    if found:
        return found
    held = board.state.agents[meant.agent].held
    return f"{meant.agent} is {board.agent(meant.agent).word} already" if held else NOTHING


def no_kill(board: Board, focus: Focus) -> str:
    """Why the agent cannot be killed from here."""
    meant = target(board, focus)
    found = _no_agent(focus, meant)
    if found:
        return found
    agent = board.state.agents[meant.agent]
    over = agent.held == "kill" and agent.gone and not agent.ending
    return f"{meant.agent} is killed already; nothing of it runs" if over else NOTHING


def no_kill_all(board: Board, _: Focus) -> str:
    """Why there is nobody to kill."""
    return NOTHING if board.state.agents or no_engine(board) else "there are no agents"


def no_send(board: Board, focus: Focus) -> str:
    """Why nobody can be told anything."""
    return no_engine(board) or _no_agent(focus, target(board, focus))


def no_decision(board: Board, focus: Focus) -> str:
    """Why there is nothing to approve or deny."""
    found = no_engine(board)
    if found or target(board, focus).approval:
        return found
    waiting = len(approvals(board))
    return f"{waiting} decisions wait for you; highlight one of them first" if waiting else "nothing waits for you"


def no_always(board: Board, focus: Focus) -> str:
    """Why a yes cannot be given once and for all."""
    found = no_decision(board, focus)
    asked = board.run.asked.get(target(board, focus).approval) if board.run is not None else None
    if found:
        return found
    if asked is None:
        return "it is decided once; only leave for a tool can be given for good"
    return NOTHING if memorable(asked) else "the crew's policy, or what it names, does not allow a lasting answer"


def no_retry(board: Board, focus: Focus) -> str:
    """Why a task cannot be tried again."""
    meant = target(board, focus)
    found = no_engine(board) or _no_task(meant)
    task = board.find(meant.task)
    if found or task is None or board.run is None:
        return found
    if task.outcome == "done":
        return f"{meant.task} is merged; there is nothing to try again"
    if board.run.outcome == "verified":
        return f"run {board.run.id} is over; start another with `quarterdeck run`"
    stands = board.task(meant.task)
    if task.outcome is None and stands.word != "needs_human":
        return f"{meant.task} is {stands.word}; it can be tried again once it has failed"
    return NOTHING


def no_cancel(board: Board, focus: Focus) -> str:
    """Why a task cannot be dropped."""
    meant = target(board, focus)
    found = no_engine(board) or _no_task(meant)
    task = board.find(meant.task)
    if found or task is None or board.run is None:
        return found
    if task.outcome is not None:
        return f"{meant.task} is {task.outcome} already"
    return NOTHING if board.run.unfinished else f"run {board.run.id} is over"


def no_raise(board: Board, _: Focus) -> str:
    """Why no budget can be raised."""
    found = no_engine(board)
    if found:
        return found
    if board.run is None or not board.run.unfinished:
        return "no run is under way, so no budget is in force"
    return NOTHING


def no_undo(board: Board, _: Focus) -> str:
    """Why nothing can be brought back from here."""
    return no_engine(board) or (NOTHING if board.state.kept else "nothing is put aside")


def no_search(_: Board, focus: Focus) -> str:
    """Why there is no next match."""
    return NOTHING if focus.sought else "nothing was searched for yet; / searches in the output or the difference"


def no_diff(_: Board, focus: Focus) -> str:
    """Why there is no next file or hunk."""
    return NOTHING if focus.panel == "diff" else "the difference is not in focus; v shows it, tab goes there"


def no_crew(board: Board, _: Focus) -> str:
    """Why no agent can be chosen."""
    return NOTHING if board.state.agents else "there are no agents yet"


def no_reading(board: Board, focus: Focus) -> str:
    """Why there is neither transcript nor difference."""
    return NOTHING if focus.key or board.state.agents else "highlight an agent or a task first"


def _no_agent(focus: Focus, meant: Target) -> str:
    if meant.agent:
        return NOTHING
    return f"nobody works on {meant.task}" if meant.task and focus.key else "highlight an agent first"


def _no_task(meant: Target) -> str:
    if meant.task:
        return NOTHING
    return f"{meant.agent} works on no task; highlight one in the plan" if meant.agent else "highlight a task first"
