"""A list keeps its selection by key, its place under the eye, and paints what changed."""

from __future__ import annotations

import pytest
from support.aio import run
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Button

from tui.theme.dress import Dress, Dressed
from tui.theme.inks import BARE
from tui.viewmodel.lines import Row, Span
from tui.widgets.rows import Rows


def row(name: str, state: str = "working", lines: int = 2) -> Row:
    return Row(name, ((Span(f"{name} "), Span(state, "busy")), *[(Span(f"  {n}", "dim"),) for n in range(1, lines)]))


def crew(*names: str) -> list[Row]:
    return [row(name) for name in names]


MANY = crew(*(f"agent-{number}" for number in range(30)))


class Host(Dressed[None]):
    """A list and something else that takes the focus; remembers what was told."""

    def __init__(self, dress: Dress | None = None) -> None:
        super().__init__(dress)
        self.rows = Rows(empty="Nobody yet.\nPress ? for help.")
        self.heard: list[tuple[str, str | None]] = []

    def compose(self) -> ComposeResult:
        yield Button("elsewhere")
        with Vertical(classes="panel"):
            yield self.rows

    def on_mount(self) -> None:
        self.rows.focus()

    @on(Rows.Highlighted)
    @on(Rows.Activated)
    @on(Rows.Pressed)
    def hear(self, message: Rows.Highlighted | Rows.Activated | Rows.Pressed) -> None:
        self.heard.append((type(message).__name__, message.key))


def painted(rows: Rows, y: int) -> Strip:
    return rows.render_lines(Region(0, y, rows.size.width, 1))[0]


def on_screen(rows: Rows) -> list[str]:
    return [painted(rows, y).text.rstrip() for y in range(rows.size.height)]


def painted_lines(rows: Rows, act) -> list[int]:
    """The lines of the window that an act asks to have painted again."""
    asked: list[int] = []
    refresh = rows.refresh

    def note(*regions, **options):
        asked.extend(y for region in regions for y in region.line_range)
        return refresh(*regions, **options)

    rows.refresh = note  # type: ignore[method-assign]
    act()
    del rows.refresh
    return asked


def scenario(size: tuple[int, int] = (60, 20), dress: Dress | None = None):
    """Run a test inside an app of a size."""

    def decorate(test):
        async def play() -> None:
            app = Host(dress)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await test(app, app.rows, pilot)

        def call() -> None:
            run(play())

        call.__name__ = test.__name__
        return call

    return decorate


@scenario()
async def test_the_first_row_is_selected_and_keys_move_it(app, rows, pilot):
    rows.show(MANY)
    assert rows.selected == "agent-0"
    await pilot.press("j", "down", "k")
    assert rows.selected == "agent-1"
    await pilot.press("G")
    assert rows.selected == "agent-29"
    assert on_screen(rows)[-2].startswith("▌ agent-29")
    await pilot.press("down", "g", "up")
    assert rows.selected == "agent-0"
    await pilot.press("pagedown")
    assert rows.selected not in {"agent-0", "agent-29"}
    await pilot.press("pageup", "enter")
    assert app.heard[-1] == ("Activated", "agent-0")
    assert app.heard[:4] == [("Highlighted", f"agent-{number}") for number in (0, 1, 2, 1)]


@scenario()
async def test_the_selection_follows_its_key_when_the_order_changes(app, rows, pilot):
    rows.show(crew("a", "b", "c"))
    await pilot.press("j")
    await pilot.pause()
    app.heard.clear()
    rows.show(crew("c", "new", "a", "b"))
    await pilot.pause()
    assert rows.selected == "b"
    assert on_screen(rows)[6].startswith("▌ b")
    assert app.heard == []


@scenario()
async def test_what_took_the_place_of_a_row_that_went_is_selected(app, rows, pilot):
    rows.show(crew("a", "b", "c"))
    assert rows.select("b")
    rows.show(crew("a", "c"))
    assert rows.selected == "c"
    rows.show(crew("a"))
    assert rows.selected == "a"
    rows.show([])
    assert rows.selected is None
    assert not rows.select("a")
    await pilot.pause()
    assert app.heard[-1] == ("Highlighted", None)
    await pilot.press("j", "k", "enter", "pagedown", "G")
    assert app.heard[-1] == ("Highlighted", None)


@scenario()
async def test_the_selected_row_stays_where_the_eye_is(app, rows, pilot):
    rows.show(MANY)
    rows.select("agent-20")
    before = [line[2:] for line in on_screen(rows)].index("agent-20 working")
    rows.show([*crew("new-1", "new-2"), *MANY[:10], *MANY[12:]])
    assert [line[2:] for line in on_screen(rows)].index("agent-20 working") == before


@scenario()
async def test_at_its_start_the_list_shows_what_comes_first(app, rows, pilot):
    rows.show(crew("a", "b"))
    rows.select("b")
    rows.show(crew("ask", "a", "b"))
    assert on_screen(rows)[0] == "  ask working"


@scenario()
async def test_only_lines_that_changed_are_painted(app, rows, pilot):
    rows.show(MANY)
    await pilot.pause()
    changed = [row(one.key, "paused") if number in {2, 5} else one for number, one in enumerate(MANY)]
    assert painted_lines(rows, lambda: rows.show(changed)) == [4, 10]
    await pilot.pause()
    assert painted_lines(rows, lambda: rows.show(list(changed))) == []
    assert painted_lines(rows, lambda: rows.select("agent-1")) == [0, 1, 2, 3]
    below = [*changed[:25], row("agent-25", "failed"), *changed[26:]]
    await pilot.pause()
    assert painted_lines(rows, lambda: rows.show(below)) == []


