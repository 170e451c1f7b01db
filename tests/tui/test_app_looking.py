"""A person looks: what is highlighted comes into focus, at any size, and nothing that is shown can break the screen."""

import asyncio

import pytest
from support.dash import CREW, TASKS, Playing, opened, playing, story
from support.served import short_folder

from engine.core.values import AgentSpec, TaskSpec
from tui.theme.dress import choose
from tui.widgets.reader import Reader

SIZES = [(80, 24), (120, 36), (200, 60)]


@story()
async def test_it_looks_at_who_works_and_says_what_it_rests_on(dash, engine):
    await dash.sees("transcript of builder-1", "work of parse: its program runs as process 99")


@story()
async def test_what_the_highlighted_agent_prints_is_followed(dash, engine):
    engine.do(lambda fake: fake.say("builder-1", "reading the parser\n"))
    await dash.sees("reading the parser")
    await dash.press("2")
    await dash.sees("transcript of builder-2")
    engine.do(lambda fake: fake.say("builder-2", "quite another matter\n"))
    await dash.sees("quite another matter")


@story()
async def test_v_shows_the_live_difference_and_then_all_that_is_known(dash, engine):
    engine.do(lambda fake: fake.clones.update({"builder-1": {"parser.py": "print(1)"}}))
    await dash.press("v")
    await dash.sees("diff of builder-1", "parser.py", "print(1)")
    await dash.press("v")
    await dash.sees("detail of builder-1", "it plays what was written down")
    await dash.press("v")
    await dash.sees("transcript of builder-1")


@story()
async def test_a_difference_is_looked_at_again_when_its_agent_did_something(dash, engine):
    engine.do(lambda fake: fake.clones.update({"builder-1": {"a.py": "first"}}))
    await dash.press("v")
    await dash.sees("first")
    engine.do(lambda fake: fake.clones.update({"builder-1": {"a.py": "second"}}))
    engine.do(lambda fake: fake.say("builder-1", "edited a.py\n"))
    await dash.sees("second")


@story()
async def test_no_difference_is_said_in_words(dash, engine):
    await dash.press("v")
    await dash.sees("builder-1 has no work under way")


@story()
async def test_a_task_of_the_plan_comes_into_focus(dash, engine):
    await dash.press("tab", "tab")
    await dash.sees("transcript of parse")
    await dash.press("end")
    await dash.sees("transcript of print", "waits for parse, store")


@story()
async def test_the_crew_is_narrowed_and_widened_again(dash, engine):
    await dash.press("slash")
    await dash.types("review")
    await dash.sees_no("1 builder-1")
    await dash.press("enter")
    await dash.sees("/review", "reviewer")
    await dash.press("escape")
    await dash.sees("1 builder-1")


@story()
async def test_a_search_in_the_transcript_goes_from_match_to_match(dash, engine):
    engine.do(lambda fake: fake.say("builder-1", "".join(f"line {number}\n" for number in range(100))))
    await dash.sees("line 99")
    await dash.press("tab", "slash")
    await dash.types("line 5")
    await dash.press("enter")
    await dash.sees("line 5")
    await dash.press("n")
    reader = dash.app.dashboard.focus_panel.query_one("#transcript", Reader)
    await dash.until(lambda: reader.found.at == 2, "at the second match")
    await dash.press("escape")
    assert reader.needle == ""


@story()
async def test_z_shows_the_panel_in_focus_alone_and_back(dash, engine):
    await dash.press("z")
    await dash.sees_no("plan")
    await dash.press("z")
    await dash.sees("─ plan")


@story()
async def test_escape_goes_one_level_out_at_a_time(dash, engine):
    await dash.press("tab", "z")
    await dash.sees_no("─ crew")
    await dash.press("escape")
    await dash.sees("─ crew")
    assert dash.app.dashboard.at == "focus"
    await dash.press("escape")
    assert dash.app.dashboard.at == "crew"
    await dash.press("escape")
    assert dash.open


@story()
async def test_the_help_has_every_key_and_the_reasons(dash, engine):
    await dash.press("question_mark")
    await dash.sees("freeze the agent's processes", "kill every agent", "is neither paused nor stopped")
    await dash.press("escape")
    await dash.sees("─ crew")


@story()
async def test_the_palette_finds_actions_with_keys_and_things_by_name(dash, engine):
    await dash.press("ctrl+p")
    await dash.types("resume")
    await dash.sees("resume  (r)", "not now: builder-1 is neither paused nor stopped")
    await dash.press("escape")
    await dash.press("ctrl+p")
    await dash.types("print")
    await dash.sees("task, waiting: Print it")
    await dash.press("down", "enter")
    await dash.sees("transcript of print")


@story()
async def test_everything_can_be_clicked(dash, engine):
    await dash.clicks("2 builder-2")
    await dash.sees("transcript of builder-2")
    await dash.clicks("detail")
    await dash.sees("detail of builder-2")
    await dash.clicks("print  waits")
    await dash.sees("detail of print")
    await dash.clicks("1 builder-1")
    await dash.clicks("p pause")
    await dash.sees_beside("1 builder-1", "paused")
    await dash.clicks("x kill")
    await dash.sees("Kill builder-1?")
    await dash.clicks("n  no")
    await dash.sees_no("Kill builder-1?")


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_crew_focus_and_plan(size):
    @story(size=size)
    async def told(dash, engine):
        await dash.sees("crew", "transcript of builder-1")
        await dash.press("tab", "tab")
        await dash.sees("plan", "Keep what was parsed"[:12], "print")
        assert all(len(line) <= size[0] for line in dash.screen.split("\n"))

    told()


