"""A run told in lines: goldens at two widths, colours, ASCII, and text that wants to do harm.

`UPDATE_GOLDENS=1` writes the goldens anew; look at the difference before committing it.
"""

import io
import os
import re
from pathlib import Path

import pytest
from support import plays

from engine.core import commands as c
from engine.core.events import KINDS, decode, encode
from engine.core.evolve import evolve
from engine.core.state import State
from engine.core.values import TaskSpec
from tui.cells import width
from tui.headless import gist
from tui.headless.look import Look, look_of
from tui.headless.story import Story

GOLDENS = Path(__file__).parent / "goldens"
PLAYS = {
    "good": plays.the_good_one, "stuck": plays.the_stuck_one, "troubled": plays.the_troubled_one,
    "waiting": plays.the_waiting_one,
}  # fmt: skip
EVIL = "a\x1b]0;owned\x07b\x1b[31mc\u202egnp.exe\x9b2Jd\re\x00f\u2066"


def told(play, look, **options):
    story = Story(look, "/home/pat/todo", **options)
    return [line for event in play.events for line in story.tell(event)]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", PLAYS)
@pytest.mark.usefixtures("utc")
def test_a_run_reads_like_this(name, columns):
    text = "\n".join(told(PLAYS[name](), Look(width=columns))) + "\n"
    golden = GOLDENS / f"{name}-{columns}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("name", PLAYS)
def test_no_line_is_wider_than_the_terminal_but_those_to_be_copied(name, columns):
    lines = told(PLAYS[name](), Look(width=columns))
    copied = ("git -C", "(cd ", "quarterdeck audit", "quarterdeck approve")
    wide = [line for line in lines if width(line) > columns and not line.strip().startswith(copied)]
    assert wide == []


def test_without_a_terminal_nothing_is_cut():
    play = plays.Play().begin(tasks=(TaskSpec(id="t", title="long " * 60),))
    assert any("long " * 59 in line for line in told(play, Look()))


def test_without_utf8_every_glyph_is_ascii():
    assert "".join(told(plays.the_good_one(), Look(width=80, unicode=False))).isascii()


def test_colour_adds_nothing_but_colour():
    plain = told(plays.the_troubled_one(), Look(width=100))
    coloured = told(plays.the_troubled_one(), Look(width=100, colour=True))
    assert any("\x1b[31m" in line for line in coloured)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain


@pytest.mark.parametrize("columns", [None, 80])
def test_what_others_wrote_cannot_reach_the_terminal(columns):
    lines = told(plays.the_hostile_one(EVIL), Look(width=columns))
    text = "".join(lines)
    assert "owned" not in text
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_a_story_is_the_fold_of_the_events_alone():
    play = plays.the_good_one()
    again = plays.Play()
    again.events = [decode(encode(event)) for event in play.events]
    assert told(play, Look(width=90)) == told(again, Look(width=90))


def test_what_happened_before_is_known_and_not_told():
    play = plays.the_good_one()
    state = State()
    for event in play.events[:-3]:
        evolve(state, event)
    lines = told(play, Look(width=100), state=state)
    assert "attempts  4" in "\n".join(lines)
    assert not any("planning" in line for line in lines)


def test_every_kind_of_fact_has_words():
    assert set(gist._TELLERS) == set(KINDS)


def test_a_merge_without_a_gate_on_its_tree_is_not_called_proven():
    play = plays.Play().begin(tasks=(TaskSpec(id="a", title="A", review=False),), pattern="solo")
    play.check("_")
    play.work("a")
    play.check("a")
    play.gate("a")
    made = c.MergeMade(commit=plays.oid("m"), tree=plays.oid("other"), parent=plays.oid("base"))
    play.finish("a", "merge", made)
    assert "no gate is recorded for exactly this tree" in "\n".join(told(play, Look()))


def test_scripted_and_real_agents_are_told_apart():
    mixed = (*plays.crew()[:1], *plays.crew(runtime="command")[1:])
    text = "\n".join(told(plays.Play().begin(crew=mixed), Look(width=100)))
    assert "planner (scripted), builder \u00d72, reviewer" in text


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(terminal, environ, colour):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream.isatty = lambda: terminal
    look = look_of(stream, {"COLUMNS": "90", **environ})
    assert (look.colour, look.width) == (colour, 90 if terminal else None)


def test_ascii_is_chosen_by_the_encoding():
    assert look_of(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), {}).unicode is False
    assert look_of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), {}).unicode is True
