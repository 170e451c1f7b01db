"""What widgets cost: a burst into a tail, the opening of a diff, a few changed rows among many.

CPU time of this process, best of several; each run goes through the whole of Textual but for the terminal itself: the
update of the model's view, the idle loop, the compositor and the bytes of the frame.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from support.aio import run
from textual._compositor import CompositorUpdate
from textual.app import ComposeResult
from textual.containers import Horizontal

from tui.theme.dress import Dressed
from tui.viewmodel.difference import DiffModel
from tui.viewmodel.lines import Row, Span
from tui.viewmodel.transcript import Step
from tui.viewmodel.transcript import Tail as Stream
from tui.widgets.difflines import DiffView
from tui.widgets.rows import Rows
from tui.widgets.tail import Tail

pytestmark = pytest.mark.perf
SIZE = (160, 48)


class Host(Dressed[None]):
    """Makes the bytes of each frame, as with a terminal, and tells when."""

    def __init__(self) -> None:
        super().__init__()
        self.framed = asyncio.Event()
        self.bytes = 0

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Rows()
            yield Tail()
            yield DiffView()

    def _display(self, screen, renderable) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate):
            self.bytes += len(renderable.render_segments(self.console))
            self.framed.set()


class Cost(NamedTuple):
    """CPU milliseconds and bytes of the cheapest frame."""

    ms: float
    bytes: int


def best(act: Callable[[Host, int], None], times: int = 7, before: Callable[[Host], None] | None = None) -> Cost:
    """The least cost of an act and the frame it leads to."""

    async def measure() -> Cost:
        app, found = Host(), []
        async with app.run_test(size=SIZE) as pilot:
            if before:
                before(app)
            await pilot.pause()
            for number in range(times):
                app.framed.clear()
                app.bytes = 0
                began = time.process_time()
                act(app, number)
                await asyncio.wait_for(app.framed.wait(), 5)
                found.append(Cost((time.process_time() - began) * 1000, app.bytes))
                await pilot.pause()
        return min(found)

    return run(measure())


def diff_of(lines: int, version: str = "") -> str:
    """A difference of so many lines, one changed in twenty."""
    hunk = [
        "@@ -1,19 +1,19 @@",
        f"-removed {version}",
        f"+added {version}",
        *[" the same as before, a line of code"] * 17,
    ]
    return "\n".join(["diff --git a/big.py b/big.py", *hunk * (lines // len(hunk))])


def test_a_burst_of_ten_thousand_lines(capsys):
    texts = ["\n".join(f"{line} of burst {run_}, printed in one go" for line in range(10_000)) for run_ in range(7)]
    taken: list[float] = []

    def burst(app: Host, number: int) -> None:
        tail = Stream()
        began = time.process_time()
        tail.said(texts[number], of=Step("task", 1, "work"), offset=0)
        taken.append((time.process_time() - began) * 1000)
        app.query_one(Tail).show(tail)

    cost = best(burst)
    with capsys.disabled():
        print(
            f"\nburst of 10,000 lines: {min(taken):.1f} ms CPU to take them, {cost.ms:.1f} ms to the frame of {cost.bytes:,} bytes"
        )
    assert cost.ms - min(taken) <= 10
    assert cost.ms <= 33


def test_a_diff_of_ten_thousand_lines_opens(capsys):
    texts = [diff_of(10_000, f"in version {number}") for number in range(7)]
    cost = best(lambda app, number: app.query_one(DiffView).show(DiffModel(texts[number])))
    with capsys.disabled():
        print(f"\ndiff of 10,000 lines opened: {cost.ms:.1f} ms CPU to the frame of {cost.bytes:,} bytes")
    assert cost.ms <= 50


def test_five_changed_rows_of_a_hundred(capsys):
    def rows(number: int) -> list[Row]:
        said = [f"said {number}" if at < 40 and at % 4 == 0 and at < 20 else "as before" for at in range(100)]
        return [
            Row(f"agent-{at}", ((Span("▶ working ", "busy"), Span(f"builder-{at}", "bold"), Span(" 3 min", "dim")),
                                (Span(f"  {said[at]}", "dim"),)))
            for at in range(100)
        ]  # fmt: skip

    versions = [rows(number) for number in range(30)]
    shown: list[float] = []

    def change(app: Host, number: int) -> None:
        began = time.process_time()
        app.query_one(Rows).show(versions[number])
        shown.append((time.process_time() - began) * 1000)

    cost = best(change, times=30, before=lambda app: app.query_one(Rows).show(rows(-1)))
    with capsys.disabled():
        print(
            f"\n5 changed rows of 100: {min(shown):.2f} ms CPU to show, {cost.ms:.2f} ms CPU to the frame of {cost.bytes:,} bytes"
        )
    assert cost.ms <= 2


def test_scrolling_a_diff_costs_a_screen(capsys):
    model = DiffModel(diff_of(100_000))

    def scroll(app: Host, number: int) -> None:
        app.query_one(DiffView).scroll_lines(1_001 * (number + 1))

    cost = best(scroll, times=15, before=lambda app: app.query_one(DiffView).show(model))
    with capsys.disabled():
        print(f"\na jump within a diff of 100,000 lines: {cost.ms:.1f} ms CPU to the frame of {cost.bytes:,} bytes")
    assert cost.ms <= 16
