"""Engines come and go, others look on too, a run ends: the dashboard says so, and leaving it stops nothing."""

import asyncio
import getpass
import os
import signal
import time

import pytest
from support.dash import Playing, aside, opened, playing, story
from support.served import own_process, short_folder

from engine.api.calls import RunRequest
from engine.api.client import Client
from engine.core import commands as c


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_leaving_takes_one_key_and_stops_nothing(key):
    @story()
    async def told(dash, engine):
        await dash.press(key)
        await dash.until(lambda: not dash.open, "left")
        assert engine.do(lambda fake: not fake.ended.is_set())
        assert engine.state(lambda state: state.agents["builder-1"].stage)

    told()


@pytest.mark.parametrize("opening", [("x",), ("X",), ("m",), ("question_mark",), ("ctrl+p",), ("slash",)])
def test_ctrl_c_leaves_whatever_is_open(opening):
    @story()
    async def told(dash, engine):
        await dash.press(*opening)
        await dash.pilot.pause()
        await dash.press("ctrl+c")
        await dash.until(lambda: not dash.open, "left")

    told()


@pytest.mark.parametrize("opening", [("x",), ("question_mark",), ("x", "y")])
def test_q_leaves_where_nothing_is_typed(opening):
    @story()
    async def told(dash, engine):
        await dash.press(*opening)
        await dash.pilot.pause()
        await dash.press("q")
        await dash.until(lambda: not dash.open, "left")

    told()


@story()
async def test_it_can_be_left_while_a_request_hangs(dash, engine):
    engine.do(lambda fake: fake.release.clear())
    await dash.press("x", "y")
    await dash.sees("killing builder-1")
    await dash.press("q")
    await dash.until(lambda: not dash.open, "left")
    engine.do(lambda fake: fake.release.set())


@story()
async def test_a_run_that_ends_shows_its_end_until_esc(dash, engine):
    engine.report(c.StopRun(reason="enough for today"))
    await dash.sees("the run has ended", "STOPPED", "enough for today", "quarterdeck run --resume")
    await dash.press("enter", "j", "p")
    await dash.sees("the run has ended")
    assert dash.app.ended
    await dash.press("escape")
    await dash.sees_no("the run has ended")
    await dash.sees("stopped")


@story()
async def test_the_end_of_a_run_does_not_take_the_keys_from_who_types(dash, engine):
    await dash.press("m")
    await dash.types("al")
    engine.report(c.StopRun(reason="enough"))
    await dash.types("most")
    await dash.sees("Message to builder-1", "almost")
    await dash.press("escape")
    await dash.sees("the run has ended")


@story()
async def test_a_run_that_goes_on_has_not_ended(dash, engine):
    engine.report(c.StopRun(reason="enough"))
    await dash.sees("the run has ended")
    await dash.press("escape")
    engine.report(c.ResumeRun())
    await dash.sees("running")
    await dash.until(lambda: not dash.app.ended, "on again")


@story()
async def test_a_run_that_goes_on_and_ends_between_two_looks_has_ended_again(dash, engine):
    engine.report(c.StopRun(reason="enough"))
    await dash.sees("the run has ended")
    await dash.press("escape")
    await dash.settles()
    engine.do(lambda fake: [fake.do(c.ResumeRun()), fake.do(c.StopRun(reason="enough again"))])
    await dash.sees("the run has ended", "enough again")


def test_two_dashboards_show_the_same_and_see_what_the_other_does():
    async def scenario(engine: Playing) -> None:
        async with opened(engine) as one, opened(engine, (80, 24)) as other:
            await one.sees("working")
            await other.sees("working")
            await one.press("p")
            await other.sees_beside("1 builder-1", "paused")
            await other.press("1", "r")
            await one.sees_beside("1 builder-1", "working")

    with playing() as engine:
        asyncio.run(scenario(engine))


class Elsewhere:
    """Where an engine in a process of its own listens."""

    def __init__(self, path):
        self.path = path


def started(path):
    with Client.connect(path) as client:
        client.start_run(RunRequest(goal="mend it"))


