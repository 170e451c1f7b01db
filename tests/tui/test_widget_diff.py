"""A diff is read by file and by hunk, and always says which file is in sight."""

from __future__ import annotations

from support.aio import run
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from tui.theme.dress import Dressed
from tui.viewmodel.lines import Ink, Line, Span
from tui.widgets.difflines import DiffView
from tui.widgets.reader import Found

INKS: dict[str, Ink] = {"+": "add", "-": "remove", "@": "hunk", "=": "file"}


class Changes:
    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.files = [number for number, line in enumerate(lines) if line.startswith("=")]
        self.hunks = [number for number, line in enumerate(lines) if line.startswith("@")]
        self.made = 0

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, number: int) -> Line:
        self.made += 1
        text = self.lines[number]
        return (Span(text, INKS.get(text[:1], "")),)

    def find(self, needle: str) -> list[int]:
        return [number for number, line in enumerate(self.lines) if needle in line]


def changes(files: int = 3, hunks: int = 4, lines: int = 5) -> Changes:
    return Changes(
        *(
            line
            for file in range(files)
            for line in (
                f"= file {file}",
                *(
                    line
                    for hunk in range(hunks)
                    for line in (f"@ {file}.{hunk}", *(f"+ {file}.{hunk}.{n}" for n in range(lines)))
                ),
            )
        )
    )


class Host(Dressed[None]):
    def __init__(self) -> None:
        super().__init__()
        self.diff = DiffView(empty="Nothing has changed.")

    def compose(self) -> ComposeResult:
        yield self.diff

    def on_mount(self) -> None:
        self.diff.focus()


def scenario(size: tuple[int, int] = (40, 10)):
    def decorate(test):
        async def play() -> None:
            app = Host()
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await test(app.diff, pilot)

        def call() -> None:
            run(play())

        return call

    return decorate


def painted(diff: DiffView, y: int) -> Strip:
    return diff.render_lines(Region(0, y, diff.size.width, 1))[0]


def on_screen(diff: DiffView) -> list[str]:
    return [painted(diff, y).text[:-1].rstrip() for y in range(diff.size.height)]


@scenario()
async def test_jumps_go_by_hunk_and_by_file_and_end_at_the_ends(diff, pilot):
    assert on_screen(diff)[0] == "Nothing has changed."
    assert not diff.next_file()
    diff.show(changes())
    assert diff.file == (1, 3)
    assert diff.next_hunk()
    assert diff.next_hunk()
    assert on_screen(diff)[:2] == ["= file 0", "@ 0.1"]
    assert diff.next_file()
    assert on_screen(diff)[:2] == ["= file 1", "@ 1.0"]
    assert diff.file == (2, 3)
    assert diff.previous_hunk()
    assert on_screen(diff)[1] == "@ 0.3"
    assert diff.previous_file()
    assert not diff.previous_file()
    assert on_screen(diff)[:2] == ["= file 0", "@ 0.0"]


@scenario()
async def test_every_hunk_is_reached_though_the_end_is_in_sight(diff, pilot):
    diff.show(changes(files=1, hunks=4, lines=2))
    reached = []
    while diff.next_hunk():
        reached.append(diff.place)
        chosen = [line for y, line in enumerate(on_screen(diff)) if diff._faces[y].ground == "chosen"]
        assert chosen == [f"@ 0.{len(reached) - 1}"]
    assert reached == [1, 4, 7, 10]
    await pilot.press("k")
    assert diff.place == diff.top


@scenario()
async def test_the_file_in_sight_stands_in_the_first_line(diff, pilot):
    diff.show(changes())
    await pilot.press("pagedown", "pagedown", "pagedown")
    assert diff.top == 27
    assert on_screen(diff)[0] == "= file 1"
    assert on_screen(diff)[1] == "+ 1.0.1"


@scenario()
async def test_a_newer_version_keeps_the_place_and_another_diff_begins_at_its_start(diff, pilot):
    diff.show(changes())
    await pilot.press("G")
    diff.show(changes(), keep=True)
    assert diff.top == diff.limit
    diff.show(changes(files=1), keep=True)
    assert diff.top == diff.limit == 15
    diff.show(changes())
    assert diff.top == 0


@scenario()
async def test_a_search_marks_and_goes(diff, pilot):
    diff.show(changes())
    assert diff.search(".3.4") == Found(1, 3)
    assert diff.next_match() == Found(2, 3)
    found = on_screen(diff).index("+ 1.3.4")
    assert diff._faces[found].ground == "chosen"
    assert diff.search("") == Found()


@scenario()
async def test_only_lines_in_sight_are_made(diff, pilot):
    model = changes(files=100, hunks=20)
    diff.show(model)
    await pilot.pause()
    assert model.made < 5 * diff.size.height


@scenario(size=(20, 6))
async def test_it_follows_the_size(diff, pilot):
    diff.show(Changes("= a", "@ x", *["+ " + "漢" * 30] * 30))
    assert all(painted(diff, y).cell_length == 20 for y in range(6))
    await pilot.press("G")
    await pilot.resize_terminal(33, 40)
    assert diff.top == 0
    assert all(painted(diff, y).cell_length == 33 for y in range(40))
