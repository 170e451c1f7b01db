"""The end of a stream: follows it, unless scrolled back; then it stays where it is read and says how much came since.

The widget has no size of its own that could change: a line costs nothing until it is seen, and a burst of any length
costs one picture.
"""

from __future__ import annotations

from typing import Protocol

from textual import events
from textual.message import Message

from tui.theme.inks import Ground
from tui.viewmodel.lines import Span
from tui.widgets.paint import Face
from tui.widgets.reader import Lines, NoLines, Reader
from tui.widgets.window import Frame


class Stream(Lines, Protocol):
    """A bounded model that keeps the last lines of a stream; a line keeps its number for good."""

    @property
    def dropped(self) -> int:
        """How many lines are kept no more: the number of the first one that is. Never gets less."""


class _Nothing(NoLines):
    dropped = 0


class Tail(Reader):
    """A stream of lines. `empty` is shown while there are none."""

    class Followed(Message):
        """The tail began to follow, or ceased to."""

        def __init__(self, tail: Tail, *, following: bool) -> None:
            super().__init__()
            self.tail, self.following = tail, following

        @property
        def control(self) -> Tail:
            """For `@on(..., selector)`."""
            return self.tail

    def __init__(self, *, empty: str = "", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.empty = empty
        self._stream: Stream = _Nothing()
        self._following = True
        self._held = 0  # the number of the line that is held at the top while not following

    def show(self, stream: Stream) -> None:
        """Show this stream as it is now. Another one than before is followed from its end."""
        if stream is not self._stream:
            self._stream, self._hit, self._shift = stream, None, 0
            self._look()
            self._follow(now=True)
        self.repaint()

    def settle(self) -> None:
        """What is followed stays followed, and what is read stays in sight, whatever came and whatever the size."""
        limit = self.limit
        self._top = limit if self._following else min(max(self._held - self._stream.dropped, 0), limit)
        self._follow(now=self._top == limit)

    # Where it is.

    @property
    def following(self) -> bool:
        """Whether the end is kept in sight."""
        return self._following

    @property
    def below(self) -> int:
        """How many lines there are below the last one in sight."""
        return self.limit - self._top

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.scroll_lines(self.limit)

    def scroll_lines(self, top: int) -> None:
        """Show lines from `top` on; at the end, follow."""
        self._top = min(max(top, 0), self.limit)
        self._held = self._top + self._stream.dropped
        self._follow(now=self._top == self.limit)
        self.repaint()

    def _follow(self, *, now: bool) -> None:
        if now != self._following:
            self._following = now
            self.post_message(self.Followed(self, following=now))

    # What it looks like.

    def reading(self) -> Lines:
        """The stream."""
        return self._stream

    def first(self) -> int:
        """The number of the first line that is kept."""
        return self._stream.dropped

    def face(self, y: int, frame: Frame) -> Face:
        """A line of the stream."""
        index = self._top + y
        if index >= len(self._stream):
            words = self.empty if not index else ""
            return Face((Span(words, "dim"),) if words else (), bar="")
        number = self._stream.dropped + index
        ground: Ground = "chosen" if self.is_hit(number) else "plain"
        chip = self._chip() if y == frame.height - 1 else ""
        return Face(self._stream.line(number), ground, "", frame.bar(y), self.needle, self._shift, chip)

    def _chip(self) -> str:
        """What the last line says over the text: how far from the end this is; nothing while following."""
        return "" if self._following else f" {self.dress.glyphs.below} {self.below:,} more "

    def on_click(self, event: events.Click) -> None:
        """A click on the chip goes back to the end."""
        chip = self._chip()
        if chip and event.y == self.size.height - 1 and 0 <= self.inner - event.x <= len(chip):
            event.stop()
            self.follow()
        elif pressed := self.key_at(event.x, event.y):
            self.post_message(self.Pressed(self, pressed))
