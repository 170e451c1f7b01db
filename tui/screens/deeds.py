"""What a person does to the engine: ask back first where that is due, then ask the engine, then say what came of it.

One deed is one task of the loop; keys go on working meanwhile. A deed is about what was highlighted when its key was
pressed, whatever is highlighted by the time the engine answers; it carries the version that was seen when it was agreed
to, so that a decision about what has changed since is refused and not carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace
from textual.app import App
from textual.screen import Screen

from engine.core import commands as c
from engine.core.amounts import BadAmount
from tui.actions import KILL_ALL_WORD, Action
from tui.bridge import ApiError, Bridge, CallRefused, Killed
from tui.overlays.ask import Ask, TypeWord
from tui.overlays.confirm import Confirm
from tui.overlays.kept import Keepsakes
from tui.overlays.report import Report
from tui.viewmodel import kept, proof
from tui.viewmodel.board import Board
from tui.viewmodel.focus import Target, approval
from tui.viewmodel.lines import Line, Span, said
from tui.viewmodel.questions import Kill, request, whose

R = TypeVar("R")
Say = Callable[..., None]
"""Shows spans as a notice."""


class Seen(NamedTuple):
    """The versions of the run, an agent and a task, and what is so of them as far as a person's mind depends on it."""

    run: int | None
    agent: int | None
    task: int | None
    so: tuple[object, ...]


def seen(board: Board, meant: Target) -> Seen:
    """What a person sees of the things that are meant."""
    run, agent, task = board.run, board.knows(meant.agent), board.find(meant.task)
    so = (
        run and run.outcome,
        agent and (agent.held, agent.pause, agent.stage),
        task and (task.outcome, task.round and task.round.number, task.answers[-1:], meant.approval),
    )
    return Seen(run.version if run else None, agent.version if agent else None, task.version if task else None, so)


def versioned(wanted: c.Requests, known: Seen) -> c.Requests:
    """The request with the version of what it is about, as it was seen."""
    match wanted:
        case c.PauseAgent() | c.ResumeAgent() | c.StopAgent():
            return replace(wanted, version=known.agent)
        case c.Answer() | c.RetryTask() | c.CancelTask():
            return replace(wanted, version=known.task)
        case c.RaiseBudget():
            return replace(wanted, version=_of_scope(wanted.scope, known))
        case _:
            return wanted


def _of_scope(scope: str, known: Seen) -> int | None:
    """The version of whose budget it is; a day has none."""
    if scope.startswith("task:"):
        return known.task
    return {"run": known.run, "day": None}.get(scope, known.agent)


class Deeds:
    """Carries out actions on what they were meant for."""

    def __init__(self, app: App[Any], board: Board, bridge: Bridge, say: Say) -> None:
        self._app, self._board, self._bridge, self._say = app, board, bridge, say

    async def do(self, action: Action, meant: Target) -> bool:
        """Carry out one action; whether it was done. What goes wrong is said, never raised."""
        asked = approval(self._board, meant.approval) if action.scope == "approval" else None
        if asked is not None:
            meant = meant._replace(task=asked.task)  # which may be another than that of who is highlighted
        if action.name == "budget":  # likewise
            meant = whose(self._board, meant)
        text = await self._asked(action, meant)
        if text is None:
            return False
        known = seen(self._board, meant)  # whoever answers has read the question as it is now
        try:
            wanted = request(action.name, self._board, meant, text)
            if isinstance(wanted, Kill):
                await self._kill(wanted.agent)
            else:
                await self._submit(wanted, meant, known)
            return True
        except BadAmount as bad:
            self._say(said(str(bad), "bad"))
        except CallRefused as no:
            self._say(Span("refused: ", "bad"), said(no.reason))
        except (ApiError, OSError) as error:
            self._say(Span("not done: ", "bad"), said(str(error)))
        return False

    async def undo(self) -> None:
        """Show what was put aside, and bring back what is chosen. What goes wrong is said, never raised."""
        try:
            chosen = await self._push(Keepsakes(await self._bridge.kept(), self._board.now))
            if chosen is None:
                return
            events = await self._bridge.submit(c.BringBack(kept=chosen))
            back = next(event for event in events if event["kind"] == "work_brought_back")
            await self._push(Report(f"{chosen} is back", lambda room: kept.brought(back, room), tone="good"))
        except CallRefused as no:
            self._say(Span("refused: ", "bad"), said(no.reason))
        except (ApiError, OSError) as error:
            self._say(Span("not done: ", "bad"), said(str(error)))

    async def _submit(self, wanted: c.Requests, meant: Target, known: Seen) -> None:
        """Ask the engine. What grew older only in what is beside the point, such as sums used, is asked once more."""
        try:
            await self._bridge.submit(versioned(wanted, known))
        except CallRefused as no:
            now = seen(self._board, meant)
            if no.code != "stale" or now.so != known.so:
                raise
            await self._bridge.submit(versioned(wanted, now))

    async def _kill(self, agent: str | None) -> None:
        self._say(Span(f"killing {agent or 'every agent'} …", "wait"))
        found = await self._bridge.kill(agent)
        self._say()
        gone = all(one["gone"] for one in found.each)
        title = f"{agent or 'every agent'}: {'gone' if gone else 'NOT gone'}"
        await self._push(Report(title, lambda room: self._proofs(found, room), tone="good" if gone else "danger"))

    def _proofs(self, found: Killed, room: int) -> list[Line]:
        """The whole proof of one kill; of several, what came of each."""
        if not found.recorded:
            return proof.by_records(found.each, room)
        names = [str(one["agent"]) for one in found.each]
        if len(names) == 1:
            return proof.lines(self._board, names[0], room)
        return [proof.lines(self._board, name, room)[0] for name in names]

    # -- asking back ---------------------------------------------------------------------------------------------------

    async def _asked(self, action: Action, meant: Target) -> str | None:
        """What the person says to it: a text, empty where none is needed; None for no."""
        if action.asks is None:
            return ""
        tell = partial(action.asks, self._board, meant)
        if action.danger == "typed":
            return "" if await self._push(TypeWord(tell, word=KILL_ALL_WORD)) else None
        if not action.prompt:
            return "" if await self._push(Confirm(tell)) else None
        text = await self._push(Ask(tell, needed=action.prompt == "must"))
        if text == "" and action.danger == "confirm":  # a bare enter is no yes
            return "" if await self._push(Confirm(tell)) else None
        return text

    async def _push(self, overlay: Screen[R]) -> R | None:
        return await self._app.push_screen_wait(overlay)
