"""What is asked before something is done, in words that name what it is done to; and the engine's request for it."""

from __future__ import annotations

from typing import NamedTuple

from engine.core import commands as c
from engine.core.amounts import parse, show
from engine.core.approvals import held_files
from engine.core.budgets import OF_TASK, named
from engine.core.guarded import NAMED
from engine.core.state import ROOT, Asked
from engine.core.values import Guarded
from engine.core.waiting import scope_of, short_scopes
from tui.headless.moments import count
from tui.viewmodel.ages import age
from tui.viewmodel.board import Board
from tui.viewmodel.focus import Target, approval
from tui.viewmodel.lines import clean
from tui.viewmodel.reasons import no_engine


class Question(NamedTuple):
    """A dialog: what is about to be done, to what, with what effect. `yes` says what pressing it does.

    `so` is what the person's mind depends on: asked again where it is another, a yes to the one is none to the other.
    """

    title: str
    lines: tuple[str, ...]
    yes: str
    so: tuple[object, ...] = ()


_AFTER = (
    "What it wrote so far is put aside under a ref of its own, and the proof names it.",
    "The task goes to whoever is free.",
)


_WITHOUT = (
    "No engine answers: the processes on record are ended without it.",
    "What was written so far stays in the clone until an engine puts it aside.",
)


BACK = "Its author tries again, and is told to leave these files as they are."


class Kill(NamedTuple):
    """To be killed with all it started; None: every agent."""

    agent: str | None


def kill(board: Board, meant: Target) -> Question:
    """About killing one agent."""
    agent = board.knows(meant.agent)
    at_work = agent is not None and agent.stage
    after = _WITHOUT if no_engine(board) else _AFTER if at_work else ("Nothing of it runs.",)
    held = f"{meant.agent} gets nothing until you resume it."
    return Question(f"Kill {meant.agent}?", (*_doing(board, meant.agent), *after, held), "kill it", _work(board, meant))


def kill_all(board: Board, _: Target) -> Question:
    """About killing every agent."""
    busy = [name for name, agent in board.state.agents.items() if agent.stage]
    told = [line for name in busy[:6] for line in _doing(board, name)[:1]]
    rest = [f"and {count(len(busy) - 6, 'other')} at work"] if len(busy) > 6 else []
    rest += _WITHOUT if no_engine(board) else ()
    held = "Each is held until you resume it; other tasks wait until then."
    return Question(f"Kill all {count(len(board.state.agents), 'agent')}?", (*told, *rest, held), "kill them all")


def stop(board: Board, meant: Target) -> Question:
    """About ending what an agent does, gently."""
    gently = "It is told to end, and ended when it does not. It gets nothing until you resume it."
    return Question(f"Stop {meant.agent}?", (*_doing(board, meant.agent)[:1], gently), "stop it", _work(board, meant))


def approve(board: Board, meant: Target) -> Question:
    """About saying yes."""
    return Question(f"Approve for {_about(board, meant)}?", _asked(board, meant), "approve it", _round(board, meant))


def always(board: Board, meant: Target) -> Question:
    """About saying yes once and for all."""
    asked = leave(board, meant)
    agent = board.knows(asked.agent) if asked is not None else None
    pool = (agent.spec.pool or agent.spec.name) if agent is not None else ""
    told = (*_asked(board, meant), f"Whoever of {pool} asks the same from here on is told yes, in later runs too.")
    return Question(f"Always allow for {_about(board, meant)}?", told, "always allow it", _round(board, meant))


def deny(board: Board, meant: Target) -> Question:
    """About saying no."""
    told = (*_asked(board, meant), *((BACK,) if _held(board, meant) else ()))
    return Question(f"Deny for {_about(board, meant)}?", told, "deny it", _round(board, meant))


def send(board: Board, meant: Target) -> Question:
    """About what an agent is told."""
    return Question(f"Message to {meant.agent}", _doing(board, meant.agent)[:1], "send it")


def retry(board: Board, meant: Target) -> Question:
    """About one more round of work."""
    told = (*_task(board, meant.task), "Who tries reads what you say.")
    return Question(f"Try {meant.task} again?", told, "try", _round(board, meant))


def cancel(board: Board, meant: Target) -> Question:
    """About dropping a task."""
    waiting = board.run.dependants.get(meant.task, ()) if board.run is not None else ()
    after = (f"Blocked by it then: {clean(', '.join(waiting))}.",) if waiting else ()
    return Question(
        f"Cancel {meant.task}?", (*_task(board, meant.task), *after), "cancel the task", _round(board, meant)
    )


def budget(board: Board, meant: Target) -> Question:
    """About raising a budget: the one that is in the way of who or what is highlighted, else the run's."""
    name = scope(board, meant)
    told = (*_left(board, name), *_asked_for(board, name), "By how much? 5usd, 200ktok")
    return Question(f"Raise the budget of {name}", told, "raise it")


def scope(board: Board, meant: Target) -> str:
    """Whose budget is meant: that in the way of what is highlighted, then the only one in anybody's, then the run's."""
    agent, task = board.knows(meant.agent), board.find(meant.task)
    if agent is not None and agent.waits == "budget":
        return scope_of(board.state, agent)
    if agent is not None and agent.spec.budget is not None and agent.spent_out:
        return meant.agent
    if task is not None and task.spent_out:
        return f"{OF_TASK}{meant.task}"
    found = short_scopes(board.state, board.run) if board.run is not None else ()
    return found[0] if len(found) == 1 else "run"


