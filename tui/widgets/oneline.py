"""Lines that stand still: the head, the event line, the bar of keys. What has a key can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.theme.dress import worn
from tui.theme.inks import Ground
from tui.viewmodel.lines import Line, Span
from tui.widgets.paint import Face, measure, strip


class Strip1(Widget):
    """One line, or a fixed number of them, as wide as the screen. `inner` is the room a line has."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    Strip1 { width: 1fr; height: 1; background: $background; }
    """

    class Pressed(Message):
        """A span with a key was clicked."""

        def __init__(self, strip1: Strip1, key: str) -> None:
            super().__init__()
            self.strip1, self.key = strip1, key

        @property
        def control(self) -> Strip1:
            """For `@on(..., selector)`."""
            return self.strip1

    def __init__(
        self,
        *,
        height: int = 1,
        ground: Ground = "plain",
        id: str | None = None,  # noqa: A002  Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.styles.height = height
        self._ground = ground
        self._lines: tuple[Line, ...] = ()

    def show(self, *lines: Line) -> None:
        """Show these lines. Costs what changed."""
        before, self._lines = self._lines, lines
        height = max(len(before), len(lines))
        changed = [y for y in range(height) if _at(before, y) != _at(lines, y)]
        if changed and self.is_mounted:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    @property
    def inner(self) -> int:
        """Cells a line has: all but a blank at each end."""
        return max(self.size.width - 2, 0)

    def line(self, y: int) -> Line:
        """The line at `y`."""
        return _at(self._lines, y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Hand over remembered strips."""
        dress, width = worn(self.app), self.size.width
        strips = [strip(Face(self.line(y), self._ground, " ", ""), width, dress) for y in crop.line_range]
        return strips if crop.column_span == (0, width) else [one.crop(*crop.column_span) for one in strips]

    def on_click(self, event: events.Click) -> None:
        """A span with a key was clicked."""
        at = 1
        for span in self.line(event.y):
            at += measure(span.text)
            if event.x < at:
                if span.key and event.x:
                    event.stop()
                    self.post_message(self.Pressed(self, span.key))
                return


def _at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else ()


class Item(NamedTuple):
    """One entry of a bar: whole or not at all. `key`: what a click on it means."""

    key: str
    line: Line


class Bar(Strip1):
    """Entries beside each other, the most important first. What has no room is left out whole; `last` always has."""

    GAP: ClassVar[int] = 2

    def __init__(self, *, ground: Ground = "raised", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(ground=ground, id=id, classes=classes)
        self._items: Sequence[Item] = ()
        self._last: Item | None = None

    def offer(self, items: Sequence[Item], last: Item | None = None) -> None:
        """Show what fits of these entries, and at the right end the last one."""
        self._items, self._last = items, last
        self._lay()

    def on_resize(self) -> None:
        """Another width has room for others."""
        self._lay()

    def _lay(self) -> None:
        kept, used = self._fitting(self.inner - (_size(self._last) + self.GAP if self._last else 0))
        spans = [span for item in kept for span in (*_keyed(item), Span(" " * self.GAP))][:-1]
        if self._last:
            spans += [Span(" " * max(self.inner - used - _size(self._last), 0)), *_keyed(self._last)]
        self.show(tuple(spans))

    def _fitting(self, room: int) -> tuple[list[Item], int]:
        kept: list[Item] = []
        used = 0
        for item in self._items:
            size = _size(item) + (self.GAP if kept else 0)
            if used + size > room:
                break
            kept.append(item)
            used += size
        return kept, used


def _size(item: Item) -> int:
    return sum(measure(span.text) for span in item.line)


def _keyed(item: Item) -> list[Span]:
    return [span._replace(key=item.key) for span in item.line]
