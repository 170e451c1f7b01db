"""A screen with every widget on it and nothing behind: for pictures, and as a program in a terminal.

Run as a program it wears what the environment asks for; with HOSTILE set it shows the worst text that can reach a line.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.theme.dress import Dress, Dressed, choose
from tui.viewmodel.lines import Ink, Line, Row, Span, line, said, state
from tui.widgets.difflines import DiffView
from tui.widgets.oneline import Bar, Item, Strip1
from tui.widgets.rows import Rows
from tui.widgets.tail import Tail

INKS: dict[str, Ink] = {"+": "add", "-": "remove", "@": "hunk", "=": "file"}
NASTY = [
    "\x1b[2J\x1b[Hcleared", "\x1b]0;title\x07", "\u202eright to left\u202c", "漢字" * 60, "e" + "\u0301" * 30, "\u200b" * 50 + "zero",
    "👩\u200d👩\u200d👧\u200d👦 family", "✓\ufe0f selected", "🇩🇪🇪🇺 flags", "ｱｲｳ half", "\u0e33\u0e33 thai", "한글 ᄒ\u1161\u11ab", "🏳\ufe0f\u200d🌈", "a\tb",
    "\u1160x", "x" * 300, "🫩🪿 new", "ﷺ long", "𒐫 wide", "\u00ad\u00adsoft", "\u2060join", "\U000e0041tag", "❤\ufe0f♥", "1\ufe0f\u20e3",
]  # fmt: skip


def crew(name: str) -> list[Row]:
    return [
        Row("agent/builder-1", (line(state("good", "done"), Span("  "), Span(name, "bold"), Span("  3 min", "dim")), line(Span("  ✓ 12 tests pass", "dim")))),
        Row("agent/builder-2", (line(state("busy", "working"), Span("  "), Span("builder-2", "bold"), Span("  12 s", "dim")), line(Span("  漢字 naïve éa long line of what it said last, longer than a list is wide", "dim")))),
        Row("agent/builder-3", (line(state("ask", "needs you"), Span("  "), Span("builder-3", "bold"), Span("  1 min", "dim")), line(Span("  rm -rf build?", "note")))),
    ]  # fmt: skip


CREW, CHANGED = crew("builder-1"), crew("somebody else")


class Text:
    """Lines as any of the models."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.kept = deque(lines)
        self.dropped = 0
        self.files = [number for number, text in enumerate(lines) if text.startswith("=")]
        self.hunks = [number for number, text in enumerate(lines) if text.startswith("@")]

    def __len__(self) -> int:
        return len(self.kept)

    def line(self, number: int) -> Line:
        text = self.kept[number]
        return (said(text, INKS.get(text[:1], "")),)

    def find(self, needle: str) -> list[int]:
        return [number for number, text in enumerate(self.kept) if needle in text]


SAID = [f"{number:02} {'ran the tests' if number % 3 else 'read src/todo/store.py'}" for number in range(60)]
DIFF = ["= src/todo/store.py", "@@ -1,4 +1,5 @@", " import json", "-def load():", "+def load(path):", "+    check(path)", " ", "= tests/test_store.py", "@@ -9 +9 @@", "+def test_load(): ..."]  # fmt: skip
KEYS = [("p", "pause"), ("r", "resume"), ("s", "stop"), ("x", "kill"), ("a", "approve"), ("d", "deny"), ("m", "message")]  # fmt: skip


class Host(Dressed[None]):
    """Head, list, tail, diff, event line and keys."""

    def __init__(self, dress: Dress | None = None, *, hostile: bool = False) -> None:
        super().__init__(dress)
        self.hostile = hostile
        self.head, self.event, self.bar = Strip1(ground="raised"), Strip1(), Bar()
        self.rows, self.tail, self.diff = Rows(), Tail(), DiffView()

    def compose(self) -> ComposeResult:
        yield self.head
        if self.hostile:
            yield self._panel("", self.rows)
        else:
            with Horizontal():
                yield self._panel("crew", self.rows)
                with Vertical():
                    yield self._panel("transcript", self.tail)
                    yield self._panel("diff", self.diff)
        yield self.event
        yield self.bar

    def _panel(self, title: str, widget: Rows | Tail | DiffView) -> Vertical:
        panel = Vertical(widget, classes="panel")
        panel.border_title = title
        if self.hostile:
            panel.styles.border = ("ascii", "white")
        return panel

    def on_mount(self) -> None:
        self.rows.focus()
        if self.hostile:
            self.rows.show([Row(str(number), ((said(text), Span(text)),)) for number, text in enumerate(NASTY)])
            self.event.show((Span("end of hostile"),))
            return
        self.head.show(
            line(
                Span("quarterdeck", "accent"), "  todo-api  ", Span("$0.42 of $5", "dim"), Span("  1 needs you", "ask")
            )
        )
        self.rows.show(CREW)
        self.tail.show(Text(SAID))
        self.tail.search("tests")
        self.tail.scroll_lines(20)
        self.diff.show(Text(DIFF))
        self.diff.next_hunk()
        self.event.show(line(Span("12:00:03 ", "dim"), state("good", "merged"), " tags"))
        self.bar.offer(
            [Item(f"action/{title}", line(Span(key, "key"), f" {title}")) for key, title in KEYS],
            Item("action/help", line(Span("?", "key"), " help")),
        )


if __name__ == "__main__":
    Host(choose(os.environ), hostile="HOSTILE" in os.environ).run()
