"""A tail follows its end, stays where it is read, and finds."""

from __future__ import annotations

from collections import deque

from support.aio import run
from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from tui.theme.dress import Dressed
from tui.viewmodel.lines import Line, Span
from tui.widgets.reader import Found
from tui.widgets.tail import Tail


class Ring:
    """The last lines of a stream, as plain as can be."""

    def __init__(self, keep: int = 10_000) -> None:
        self.kept: deque[str] = deque(maxlen=keep)
        self.dropped = 0

    def add(self, *lines: str) -> None:
        for line in lines:
            self.dropped += len(self.kept) == self.kept.maxlen
            self.kept.append(line)

    def __len__(self) -> int:
        return len(self.kept)

    def line(self, number: int) -> Line:
        return (Span(self.kept[number - self.dropped]),)

    def find(self, needle: str) -> list[int]:
        return [number for number, line in enumerate(self.kept, self.dropped) if needle in line.lower()]


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"line {number}" for number in range(start, start + count)]


class Host(Dressed[None]):
    def __init__(self) -> None:
        super().__init__()
        self.tail = Tail(empty="It has said nothing yet.")
        self.ring = Ring()
        self.heard: list[bool | str] = []

    def compose(self) -> ComposeResult:
        yield self.tail

    def on_mount(self) -> None:
        self.tail.focus()

    @on(Tail.Followed)
    def hear(self, message: Tail.Followed) -> None:
        self.heard.append(message.following)

    @on(Tail.Pressed)
    def pressed(self, message: Tail.Pressed) -> None:
        self.heard.append(message.key)

    def say(self, *lines: str) -> None:
        self.ring.add(*lines)
        self.tail.show(self.ring)


def scenario(size: tuple[int, int] = (40, 10), keep: int = 10_000):
    def decorate(test):
        async def play() -> None:
            app = Host()
            app.ring = Ring(keep)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await test(app, app.tail, pilot)

        def call() -> None:
            run(play())

        return call

    return decorate


def painted(tail: Tail, y: int) -> Strip:
    return tail.render_lines(Region(0, y, tail.size.width, 1))[0]


def on_screen(tail: Tail) -> list[str]:
    return [painted(tail, y).text[:-1].rstrip() for y in range(tail.size.height)]


@scenario()
async def test_it_follows_the_end(app, tail, pilot):
    assert on_screen(tail)[0] == "It has said nothing yet."
    app.say(*numbered(3))
    assert on_screen(tail)[:4] == ["line 0", "line 1", "line 2", ""]
    app.say(*numbered(30, 3))
    assert on_screen(tail) == numbered(10, 23)
    assert (tail.following, tail.below, app.heard) == (True, 0, [])


@scenario()
async def test_scrolled_back_it_stays_and_says_how_much_came(app, tail, pilot):
    app.say(*numbered(30))
    await pilot.press("k", "k")
    assert not tail.following
    app.say(*numbered(98, 30))
    await pilot.pause()
    assert on_screen(tail)[:9] == numbered(9, 18)
    assert on_screen(tail)[9] == "line 27".ljust(27) + " ↓ 100 more"
    await pilot.press("G")
    assert tail.following
    assert on_screen(tail) == numbered(10, 118)
    assert app.heard == [False, True]


@scenario(keep=50)
async def test_what_is_read_stays_while_the_ring_forgets_before_it(app, tail, pilot):
    app.say(*numbered(50))
    await pilot.press("pageup", "pageup")
    first = on_screen(tail)[0]
    app.say(*numbered(10, 50))
    assert on_screen(tail)[0] == first
    app.say(*numbered(100, 60))
    assert on_screen(tail)[0] == f"line {app.ring.dropped}"
    assert not tail.following


@scenario(keep=50)
async def test_a_ring_that_empties_is_followed_again_from_its_start(app, tail, pilot):
    app.say(*numbered(50))
    app.ring.dropped += 50
    app.ring.kept.clear()
    app.say("anew")
    assert on_screen(tail)[0] == "anew"


