"""The dashboard: who works, what is seen of the one in focus, the plan, what needs the person, what happened last.

It puts view models into widgets and knows what is looked at. What a key asks of the engine is done elsewhere; here are
only the keys that change what is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tui.actions import ACTIONS, BY_NAME, Focus, footer
from tui.screens.focus import FocusPanel
from tui.screens.panels import PANELS, Hints, chip, panel, panel_of
from tui.viewmodel import crew, head, needs, plan, timeline
from tui.viewmodel.board import ALL, Board, Part
from tui.viewmodel.keys import split
from tui.viewmodel.lines import Line, Span
from tui.viewmodel.motion import agent_moves
from tui.widgets.oneline import Strip1
from tui.widgets.rows import Rows

STYLE = Path(__file__).with_suffix(".tcss")
NOTICE = 8.0
"""Seconds a notice stays, if nothing newer takes its place."""
TALL = 32
"""Lines from which on there is room for the events of the past beside all else."""


class Dashboard(Screen[None]):
    """The one screen of daily life. `board` is what it shows; it never asks the engine itself.

    `hints` are things to try, shown one after another.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(",".join(one.keys), f"app.act('{one.name}')", one.title, show=False)
            for one in ACTIONS
            if one.keys and one.name != "agent"
        ),
        *(Binding(pressed, f"app.agent({pressed})", show=False) for pressed in BY_NAME["agent"].keys),
    ]

    class Looks(Message):
        """Something else is looked at: another subject, another view of it, or this screen again."""

    def __init__(self, board: Board, hints: Sequence[str] = ()) -> None:
        super().__init__()
        self.board = board
        self._hints = hints
        self.ready = False
        self.at: str = "crew"
        self._needles = {"crew": "", "plan": "", "events": ""}
        self._filtering = ""
        self._notice: Line = ()
        self._leads = True
        self._settled: str | None = None
        self._quiet: Timer | None = None
        self._painters: dict[Part, Callable[[], None]] = {
            "head": self._paint_head,
            "crew": self._paint_crew,
            "plan": self._paint_plan,
            "needs": self._paint_needs,
            "events": self._paint_event,
            "transcript": self._paint_focus,
        }

    def compose(self) -> ComposeResult:
        """Head, panels, the last event, the keys."""
        yield Strip1(id="head", ground="raised")
        yield Strip1(id="banner")
        with Container(id="body"):
            with Vertical(id="left"):
                yield from panel("needs", "needs you")
                yield from panel("crew", "crew")
            with Container(id="right"):
                yield FocusPanel(self.board, id="focus", classes="panel")
                yield from panel("plan", "plan")
        yield from panel("events", "what happened")
        yield Hints(self._hints, id="hint")
        yield Strip1(id="event")
        yield Input(id="filter", compact=True)
        yield Strip1(id="keys", ground="raised")

    def on_mount(self) -> None:
        """The crew is where one begins."""
        self._rows("crew").focus()
        self.ready = True
        self.post_message(self.Looks())

    def on_unmount(self) -> None:
        """Nothing can be shown any more."""
        self.ready = False

    def on_screen_resume(self) -> None:
        """No overlay is open any more; under it, the terminal may have got another size."""
        self.post_message(self.Looks())
        self.repaint()

    # -- painting ------------------------------------------------------------------------------------------------------

    def paint(self, parts: Iterable[Part] = ALL) -> None:
        """Show these parts of the board as they are now."""
        wanted = set(parts)
        if told := wanted & {"crew", "plan"}:
            wanted.add("transcript")
        for part in sorted(wanted):
            self._painters[part]()
        if told:
            self._paint_keys()

    def repaint(self) -> None:
        """Show everything, once what was asked of the layout is done."""
        self.call_after_refresh(self.paint)

    def on_resize(self) -> None:
        """Other widths have room for other words."""
        self.set_class(self.size.width < 60 or self.size.height < 15, "-small")
        self.set_class(self.size.height >= TALL, "-tall")
        self.query_one(Hints).fit(self.size.width)
        self.repaint()

    def _rows(self, name: str) -> Rows:
        return self._panel(name).query_one(Rows)

    def _panel(self, name: str) -> Widget:
        return self.query_one(f"#{name}")

    def _paint_head(self) -> None:
        strip = self.query_one("#head", Strip1)
        strip.show(*head.lines(self.board, strip.inner))
        banner = self.query_one("#banner", Strip1)
        self.set_class(self.board.link.word == "gone", "-gone")
        if self.board.run is not None and self.board.run.outcome is not None:  # nothing is left to try them on
            self.query_one(Hints).pass_on(self.size.width, all_of_them=True)
        banner.show(head.banner(self.board, strip.inner))  # it has no width of its own before it is seen

    def _paint_crew(self) -> None:
        rows = self._rows("crew")
        found = crew.rows(self.board, rows.inner, self._needles["crew"], rows.size.height)
        rows.show(found)
        if self._leads and found:
            self._lead(rows, found.keys)
        self._settled = rows.selected

    def _lead(self, rows: Rows, keys: Sequence[str]) -> None:
        """Until somebody chooses, look at who works; stay with them while they do."""
        seen = split(rows.selected).name
        if not (self.board.knows(seen) and agent_moves(self.board, seen)):
            first = next((one for one in keys if agent_moves(self.board, split(one).name)), None)
            if first is not None:
                rows.select(first)

    def _paint_plan(self) -> None:
        rows = self._rows("plan")
        rows.show(plan.rows(self.board, rows.inner, self._needles["plan"]))

    def _paint_needs(self) -> None:
        rows = self._rows("needs")
        found = needs.rows(self.board, rows.inner or self._rows("crew").inner)
        self.set_class(bool(found), "-needed")
        if len(found) > len(rows.rows) and self.board.live:
            self.app.bell()
        rows.styles.height = sum(len(row.lines) for row in found)
        rows.show(found)
        if not found and self.at == "needs":
            self._rows("crew").focus()

    def _paint_event(self) -> None:
        strip = self.query_one("#event", Strip1)
        strip.show(self._notice or timeline.last_line(self.board, strip.inner))
        self.set_class(bool(self._notice), "-noticed")
        rows = self._rows("events")
        if rows.size.height:
            follows = not rows.rows or rows.selected == rows.rows[-1].key
            found = timeline.rows(self.board, rows.inner, self._needles["events"])
            rows.show(found, last=follows)  # who looks at the last one wants to go on doing so

    def _paint_focus(self) -> None:
        self.focus_panel.paint()

    def _paint_keys(self) -> None:
        strip = self.query_one("#keys", Strip1)
        strip.show(footer(self.board, self.focus_now(), strip.inner))

    # -- what is looked at ---------------------------------------------------------------------------------------------

    @property
    def looked_at(self) -> str:
        """The agent whose doings change what is seen in focus."""
        return self.focus_panel.agent if self.ready else ""

    @property
    def focus_panel(self) -> FocusPanel:
        """The panel of the thing in focus."""
        return self.query_one(FocusPanel)

    def focus_now(self) -> Focus:
        """What a key would act on."""
        if self.at == "focus":
            return Focus(self.focus_panel.subject, self.focus_panel.view, self.focus_panel.reader.needle)
        return Focus(self._rows(self.at).selected or "", self.at)  # type: ignore[arg-type]  # the names of panels

    @on(Rows.Highlighted)
    def _highlighted(self, event: Rows.Highlighted) -> None:
        panel = panel_of(event.rows)
        if panel == "crew" and event.key != self._settled:
            self._leads = False
        if panel == self.at:
            if event.key and self.focus_panel.look_at(event.key):
                self.post_message(self.Looks())
            self._paint_keys()

    def stay(self) -> None:
        """Somebody does something about what is looked at: it is not changed under their hands any more."""
        self._leads = False

    @on(Rows.Activated)
    def _activated(self) -> None:
        self.focus_panel.reader.focus()

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        widget = event.widget
        name = panel_of(widget)
        if not name:
            return
        for one in PANELS:
            self.set_class(one == name, f"-at-{one}")
        self.at = name
        if isinstance(widget, Rows) and widget.selected and self.focus_panel.look_at(widget.selected):
            self.post_message(self.Looks())
        self.repaint()

    def select(self, key: str) -> None:
        """Highlight the thing of that key where it is listed, and go there."""
        for name in ("needs", "crew", "plan"):
            if self._rows(name).select(key):
                self._rows(name).focus()
                return

    def choose_agent(self, number: int) -> None:
        """Highlight the agent in that place of the crew, counted from 1."""
        self.select(crew.nth(self.board, number))

    def step_panel(self, way: int) -> None:
        """The next or previous panel gets the focus; what is empty is passed over."""
        if self._filtering:
            self._close_filter()
        hidden = {"needs": not self.has_class("-needed"), "events": not self.has_class("-tall")}
        there = [name for name in PANELS if not hidden.get(name)]
        name = there[(there.index(self.at) + way) % len(there)] if self.at in there else there[0]
        self.go(name)

    def go(self, name: str) -> None:
        """That panel gets the focus."""
        for one in PANELS:  # what is hidden cannot have the focus, so it is shown first
            self.set_class(one == name, f"-at-{one}")
        target: Widget = self.focus_panel.reader if name == "focus" else self._rows(name)
        target.focus()

    def zoom(self) -> None:
        """The panel in focus alone, or all of them again."""
        self.toggle_class("-zoomed")
        self.repaint()

    def turn(self, view: str = "") -> None:
        """That view of what is in focus, or the next one."""
        self.focus_panel.turn(view)
        self.post_message(self.Looks())
        self._paint_keys()

    def step_out(self) -> bool:
        """One level out of: filter line, notice, search, filter, zoom, panel. False at the outermost."""
        if self._filtering:
            self._needle("")
            self._close_filter()
        elif self._notice:
            self.say()
        elif self.focus_panel.reader.needle and self.at == "focus":
            self.focus_panel.search("")
        elif self._needles.get(self.at):
            self._narrow_to(self.at, "")
        elif self.has_class("-zoomed"):
            self.zoom()
        elif self.at != "crew":
            self.go("crew")
        else:
            return False
        return True

    # -- notices and the line to type in -------------------------------------------------------------------------------

    def say(self, *notice: Span) -> None:
        """A notice in the line of events, for a while; nothing: the event again."""
        if self._quiet is not None:
            self._quiet.stop()
        self._notice, self._quiet = notice, self.set_timer(NOTICE, self.say) if notice else None
        self._paint_event()

    def next_hint(self) -> None:
        """What was hinted at is done."""
        self.query_one(Hints).pass_on(self.size.width)

    def open_filter(self) -> None:
        """Ask what the panel in focus shall be narrowed to, or searched for."""
        self._filtering = self.at
        line = self.query_one("#filter", Input)
        what = "search" if self.at == "focus" else f"filter the {self.at}"
        line.placeholder = f"{what}; enter keeps it, esc clears it"
        line.value = self.focus_panel.reader.needle if self.at == "focus" else self._needles.get(self.at, "")
        self.add_class("-filtering")
        line.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        if self._filtering:
            self._needle(event.value.strip())

    @on(Input.Submitted, "#filter")
    def _keep(self) -> None:
        self._close_filter()

    def _needle(self, text: str) -> None:
        """Narrow the panel that is filtered to this text, or search for it there."""
        if self._filtering == "focus":
            self.focus_panel.search(text)
        elif self._filtering in self._needles:
            self._narrow_to(self._filtering, text)

    def _narrow_to(self, panel: str, text: str) -> None:
        """Show of a panel only what has this text. A frame's words are set here: doing so paints all that is in it."""
        self._needles[panel] = text
        self._panel(panel).border_subtitle = chip(text)
        self.paint({panel})  # type: ignore[arg-type]  # these panels are parts

    def _close_filter(self) -> None:
        self.remove_class("-filtering")
        panel, self._filtering = self._filtering, ""
        self.go(panel)
