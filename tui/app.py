"""The dashboard as a program: its parts, wired together. What they do is theirs.

The board is folded by the bridge and shown by the screen whenever the painter says so; a key is an action of the one
table, done by the screen when it changes what is looked at, by the deeds when it asks something of the engine.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.worker import WorkerFailed

from tui.actions import BY_NAME, Action, Focus, Target, target
from tui.bridge import ApiError, Bridge, ByRecords, CallRefused, Difference, Open
from tui.overlays.frame import Overlay
from tui.overlays.palette import Everything
from tui.overlays.report import Report
from tui.screens import picture
from tui.screens.acts import acts
from tui.screens.dashboard import STYLE, Dashboard
from tui.screens.deeds import Deeds
from tui.screens.differ import Differ
from tui.screens.help import Help
from tui.screens.painter import Painter
from tui.screens.turns import Turns
from tui.theme.dress import BASE, Dress, Dressed
from tui.viewmodel import ending
from tui.viewmodel.board import Board
from tui.viewmodel.difference import DiffModel
from tui.viewmodel.focus import task_of, wrote_last
from tui.viewmodel.keys import split
from tui.viewmodel.lines import Span, said
from tui.viewmodel.motion import next_tick
from tui.viewmodel.transcript import recalled
from tui.widgets.oneline import Strip1
from tui.widgets.window import Window

STARTED = 1.0
"""Seconds after which all is there that stays."""


def settle() -> None:
    """After a start without the collector: it goes to work, but not on what is there by now and stays."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class Quarterdeck(Dressed[None]):
    """Looks at the engine that `open_` reaches, in frames at least `frame` seconds apart.

    `run` is the run it was opened for: that it has ended by the first look is news too. `ended` says afterwards that a
    run came to rest while this was open, and is at rest; `defect` what broke it, if anything did.
    """

    TITLE = "quarterdeck"
    CSS_PATH: ClassVar = [BASE, STYLE]  # textual reads no style sheet of a screen that was never pushed
    COMMANDS: ClassVar = {Everything}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),  # the terminal is raw: it sends no signal
    ]

    def __init__(
        self,
        open_: Open,
        *,
        board: Board,
        dress: Dress,
        frame: float,
        run: str = "",
        hints: Sequence[str] = (),
        by_records: ByRecords | None = None,
    ) -> None:
        super().__init__(dress)
        self.board = board
        self.ended = False
        self.defect: Exception | None = None
        self._unread = False
        self._run: tuple[str, float] = (run, 0.0)
        self.painter = Painter(self._painted, frame)
        self.bridge = Bridge(board, open_, wake=self.painter.wake, heard=self._heard, by_records=by_records)
        self.dashboard = Dashboard(board, hints)
        self.deeds = Deeds(self, board, self.bridge, self.dashboard.say)
        self.differ = Differ(self._ask_diff, self._show_diff)
        self.turns = Turns(self, super().on_event)
        self._tasks: list[asyncio.Task[None]] = []
        self._acts: Mapping[str, Callable[[], object]] = {
            **acts(self.dashboard),
            "help": self._help,
            "palette": self.action_command_palette,
            "picture": lambda: self.call_after_refresh(self._picture),
            "undo": self._undo,
            "quit": self.action_leave,
        }

    def get_driver_class(self) -> type[Driver]:
        """Textual's own choice, but a terminal here is waited for and not polled."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from tui.terminal import Terminal  # noqa: PLC0415  not every system has what it needs

        return Terminal

    def get_default_screen(self) -> Screen[None]:
        """The dashboard is the screen below all others."""
        return self.dashboard

    # -- beginning and end ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Connect; end in order when told to by a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.action_leave)
        loop.call_later(STARTED, settle)
        self.screen_change_signal.subscribe(self, self.turns.layer_came)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # the terminal was another's
        self._tasks = [asyncio.create_task(self.bridge.run()), asyncio.create_task(self.differ.run())]
        for task in self._tasks:
            task.add_done_callback(self._broken)
        self.painter.wake()

    async def on_unmount(self) -> None:
        """Let go of the engine."""
        self.painter.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _handle_exception(self, error: Exception) -> None:
        """What nobody expected ends the screen; the first of it is kept for whoever opened it."""
        if self.defect is None:
            self.defect = error.error if isinstance(error, WorkerFailed) else error  # type: ignore[assignment]
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """No page of locals over the terminal, as Textual would print: a report is written instead."""
        self._close_messages_no_wait()

    def _broken(self, task: asyncio.Task[None]) -> None:
        """Without these tasks it would stand still and look alive."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._handle_exception(error)

    def action_leave(self) -> None:
        """Leave at once, whatever is open or asked for."""
        self.exit()

    # -- keys ----------------------------------------------------------------------------------------------------------

    async def on_event(self, event: Event) -> None:
        """Keys from the terminal go in turn, all else at once."""
        if not isinstance(event, (Key, Paste)):
            await super().on_event(event)
        elif self.is_running:  # once it is left, there is no screen to look for a key in
            await (super().on_event if event.is_forwarded else self.turns.take)(event)

    def action_act(self, name: str) -> None:
        """Do an action, or say why it is not to be had."""
        self.dashboard.stay()
        action, focus = BY_NAME[name], self.dashboard.focus_now()
        reason = action.disabled(self.board, focus)
        if reason:
            self.dashboard.say(said(f"{action.title}: {reason}", "note"))
        elif name in self._acts:
            self._acts[name]()
        else:
            if action.asks is not None:
                self.turns.expect_layer()
            self._do(action, target(self.board, focus))

    @work(group="deeds")
    async def _do(self, action: Action, meant: Target) -> None:
        try:
            if await self.deeds.do(action, meant):
                self.dashboard.next_hint()
        finally:
            self.turns.layer_came()

    def _undo(self) -> None:
        self.turns.expect_layer()
        self._bring_back()

    @work(group="deeds")
    async def _bring_back(self) -> None:
        try:
            await self.deeds.undo()
        finally:
            self.turns.layer_came()

    def action_agent(self, number: int) -> None:
        """Highlight an agent by its place in the crew."""
        self.dashboard.choose_agent(number)

    @on(Strip1.Pressed)
    @on(Window.Pressed)
    def _pressed(self, event: Strip1.Pressed | Window.Pressed) -> None:
        kind, name = split(event.key)
        if kind == "action":
            self.action_act(name)
        elif kind == "view":
            self.dashboard.turn(name)
        elif kind == "panel":
            self.dashboard.go(name)
        else:
            self.dashboard.select(event.key)

    def _picture(self) -> None:
        try:
            saved = picture.save(self, "quarterdeck")
        except OSError as error:
            self.dashboard.say(Span("no picture: ", "bad"), said(str(error)))
        else:
            self.dashboard.say(said(f"the screen is in {saved}, and as text beside it", "note"))

    def _help(self) -> None:
        self.push_screen(Help(self.board, self.dashboard.focus_now()))

    # -- what is looked at ---------------------------------------------------------------------------------------------

    def _painted(self) -> float | None:
        try:
            return self._paint()
        except Exception as error:  # noqa: BLE001  a timer of the loop called: nobody else would hear of it
            self._handle_exception(error)
            return None

    def _paint(self) -> float | None:
        if not (self.is_running and self.dashboard.ready):
            return None  # nothing is there yet, or any more
        self._notice_end()
        self.dashboard.paint(self.board.changed())
        if isinstance(self.screen, Overlay) and self.screen.is_mounted:
            self.screen.paint()
        return next_tick(self.board)

    def _notice_end(self) -> None:
        """A run that came to rest is told of once, as soon as nothing else is being asked."""
        run = self.board.run
        if run is not None:
            before, self._run = self._run, (run.id, run.ended)  # it may have gone on and ended between two looks
            if before[0] == run.id and run.outcome is not None and run.ended != before[1]:
                waiting = any(agent.waits for agent in self.board.state.agents.values())
                self.ended, self._unread = True, not (run.outcome == "needs_human" or waiting)  # told by what it needs
            elif run.outcome is None:
                self.ended = self._unread = False
        if run is not None and self._unread and self.screen is self.dashboard:
            self._unread = False
            tone = "good" if run.outcome == "verified" else "danger"
            title = "the run waits for its budget" if run.outcome == "budget" else "the run has ended"
            self.push_screen(Report(title, lambda room: ending.lines(self.board, room), tone=tone))

    @on(Dashboard.Looks)
    def _looks(self) -> None:
        if not (self.is_running and self.dashboard.ready):
            return  # it has been left meanwhile
        self.painter.wake()  # also for an end that nobody could be told of before
        panel = self.dashboard.focus_panel
        self._follow(panel.agent)
        self.differ.want(panel.subject if panel.view == "diff" else "")
        self._recall(panel.past)

    @work(group="follow", exclusive=True)
    async def _follow(self, agent: str) -> None:
        await self.bridge.follow(agent)

    @work(group="recall", exclusive=True)
    async def _recall(self, task: str) -> None:
        if task:
            with suppress(ApiError, CallRefused):  # nothing was printed yet, or nobody is there who knows
                page = await self.bridge.transcript(task)
                self.dashboard.focus_panel.recalls(task, recalled(page.name, page.text, page.offset))

    def _heard(self, agent: str) -> None:
        if self.differ.looks and agent in {"", self.dashboard.looked_at}:  # asked for each event: the cheap one first
            self.differ.touch()

    async def _ask_diff(self, subject: str) -> Difference:
        """Of an agent at work its clone as it is now, else what it claimed last; of a task what was claimed last."""
        kind, name = split(subject)
        if kind == "agent":
            written = "" if task_of(self.board, name) else wrote_last(self.board, name)
            return await (self.bridge.diff(task=written) if written else self.bridge.diff(agent=name))
        return await self.bridge.diff(task=target(self.board, Focus(subject)).task)

    def _show_diff(self, subject: str, found: Difference | None, why: str) -> None:
        if found is None:
            self.dashboard.focus_panel.differs(subject, DiffModel(""), why)
        else:
            model = DiffModel(found.text, found.cut)
            what = ", ".join(filter(None, ("as it is now" if found.live else "as it was claimed", model.total)))
            self.dashboard.focus_panel.differs(subject, model, "", what)
