"""The panel of the thing in focus: what its agent prints, what it has changed, or all that is known of it."""

from __future__ import annotations

from typing import Literal, get_args

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from tui.cells import plain
from tui.overlays.report import Sheet
from tui.viewmodel import detail, transcript
from tui.viewmodel.board import Board
from tui.viewmodel.difference import DiffModel
from tui.viewmodel.focus import Focus, target
from tui.viewmodel.keys import split
from tui.viewmodel.lines import BLANK, Ink, Line, Span, apart
from tui.widgets.difflines import DiffView
from tui.widgets.oneline import Strip1
from tui.widgets.reader import Found, Reader
from tui.widgets.tail import Tail

View = Literal["transcript", "diff", "detail"]
VIEWS: tuple[View, ...] = get_args(View)
HEAD, LONG = 2, 1_000
"""Lines of what is known that stand over the other views: its state, and what that rests on; cells they may have."""


class FocusPanel(Vertical):
    """Shows one agent or task of the board. `subject` is its key; empty: there is none yet."""

    def __init__(self, board: Board, *, id: str, classes: str) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id, classes=classes)
        self._board = board
        self._differed = False
        self._what = ""
        self._recalled: transcript.Tail | None = None
        self.subject = ""
        self.view: View = "transcript"
        self._entitle()

    def compose(self) -> ComposeResult:
        """All views are there; a style class says which one is seen."""
        yield Strip1(id="about", height=HEAD)
        yield Tail(id="transcript", empty="nothing was printed yet")
        yield DiffView(id="diff")
        yield DiffView(id="detail")

    # -- what is seen --------------------------------------------------------------------------------------------------

    @property
    def agent(self) -> str:
        """Whose lines are seen: the agent in focus, or the one that has or had the task in focus."""
        kind, name = split(self.subject)
        if kind == "agent":
            return name
        task = target(self._board, Focus(self.subject)).task
        return self._board.task(task).agent if self._board.find(task) is not None else ""

    @property
    def reader(self) -> Reader:
        """The view that is seen."""
        return self.query_one(f"#{self.view}", Reader)

    def look_at(self, subject: str) -> bool:
        """Another thing comes into focus; False if it is there already, or is nothing to look into."""
        if subject == self.subject or split(subject).kind == "event":  # what happened is no thing to look at
            return False
        self.subject = subject
        self._entitle()
        self._differed, self._what, self._recalled = False, "", None
        diff = self.query_one("#diff", DiffView)
        diff.empty = "looking …"
        diff.show(DiffModel(""))
        self.query_one("#detail", DiffView).show(Sheet([]))
        self.paint()
        return True

    def turn(self, wanted: str = "") -> None:
        """That view, or the next one."""
        had_focus = self.reader.has_focus
        following = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.view = next((view for view in VIEWS if view == wanted), following)
        for view in VIEWS:
            self.set_class(self.view == view, f"-{view}")
        self._entitle()
        if had_focus:
            self.reader.focus()
        self.paint()

    def paint(self) -> None:
        """Show what the board says of it now."""
        about = self.query_one("#about", Strip1)
        lines = detail.lines(self._board, self.subject, LONG)  # each thing on one line, which is cut and not wrapped
        first, *others = lines[: 1 if self.view == "detail" else HEAD] or [BLANK]
        about.show(apart(first, self._tabs(), about.inner), *others)
        if self.view == "detail":
            page = Sheet(detail.lines(self._board, self.subject, about.inner)[1:])
            self.query_one("#detail", DiffView).show(page, keep=True)
        if self._recalled is not None and not self._at_work:
            self.query_one(Tail).show(self._recalled)
        elif self.agent:
            self.query_one(Tail).show(self._board.tail(self.agent))

    def _entitle(self) -> None:
        """Not at every paint: Textual paints a widget anew, with all that is in it, when its title is set."""
        kind, name = split(self.subject)
        if kind == "ask":  # a decision is about a task, and has no name that anybody knows
            name = target(self._board, Focus(self.subject)).task or name
        name = plain(name)
        which = f", {self._what}" if self.view == "diff" and self._what else ""
        self.border_title = Content(f"{self.view} of {name}{which}" if name else self.view)

    def _tabs(self) -> Line:
        inks: dict[bool, Ink] = {True: "accent", False: "dim"}
        spans = [
            Span(f"[{view}]" if view == self.view else f" {view} ", inks[view == self.view], f"view/{view}")
            for view in VIEWS
        ]
        return tuple(spans)

    @property
    def _at_work(self) -> bool:
        return bool(target(self._board, Focus(self.subject)).agent)

    @property
    def past(self) -> str:
        """The task in focus that nobody works on: what its agent prints now is of something else."""
        wanted = split(self.subject).kind != "agent" and self.view == "transcript" and not self._at_work
        return target(self._board, Focus(self.subject)).task if wanted and self._recalled is None else ""

    def recalls(self, task: str, tail: transcript.Tail) -> None:
        """Here is what was printed last for it."""
        if task == self.past:
            self._recalled = tail
            self.paint()

    def differs(self, subject: str, model: DiffModel, why: str, what: str = "") -> None:
        """Here is the difference of what is in focus, in words which one; or why there is none."""
        if subject != self.subject:
            return
        diff = self.query_one("#diff", DiffView)
        diff.empty = plain(why) or "nothing is changed"
        diff.show(model, keep=self._differed)
        self._differed = True
        if what != self._what:
            self._what = what
            self._entitle()

    # -- search and jumps ----------------------------------------------------------------------------------------------

    def search(self, needle: str) -> Found:
        """Mark a text in the view that is seen, and go to it."""
        return self.reader.search(needle)

    def match(self, way: int) -> Found:
        """The next or previous match."""
        return self.reader.next_match() if way > 0 else self.reader.previous_match()

    def jump(self, what: Literal["file", "hunk"], way: int) -> bool:
        """The next or previous file or hunk of the diff; False where there is none."""
        diff = self.query_one("#diff", DiffView)
        if what == "file":
            return diff.next_file() if way > 0 else diff.previous_file()
        return diff.next_hunk() if way > 0 else diff.previous_hunk()
