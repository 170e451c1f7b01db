"""A window on numbered lines: the base of lists, tails and diffs.

It is no `ScrollView`: there, a new virtual size is a layout of the whole screen, and each write of a stream makes one.
Here the place is a number and the scroll bar a column of the window's own, so that new lines cost what is painted. The
picture is remembered line by line; only lines whose face changed are painted again. Textual asks for the others too,
whenever anything beside them changes, so handing them over has to cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.theme.dress import Dress, worn
from tui.widgets.paint import Face, measure, strip

WHEEL = 3
"""Lines a notch of the wheel moves."""
PAN = 8
"""Cells a step to the side moves."""


class Frame(NamedTuple):
    """What is the same for all lines of one picture. `thumb`: the lines beside which the scroll bar is drawn."""

    width: int
    height: int
    dress: Dress
    focused: bool
    thumb: range

    def bar(self, y: int) -> str:
        """The scroll bar's cell at `y`: the thumb or nothing."""
        return self.dress.glyphs.thumb if y in self.thumb else ""


class Window(Widget, can_focus=True):
    """Shows lines from `top` on. A subclass says how many there are and what each looks like."""

    ALLOW_SELECT: ClassVar[bool] = False  # the base takes the whole widget for the selection
    DEFAULT_CSS = """
    Window { width: 1fr; height: 1fr; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("home,g", "edge(-1)", show=False),
        Binding("end,G", "edge(1)", show=False),
        Binding("left,h", "pan(-1)", show=False),
        Binding("right,l", "pan(1)", show=False),
    ]

    class Pressed(Message):
        """A span with a key was clicked."""

        def __init__(self, window: Window, key: str) -> None:
            super().__init__()
            self.window, self.key = window, key

        @property
        def control(self) -> Window:
            """For `@on(..., selector)`."""
            return self.window

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id, classes=classes)
        self._top = 0
        self._shift = 0
        self._frame = Frame(0, 0, Dress(), focused=False, thumb=range(0))
        self._faces: list[Face] = []
        self._strips: dict[int, Strip] = {}
        self._dragging = False

    # What a subclass says.

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def face(self, y: int, frame: Frame) -> Face:
        """What the line at `y` of the window looks like now."""
        raise NotImplementedError

    # Where the window is.

    @property
    def inner(self) -> int:
        """Cells a line has: all but the last, which is the scroll bar's."""
        return max(self.size.width - 1, 0)

    @property
    def top(self) -> int:
        """The first line shown."""
        return self._top

    @property
    def limit(self) -> int:
        """The last place there is: the window ends with the last line."""
        return max(self.count() - self.size.height, 0)

    def scroll_lines(self, top: int) -> None:
        """Show lines from `top` on, or as near to it as there are."""
        self._top = min(max(top, 0), self.limit)
        self.repaint()

    def settle(self) -> None:
        """Bring the place back to where there are lines, after a change of size or lines."""
        self._top = min(max(self._top, 0), self.limit)

    # Painting.

    @property
    def dress(self) -> Dress:
        """What the app wears."""
        return worn(self.app)

    def repaint(self) -> None:
        """Look at what there is to show, and ask for the lines that look different from before, and no others."""
        if not self.is_mounted:
            return
        before, width = self._faces, self._frame.width
        self._picture()
        if width != self._frame.width or len(before) != len(self._faces):
            self._strips.clear()
            self.refresh()
            return
        changed = [y for y, face in enumerate(self._faces) if face != before[y]]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, start, width, end - start) for start, end in _runs(changed)))

    def _picture(self) -> None:
        self.settle()
        width, height = self.size
        frame = self._frame = Frame(width, height, self.dress, self.has_focus, self._thumb(height))
        self._faces = [self.face(y, frame) for y in range(height)]

    def _thumb(self, height: int) -> range:
        count = self.count()
        if count <= height or not height:
            return range(0)
        length = max(height * height // count, 1)
        start = round(self._top * (height - length) / (count - height))
        return range(start, start + length)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Hand over remembered strips; the styles of the widget play no part beyond its size."""
        if self.size != (self._frame.width, self._frame.height):
            self._strips.clear()
            self._picture()
        strips = [self._strips.get(y) or self._paint(y) for y in crop.line_range]
        if crop.column_span != (0, self._frame.width):
            return [painted.crop(*crop.column_span) for painted in strips]
        return strips

    def _paint(self, y: int) -> Strip:
        made = self._strips[y] = strip(self._faces[y], self._frame.width, self._frame.dress)
        return made

    def notify_style_update(self) -> None:
        """Told by Textual, such as when the theme is another one: then everything looks different."""
        super().notify_style_update()
        self._strips.clear()
        if self.is_mounted:
            self._picture()

    # Keys and mouse.

    def action_step(self, way: int) -> None:
        """One line up or down."""
        self.scroll_lines(self._top + way)

    def action_page(self, way: int) -> None:
        """One page up or down, with one line kept in sight."""
        self.scroll_lines(self._top + way * max(self.size.height - 1, 1))

    def action_edge(self, way: int) -> None:
        """To the first or the last line."""
        self.scroll_lines(self.limit if way > 0 else 0)

    def action_pan(self, way: int) -> None:
        """To the side, for lines longer than the window is wide."""
        self._shift = max(self._shift + way * PAN, 0)
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the window, not the selection."""
        event.stop()
        self.scroll_lines(self._top + WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the window, not the selection."""
        event.stop()
        self.scroll_lines(self._top - WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scroll bar can be pulled."""
        if event.x == self.size.width - 1 and self.limit:
            self._dragging = True
            self.capture_mouse()
            self._pull(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the pull."""
        if self._dragging:
            self._pull(event.y)

    def on_mouse_up(self) -> None:
        """Let go."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _pull(self, y: int) -> None:
        self.scroll_lines(round(y * self.limit / max(self.size.height - 1, 1)))

    def key_at(self, x: int, y: int) -> str:
        """The key of the span that is drawn at a cell; empty where there is none."""
        if not 0 <= y < len(self._faces):
            return ""
        face = self._faces[y]
        at = len(face.mark) - face.pan
        for span in face.line:
            at += measure(span.text)
            if x < at:
                return span.key
        return ""

    def on_resize(self) -> None:
        """Another size is another picture."""
        self.repaint()

    def on_focus(self) -> None:
        """The selection looks different with the focus."""
        self.repaint()

    def on_blur(self) -> None:
        """The selection looks different without the focus."""
        self.repaint()


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as half-open runs: few regions are cheaper than many."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs
