"""Keys come faster than the screen can open what they open: in one piece over a slow line, pasted, or typed by a tool."""

import pytest
from support.dash import story
from textual.events import Key, Paste
from textual.keys import _character_to_key

from engine.core import commands as c


def at_once(dash, *keys):
    """All of them are there before the first is looked at."""
    for key in keys:
        one = len(key) == 1
        dash.app.post_message(Key(_character_to_key(key) if one else key, key if one else None))


@story()
async def test_a_yes_right_behind_its_kill_is_the_answer(dash, engine):
    at_once(dash, "x", "y")
    await dash.sees("builder-1: gone")


@story()
async def test_what_is_typed_right_behind_the_key_for_a_message_is_the_message(dash, engine):
    """Each of its letters would do something else."""
    at_once(dash, "m", *"spare Xerxes, stop it", "enter")
    await dash.until(lambda: engine.asked, "asked")
    assert [asked for asked, _ in engine.asked] == [c.SteerAgent(agent="builder-1", text="spare Xerxes, stop it")]


@story()
async def test_what_is_pasted_right_behind_it_is_the_message(dash, engine):
    at_once(dash, "m")
    dash.app.post_message(Paste("spare it"))
    at_once(dash, "enter")
    await dash.until(lambda: engine.asked, "asked")
    assert [asked.text for asked, _ in engine.asked] == ["spare it"]


@story()
async def test_the_typed_word_may_come_in_one_piece(dash, engine):
    at_once(dash, "X", *"kill all", "enter")
    await dash.sees("every agent: gone")


@story()
async def test_what_is_filtered_for_may_come_in_one_piece(dash, engine):
    at_once(dash, "/", *"er-2", "enter")
    await dash.sees("/er-2")
    await dash.sees_no("1 builder-1")
    assert engine.asked == []


@story()
async def test_who_is_chosen_and_paused_in_one_go_is_the_one_chosen(dash, engine):
    at_once(dash, "j", "p")
    await dash.until(lambda: engine.asked, "asked")
    assert [asked.agent for asked, _ in engine.asked] == ["builder-2"]


@pytest.mark.parametrize("opening", ["m", "ctrl+p", "question_mark", "x"])
def test_ctrl_c_overtakes_all_keys(opening):
    @story()
    async def told(dash, engine):
        at_once(dash, opening, *"many letters", "ctrl+c")
        await dash.until(lambda: not dash.open, "left")
        assert engine.asked == []

    told()


@story()
async def test_what_is_looked_for_may_come_right_behind_the_palette(dash, engine):
    at_once(dash, "ctrl+p", *"pause")
    await dash.sees("freeze the agent's processes")
    assert engine.asked == []


@pytest.mark.parametrize("opening", ["question_mark", "x", "m", "ctrl+p"])
def test_a_key_right_behind_one_that_closes_a_layer_is_not_lost(opening):
    @story()
    async def told(dash, engine):
        at_once(dash, opening, "escape", "p")
        await dash.until(lambda: engine.asked, "asked")
        assert isinstance(engine.asked[0][0], c.PauseAgent)

    told()