@scenario()
async def test_another_stream_is_followed_from_its_end(app, tail, pilot):
    app.say(*numbered(30))
    await pilot.press("g")
    other = Ring()
    other.add(*numbered(30, 100))
    tail.show(other)
    assert on_screen(tail) == numbered(10, 120)
    assert tail.following


@scenario()
async def test_the_wheel_and_the_chip_go_back_and_forth(app, tail, pilot):
    app.say(*numbered(30))
    await pilot._post_mouse_events([events.MouseScrollUp], tail, offset=(3, 3))
    await pilot.pause()
    assert (tail.following, tail.below) == (False, 3)
    await pilot.click(tail, offset=(2, 9))
    assert not tail.following
    await pilot.click(tail, offset=(35, 9))
    assert tail.following


@scenario()
async def test_a_search_goes_from_match_to_match_and_around(app, tail, pilot):
    app.say(*numbered(40))
    assert tail.search("line 1") == Found(1, 11)
    assert on_screen(tail)[0] == "line 0"
    assert tail.previous_match() == Found(11, 11)
    assert tail.next_match() == Found(1, 11)
    assert [tail.next_match().at for _ in range(3)] == [2, 3, 4]
    app.say("another LINE 1")
    assert tail.previous_match() == Found(3, 12)
    marked = [segment for segment in painted(tail, 3) if segment.text == "line 1"]
    assert marked
    assert marked[0].style == app.palette.style("match")
    assert tail.search("") == Found()
    assert tail.needle == ""
    assert all(segment.style != app.palette.style("match") for segment in painted(tail, 3))


@scenario()
async def test_a_search_without_a_match_stays_where_it_is(app, tail, pilot):
    app.say(*numbered(40))
    assert tail.search("nothing like it") == Found()
    assert tail.next_match() == Found()
    assert tail.following


@scenario(keep=20)
async def test_a_match_that_was_forgotten_is_not_gone_to(app, tail, pilot):
    app.say("needle", *numbered(19))
    assert tail.search("needle") == Found(1, 1)
    app.say(*numbered(10, 19))
    assert tail.next_match() == Found(0, 0)
    assert tail.found == Found(0, 0)


@scenario()
async def test_long_lines_are_read_by_going_to_the_side(app, tail, pilot):
    app.say("0123456789" * 6)
    assert on_screen(tail)[0].endswith("…")
    await pilot.press("l", "l", "right")
    assert on_screen(tail)[0] == ("0123456789" * 6)[24:]
    await pilot.press("h", "left", "h", "h")
    assert on_screen(tail)[0].startswith("0123")


@scenario(size=(20, 5))
async def test_it_follows_through_every_size(app, tail, pilot):
    app.say(*numbered(100))
    assert on_screen(tail) == numbered(5, 95)
    await pilot.resize_terminal(60, 20)
    assert on_screen(tail) == numbered(20, 80)
    await pilot.press("g")
    await pilot.resize_terminal(20, 5)
    assert on_screen(tail)[0] == "line 0"
    await pilot.resize_terminal(20, 200)
    assert on_screen(tail)[99] == "line 99"
    assert tail.following


@scenario()
async def test_new_lines_are_no_layout(app, tail, pilot):
    app.say(*numbered(30))
    await pilot.pause()
    layouts = []
    app.screen._refresh_layout, real = lambda *a, **k: layouts.append(a), app.screen._refresh_layout
    for number in range(20):
        app.say(*numbered(100, number))
        await pilot.pause()
    app.screen._refresh_layout = real
    assert layouts == []


@scenario()
async def test_lines_nobody_sees_are_not_painted(app, tail, pilot):
    app.say(*numbered(30))
    await pilot.press("g")
    await pilot.pause()
    asked = []
    tail.refresh, real = lambda *regions, **_: asked.extend(regions), tail.refresh
    app.say("more")
    tail.refresh = real
    assert [region.y for region in asked] == [9]  # the chip counts