@scenario()
async def test_an_update_is_no_layout(app, rows, pilot):
    rows.show(MANY)
    await pilot.pause()
    layouts = []
    app.screen._refresh_layout, real = lambda *a, **k: layouts.append(a), app.screen._refresh_layout
    rows.show(crew("a", "b"))
    rows.show(MANY)
    await pilot.pause()
    app.screen._refresh_layout = real
    assert layouts == []


@scenario()
async def test_a_click_selects_and_a_second_one_enters(app, rows, pilot):
    rows.show(crew("a", "b", "c"))
    await pilot.click(rows, offset=(5, 3))
    assert (rows.selected, app.heard[-1]) == ("b", ("Highlighted", "b"))
    await pilot.double_click(rows, offset=(5, 5))
    assert app.heard[-2:] == [("Highlighted", "c"), ("Activated", "c")]
    app.heard.clear()
    await pilot.double_click(rows, offset=(5, 5))
    assert app.heard == [("Activated", "c")]
    await pilot.click(rows, offset=(5, 12))
    assert app.heard == [("Activated", "c")]


@scenario()
async def test_a_click_that_brings_the_focus_only_selects(app, rows, pilot):
    rows.show(crew("a", "b"))
    await pilot.pause()
    app.query_one(Button).focus()
    await pilot.pause()
    app.heard.clear()
    await pilot.click(rows, offset=(5, 0))
    assert rows.has_focus
    assert app.heard == []
    await pilot.click(rows, offset=(5, 0))
    assert app.heard == [("Activated", "a")]


@scenario()
async def test_a_span_with_a_key_can_be_clicked(app, rows, pilot):
    rows.show([Row("a", ((Span("漢 approve", key="action/approve"), Span(" deny", key="action/deny")),))])
    await pilot.click(rows, offset=(3, 0))
    await pilot.click(rows, offset=(14, 0))
    await pilot.click(rows, offset=(30, 0))
    pressed = [key for kind, key in app.heard if kind == "Pressed"]
    assert pressed == ["action/approve", "action/deny"]


@scenario()
async def test_the_wheel_moves_the_window_and_not_the_selection(app, rows, pilot):
    rows.show(MANY)
    await pilot._post_mouse_events([events.MouseScrollDown], rows, offset=(3, 3))
    await pilot.pause()
    assert (rows.top, rows.selected) == (3, "agent-0")
    await pilot._post_mouse_events([events.MouseScrollUp], rows, offset=(3, 3))
    await pilot.pause()
    assert rows.top == 0


@scenario()
async def test_the_scroll_bar_can_be_pulled(app, rows, pilot):
    rows.show(MANY)
    right = rows.size.width - 1
    await pilot.mouse_down(rows, offset=(right, rows.size.height - 1))
    assert rows.top == rows.limit
    await pilot.hover(rows, offset=(right, 0))
    assert rows.top == 0
    await pilot.mouse_up(rows, offset=(right, 0))
    await pilot.hover(rows, offset=(right, 5))
    assert rows.top == 0
    assert rows.selected == "agent-0"


@scenario(dress=Dress(BARE))
async def test_the_focus_is_seen_without_colour(app, rows, pilot):
    rows.show(crew("a", "b"))
    assert on_screen(rows)[0].startswith("▌ a")
    assert painted(rows, 0)._segments[1].style.bold
    app.query_one(Button).focus()
    await pilot.pause()
    assert on_screen(rows)[0].startswith("▏ a")
    assert not painted(rows, 0)._segments[1].style.bold


@scenario(size=(20, 12))
async def test_twenty_columns_are_enough(app, rows, pilot):
    rows.show([row("an-agent-with-a-long-name-漢字")])
    assert all(strip.cell_length == rows.size.width for strip in rows.render_lines(rows.size.region))
    assert on_screen(rows)[0].endswith("…")


@scenario()
async def test_without_rows_the_empty_text_is_wrapped(app, rows, pilot):
    assert on_screen(rows)[:2] == ["  Nobody yet.", "  Press ? for help."]
    await pilot.resize_terminal(18, 12)
    assert on_screen(rows)[:3] == ["  Nobody yet.", "  Press ? for", "  help."]
    rows.empty = "Still nobody."
    assert on_screen(rows)[0] == "  Still nobody."
    assert "".join(on_screen(rows)[3:]) == ""


@scenario()
async def test_it_follows_the_size_of_the_terminal(app, rows, pilot):
    rows.show(MANY)
    await pilot.press("G")
    await pilot.resize_terminal(40, 10)
    await pilot.pause()
    assert on_screen(rows)[-2].startswith("▌ agent-29")
    await pilot.resize_terminal(100, 80)
    await pilot.pause()
    assert rows.top == 0
    assert on_screen(rows)[-1 - (rows.size.height - 60)].startswith("▌")


def test_rows_can_be_shown_before_the_widget_is():
    rows = Rows()
    rows.show(crew("a", "b"))
    assert rows.selected == "a"


@pytest.mark.parametrize("lines", [1, 3])
def test_rows_of_any_height(lines: int):
    @scenario()
    async def play(app, rows, pilot):
        rows.show([row(f"r{number}", lines=lines) for number in range(40)])
        await pilot.press("G")
        assert on_screen(rows)[-lines].startswith("▌ r39")
        await pilot.press(*"kkk")
        assert rows.selected == "r36"

    play()