def whose(board: Board, meant: Target) -> Target:
    """What is meant, with the agent or the task whose budget it is."""
    name = scope(board, meant)
    if name.startswith(OF_TASK):
        return meant._replace(task=name.removeprefix(OF_TASK))
    return meant._replace(agent=name) if board.knows(name) is not None else meant


def _asked_for(board: Board, name: str) -> tuple[str, ...]:
    """What those wait with who wait for this budget."""
    waiting = [agent for agent in board.state.agents.values() if agent.waits == "budget" and agent.needed]
    return tuple(
        f"What {agent.spec.name} asks for may cost {show(agent.needed)}."
        for agent in waiting
        if agent.needed is not None and scope_of(board.state, agent) == name
    )


def _left(board: Board, name: str) -> tuple[str, ...]:
    budget = named(board.state, board.run, name) if board.run is not None else None
    return (f"{show(budget.used)} of {show(budget.limit)} are used.",) if budget is not None and budget.limits else ()


def request(name: str, board: Board, meant: Target, said: str = "") -> c.Requests | Kill:  # noqa: C901  one line an action
    """The engine's request for an action of that name. Raises BadAmount, KeyError for one the screen does itself."""
    match name:
        case "pause":
            return c.PauseAgent(agent=meant.agent)
        case "resume":
            return c.ResumeAgent(agent=meant.agent)
        case "stop":
            return c.StopAgent(agent=meant.agent, reason=said)
        case "kill":
            return Kill(meant.agent)
        case "kill_all":
            return Kill(None)
        case "send":
            return c.SteerAgent(agent=meant.agent, text=said)
        case "approve":
            return c.Answer(approval=meant.approval, granted=True, why=said)
        case "always":
            return c.Answer(approval=meant.approval, granted=True, always=True)
        case "deny":
            return c.Answer(approval=meant.approval, granted=False, why=said)
        case "retry":
            return c.RetryTask(task=meant.task, note=said)
        case "cancel":
            return c.CancelTask(task=meant.task, note=said)
        case "budget":
            return c.RaiseBudget(scope=scope(board, meant), amount=parse(said))
    raise KeyError(name)


def _work(board: Board, meant: Target) -> tuple[object, ...]:
    """What an agent has in its hands, and how it is held."""
    agent = board.knows(meant.agent)
    return (agent.stage, agent.held) if agent is not None else ()


def _round(board: Board, meant: Target) -> tuple[object, ...]:
    """How far a task is, and what is owed of it."""
    task = board.find(meant.task)
    owed = approval(board, meant.approval) is not None
    return (owed, task.outcome, task.round and task.round.number, len(task.answers)) if task is not None else (owed,)


def _doing(board: Board, agent: str) -> tuple[str, ...]:
    """What an agent does, and what would end with it."""
    if board.knows(agent) is None:
        return (f"{agent} is in the crew no more.",)
    stands = board.agent(agent)
    if stands.stage is None:
        return (f"{agent} is {stands.word}: {clean(stands.evidence)}.",)
    since = age(board.now() - stands.since)
    about = "the run" if stands.stage.task == ROOT else stands.stage.task
    told = f"{agent} is at {stands.stage.kind} of {about}, round {stands.stage.round}, for {since}."
    return (told, f"Process {stands.pid} and all it started end at once.") if stands.pid else (told,)


def _about(board: Board, meant: Target) -> str:
    asked = approval(board, meant.approval)
    about = asked.task if asked is not None else meant.task
    return "the run" if about in {ROOT, ""} else about


def _asked(board: Board, meant: Target) -> tuple[str, ...]:
    asked = approval(board, meant.approval)
    if asked is None:
        return ("It is decided already.",)
    task = board.find(asked.task)
    title = (f"{asked.task}: {clean(task.spec.title)}",) if task is not None else ()
    round_ = task.round if task is not None else None
    change = round_.change if round_ is not None else None
    size = (f"+{change.added} -{change.removed} in {count(len(change.files), 'file')}",) if change is not None else ()
    wanted = leave(board, meant)
    if wanted is not None:
        return (clean(asked.what), *_leave(wanted), *title)
    held = _held(board, meant)
    files = tuple(f"  {clean(file.path)}: {file.why}" for file in held) if len(held) > NAMED else ()
    return (clean(asked.what), *files, *title, *size)


def leave(board: Board, meant: Target) -> Asked | None:
    """What an agent wants leave for, if that is what is meant."""
    found = board.run.asked.get(meant.approval) if board.run is not None else None
    return found if found is not None and found.allow is None else None


def _leave(asked: Asked) -> tuple[str, ...]:
    """What is known of it besides: the agent's own words, the files, why it is asked."""
    said = (f"It calls it: {clean(asked.title)}",) if asked.title and asked.title not in asked.command else ()
    why = (f"It says: {clean(asked.reason)}",) if asked.reason else ()
    files = tuple(f"  {clean(path)}" for path in asked.paths) if asked.command else ()
    each = ("The crew's policy wants each of these seen.",) if asked.level == "review" else ()
    return (*said, *why, *files, *each)


def _held(board: Board, meant: Target) -> tuple[Guarded, ...]:
    asked = approval(board, meant.approval)
    return held_files(board.run, asked) if asked is not None and board.run is not None else ()


def _task(board: Board, name: str) -> tuple[str, ...]:
    task = board.find(name)
    if task is None:
        return ()
    stands = board.task(name)
    return (f"{name}: {clean(task.spec.title)}", f"It is {stands.word.replace('_', ' ')}: {clean(stands.evidence)}.")
