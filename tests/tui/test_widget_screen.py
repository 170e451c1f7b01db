"""All widgets on one screen: pictures at three sizes and in every dress, and hostile text through a real terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import snapshots
from support.aio import run
from support.pty_probe import Probe, python
from support.widget_host import CHANGED, CREW, Host

from tui.theme.dress import Dress, choose
from tui.theme.inks import ANSI, LIGHT

SIZES = [(80, 24), (120, 36), (200, 60)]
PLAIN = choose({"NO_COLOR": "1", "LANG": "C"})


def looking(size: tuple[int, int], dress: Dress, then=None) -> Host:
    """The host as it looks with its list in focus, after what is done then."""

    async def play() -> Host:
        app = Host(dress)
        async with app.run_test(size=size) as pilot:
            await pilot.press("j")
            await pilot.pause()
            if then:
                then(app)
                await pilot.pause()
                await pilot.pause()
        return app

    return run(play())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_widgets_at_three_sizes(size):
    looking(size, Dress(), lambda app: snapshots.check(app, f"widgets-{size[0]}x{size[1]}"))


@pytest.mark.parametrize(
    ("name", "dress"), [("light", Dress(LIGHT)), ("ansi", Dress(ANSI)), ("bare", PLAIN)], ids=["light", "ansi", "bare"]
)
def test_the_widgets_in_every_dress(name, dress):
    looking((80, 24), dress, lambda app: snapshots.check(app, f"widgets-{name}"))


def test_without_colour_and_utf8_the_text_is_ascii():
    shown: list[str] = []
    looking((120, 36), PLAIN, lambda app: shown.append(snapshots.text_of(app)))
    assert shown[0].isascii()
    assert "> > working" in shown[0]


def test_another_theme_is_worn_at_once():
    inks: list[set[str]] = []

    def grounds(app: Host) -> None:
        strips = app.rows.render_lines(app.rows.size.region)
        inks.append({segment.style.bgcolor.name for strip in strips for segment in strip})

    def change(app: Host) -> None:
        grounds(app)
        app.theme = "light"
        app.call_after_refresh(grounds, app)

    looking((80, 24), Dress(), change)
    assert inks[0]
    assert not inks[0] & inks[1]


def test_a_picture_that_differs_is_told_by_its_lines(tmp_path: Path, monkeypatch):
    def check(app: Host) -> None:
        with pytest.raises(snapshots.Differs, match="no picture"):
            snapshots.check(app, "one", folder=tmp_path)
        monkeypatch.setenv(snapshots.UPDATE, "1")
        snapshots.check(app, "one", folder=tmp_path)
        monkeypatch.delenv(snapshots.UPDATE)
        snapshots.check(app, "one", folder=tmp_path)
        app.rows.show(CHANGED)
        app.screen._compositor.update_widgets({app.rows})

    def differ(app: Host) -> None:
        check(app)
        with pytest.raises(snapshots.Differs, match=r"was .*builder-1.*\n.*is .*somebody"):
            snapshots.check(app, "one", folder=tmp_path)
        assert (tmp_path / "one.new.svg").exists()
        app.rows.show(CREW)
        snapshots.check(app, "one", folder=tmp_path)
        assert not (tmp_path / "one.new.svg").exists()

    looking((80, 24), Dress(), differ)


@pytest.mark.parametrize(("columns", "rows"), [(20, 12), (100, 30)])
def test_hostile_text_moves_nothing_in_a_real_terminal(columns, rows):
    host = Path(__file__).parent.parent / "support" / "widget_host.py"
    with Probe(python(host), columns=columns, rows=rows, env={"HOSTILE": "1"}) as probe:
        probe.wait("end of hostile")
        probe.settle()
        inside = range(2, rows - 3)
        assert {probe.cell(0, y) for y in inside} | {probe.cell(columns - 1, y) for y in inside} == {"|"}
        probe.press("G", "g")
        probe.settle()
        assert {probe.cell(0, y) for y in inside} | {probe.cell(columns - 1, y) for y in inside} == {"|"}
        assert "cleared" in probe.text
        probe.press("ctrl+q")
        assert probe.returned() == 0


def test_no_color_sends_no_colour():
    host = Path(__file__).parent.parent / "support" / "widget_host.py"
    with Probe(python(host), columns=100, rows=30, env={"NO_COLOR": "1"}) as probe:
        probe.wait("transcript")
        probe.settle()
        probe.press("tab")
        probe.settle()
        assert not colours(bytes(probe.raw))
        probe.press("ctrl+q")
        assert probe.returned() == 0


def colours(raw: bytes) -> set[bytes]:
    """The parameters of SGR sequences that set a colour (ECMA-48: 30-37, 38, 40-47, 48, 90-107)."""
    import re

    found = {part for sequence in re.findall(rb"\x1b\[([0-9;]*)m", raw) for part in sequence.split(b";")}
    return {part for part in found if part and (30 <= int(part) <= 38 or 40 <= int(part) <= 48 or int(part) >= 90)}