def test_an_engine_that_is_killed_is_a_banner_and_one_that_is_back_a_beginning():
    async def scenario(path) -> None:
        first = own_process(path)
        process = await aside(first.__enter__)
        try:
            await aside(lambda: started(path))
            async with opened(Elsewhere(path)) as dash:
                await dash.sees("mend it")
                process.send_signal(signal.SIGKILL)
                await dash.sees("no engine", "trying again", "stale")
                await dash.press("p")
                await dash.sees("no engine")
                with own_process(path):
                    await dash.sees_no("trying again")
                    await dash.sees("no run yet")
                    await aside(lambda: started(path))
                    await dash.sees("mend it")
        finally:
            first.__exit__(None, None, None)

    with short_folder() as folder:
        asyncio.run(scenario(folder / "engine.sock"))


class Records:
    """Kills by records, as far as a screen can tell."""

    def __init__(self):
        self.asked = []

    def __call__(self, agent):
        self.asked.append(agent)
        proof = "2 processes were ended, none is left"
        return [{"agent": agent or "builder", "gone": True, "processes": 2, "ms": 3.0, "proof": proof}]


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_kill_goes_by_the_records_where_no_engine_answers(fate):
    records = Records()

    async def scenario(path) -> None:
        first = own_process(path)
        process = await aside(first.__enter__)
        try:
            await aside(lambda: started(path))
            async with opened(Elsewhere(path), by_records=records) as dash:
                await dash.sees("mend it")
                process.send_signal(fate)
                if fate == signal.SIGKILL:
                    await dash.sees("no engine", "x, X still kill")
                await dash.press("x")
                await dash.sees("Kill builder?")
                await dash.press("y")
                await dash.sees("builder: gone", "gone: 2 processes in 3 ms", "none is left", "No engine answered")
                await dash.press("escape", "X")
                await dash.sees("Kill all 2 agents?")
                await dash.types("kill all")
                await dash.press("enter")
                await dash.sees("every agent: gone")
                assert records.asked == ["builder", None]
        finally:
            process.send_signal(signal.SIGKILL)
            first.__exit__(None, None, None)

    with short_folder() as folder:
        asyncio.run(scenario(folder / "engine.sock"))


def test_an_engine_that_is_not_there_yet_is_waited_for():
    async def scenario(path) -> None:
        async with opened(Elsewhere(path)) as dash:
            await dash.sees("no engine")
            with own_process(path):
                await dash.sees_no("trying again")

    with short_folder() as folder:
        asyncio.run(scenario(folder / "engine.sock"))


def test_an_engine_of_another_version_is_told():
    async def scenario(path) -> None:
        with Playing(path, version="0.0.9"):
            async with opened(Elsewhere(path)) as dash:
                await dash.sees("version 0.0.9")

    with short_folder() as folder:
        asyncio.run(scenario(folder / "engine.sock"))


def test_hints_are_shown_one_after_another_as_things_are_done():
    async def scenario(engine: Playing) -> None:
        async with opened(engine, hints=("try it: press p", "try it: press x")) as dash:
            await dash.sees("try it: press p", "builder-1", "working")
            await dash.press("p")
            await dash.sees("try it: press x")
            engine.report(c.StopRun(reason="enough"))
            await dash.sees_no("try it")

    with playing() as engine:
        asyncio.run(scenario(engine))


def test_nothing_is_painted_while_nothing_happens():
    async def scenario(engine: Playing) -> None:
        async with opened(engine) as dash:
            await dash.sees("working")
            painted = []
            paint = dash.app.dashboard.paint
            dash.app.dashboard.paint = lambda parts: (painted.append(parts), paint(parts))
            engine.say("one thing")
            await dash.until(lambda: painted, "painted")
            before = len(painted)
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                await dash.pilot.pause(0.02)
            assert len(painted) <= before + 2

    with playing() as engine:
        asyncio.run(scenario(engine))


def test_the_person_has_the_name_of_the_login():
    from tui.bridge import person

    assert person() == getpass.getuser()
    assert os.environ.get("USER", "root")
