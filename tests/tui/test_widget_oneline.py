"""Lines that stand still: what has a key can be clicked, what has no room is left out whole."""

from __future__ import annotations

from support.aio import run
from textual import on
from textual.app import ComposeResult

from tui.theme.dress import Dressed
from tui.viewmodel.lines import Span
from tui.widgets.oneline import Bar, Item, Strip1


def item(key: str, title: str) -> Item:
    return Item(f"action/{title}", (Span(key, "key"), Span(f" {title}")))


KEYS = [item("p", "pause"), item("r", "resume"), item("x", "kill"), item("m", "message")]
HELP = item("?", "help")


class Host(Dressed[None]):
    def __init__(self) -> None:
        super().__init__()
        self.head, self.bar = Strip1(height=2), Bar()
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.bar

    @on(Strip1.Pressed)
    def press(self, message: Strip1.Pressed) -> None:
        self.pressed.append(message.key)


def scenario(size: tuple[int, int] = (50, 6)):
    def decorate(test):
        async def play() -> None:
            app = Host()
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await test(app, pilot)

        def call() -> None:
            run(play())

        return call

    return decorate


def shown(strip1: Strip1) -> list[str]:
    return [strip.text for strip in strip1.render_lines(strip1.size.region)]


@scenario()
async def test_lines_are_shown_with_a_blank_at_each_end(app, pilot):
    app.head.show((Span("quarterdeck", "accent"),), (Span("x" * 60),))
    assert shown(app.head) == [" quarterdeck".ljust(50), " " + "x" * 47 + "… "]
    app.head.show()
    assert shown(app.head) == [" " * 50] * 2


@scenario()
async def test_only_the_line_that_changed_is_painted(app, pilot):
    app.head.show((Span("a"),), (Span("b"),))
    await pilot.pause()
    asked = []
    app.head.refresh, real = lambda *regions, **_: asked.extend(regions), app.head.refresh
    app.head.show((Span("a"),), (Span("b"),))
    assert asked == []
    app.head.show((Span("a"),), (Span("c"),))
    app.head.refresh = real
    assert [(region.y, region.height) for region in asked] == [(1, 1)]


@scenario()
async def test_spans_with_a_key_can_be_clicked(app, pilot):
    app.head.show((Span("goal  "), Span("2 need you", "ask", "action/next"), Span(" · live")))
    await pilot.click(app.head, offset=(0, 0))
    await pilot.click(app.head, offset=(3, 0))
    await pilot.click(app.head, offset=(7, 0))
    await pilot.click(app.head, offset=(16, 0))
    await pilot.click(app.head, offset=(17, 0))
    await pilot.click(app.head, offset=(7, 1))
    assert app.pressed == ["action/next", "action/next"]


@scenario()
async def test_the_bar_leaves_out_whole_entries_and_keeps_the_last(app, pilot):
    app.bar.offer(KEYS, HELP)
    assert shown(app.bar) == [" p pause  r resume  x kill  m message" + "? help ".rjust(13)]
    await pilot.resize_terminal(36, 6)
    await pilot.pause()
    assert shown(app.bar) == [" p pause  r resume  x kill" + "? help ".rjust(10)]
    await pilot.resize_terminal(20, 6)
    await pilot.pause()
    assert shown(app.bar) == [" p pause" + "? help ".rjust(12)]
    await pilot.click(app.bar, offset=(1, 0))
    await pilot.click(app.bar, offset=(9, 0))
    await pilot.click(app.bar, offset=(18, 0))
    assert app.pressed == ["action/pause", "action/help"]


@scenario(size=(8, 4))
async def test_the_last_entry_is_there_on_the_narrowest_screen(app, pilot):
    app.bar.offer(KEYS, HELP)
    assert shown(app.bar) == [" ? help "]
    app.bar.offer(KEYS)
    assert shown(app.bar) == [" " * 8]