@pytest.mark.parametrize("keys", [("x",), ("X",), ("m",), ("question_mark",), ("ctrl+p",)])
def test_every_overlay_fits_into_80_by_24(keys):
    @story(size=(80, 24))
    async def told(dash, engine):
        await dash.press(*keys)
        await dash.until(lambda: dash.app.screen is not dash.app.dashboard, "an overlay")
        await dash.pilot.pause()
        for widget in dash.app.screen.walk_children():
            region = widget.region
            assert region.right <= 80 and region.bottom <= 24, widget  # noqa: PT018

    told()


@story()
async def test_a_window_that_becomes_tiny_shows_one_panel_and_grows_again(dash, engine):
    await dash.resize(50, 12)
    await dash.sees_no("plan")
    await dash.sees("builder-1")
    await dash.press("tab")
    await dash.sees("transcript of builder-1")
    await dash.resize(8, 3)
    await dash.resize(120, 36)
    await dash.sees("─ crew", "─ plan")


@story()
async def test_a_window_that_grows_under_an_overlay_is_whole_when_that_is_closed(dash, engine):
    await dash.resize(50, 12)
    await dash.press("question_mark")
    await dash.sees("keys (esc goes back)")
    await dash.resize(120, 36)
    await dash.press("escape")
    await dash.sees("─ crew", "─ plan", "waiting")


def test_hostile_words_are_shown_and_break_nothing():
    evil = "\x1b[2J\x1b]0;owned\x07\u202egnp\u202c 漢字 e\u0301\u0301 [bold]x[/] \x9b31m"
    crew = (AgentSpec(name="a[b]", runtime="scripted", does=("implement",)), *CREW)
    tasks = (TaskSpec(id="evil", title=evil, prompt=evil), *TASKS)

    async def scenario(engine: Playing) -> None:
        async with opened(engine) as dash:
            await dash.sees("a[b]", "evil")
            engine.do(lambda fake: fake.say("a[b]", evil + "\n" + "A" * 1_000_000 + "\n"))
            await dash.sees("AAAA")
            await dash.press("tab", "tab", "x", "escape", "v", "v", "v")
            await dash.press("slash")
            await dash.types("[b] ")
            await dash.press("enter", "escape", "question_mark", "escape", "ctrl+p", "escape", "x")
            assert not any(mark in dash.screen for mark in ("\x1b", "\x07", "\u202e", "\x9b", "owned\x07"))

    with playing(crew=crew, tasks=tasks) as engine:
        asyncio.run(scenario(engine))


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "linux", "LANG": "C"}])
def test_without_colours_or_without_utf8_every_state_is_still_said(environ):
    @story(dress=choose(environ))
    async def told(dash, engine):
        await dash.sees("working", "waiting", "idle")
        if environ.get("LANG") == "C":
            assert dash.screen.replace("╭", "").isascii() or "|" in dash.screen

    told()


def test_with_no_run_it_says_how_to_begin():
    async def scenario(engine: Playing) -> None:
        async with opened(engine) as dash:
            await dash.sees("no run yet", "quarterdeck run GOAL", "No plan yet.")
            await dash.press("x")
            await dash.sees("kill: highlight an agent first")

    with short_folder() as folder, Playing(folder / "engine.sock") as engine:
        asyncio.run(scenario(engine))


def test_a_picture_of_the_screen_is_saved_without_asking_anybody_for_fonts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    @story()
    async def told(dash, engine):
        await dash.press("ctrl+p")
        await dash.types("picture")
        await dash.sees("save the screen as an SVG")
        await dash.press("enter")
        await dash.sees("the screen is in")
        drawn, words = sorted(tmp_path.iterdir())
        assert (drawn.suffix, words.suffix) == (".svg", ".txt")
        assert "builder-1" in words.read_text()
        assert "save the screen" not in words.read_text()  # the palette was put away first
        assert "builder-1" in drawn.read_text()
        assert "@font-face" not in drawn.read_text()
        assert "cdnjs" not in drawn.read_text()

    told()


@story()
async def test_of_a_task_nobody_works_on_one_reads_what_was_printed_for_it_last(dash, engine):
    engine.do(lambda fake: fake.say("reviewer", "long ago\n"))  # for the first task, whoever wrote it
    engine.asks()
    await dash.sees("asks you")
    await dash.press("tab", "tab")
    await dash.sees("transcript of parse", "work of parse, attempt 1", "long ago")
    await dash.press("tab")  # what happened is no thing to look at: what was, stays
    await dash.settles()
    await dash.sees("transcript of parse", "long ago")
    await dash.press("tab")  # the decision is about the task
    await dash.settles()
    await dash.sees("transcript of parse", "long ago")
