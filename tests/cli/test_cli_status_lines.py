"""`status` in lines: goldens at two widths, from the very object that `--json` prints.

`UPDATE_GOLDENS=1` writes the goldens anew; look at the difference before committing it.
"""

import os
import re
from pathlib import Path

import pytest
from support import plays

from engine.api.status import status
from engine.core import commands as c
from engine.core.evolve import evolve
from engine.core.state import State
from tui.cells import width
from tui.faces import AGENT_FACES, TASK_FACES
from tui.headless.confinement import confinement
from tui.headless.look import Look
from tui.headless.status import status_lines

GOLDENS = Path(__file__).parent / "goldens"
PLAYS = {"good": plays.the_good_one, "stuck": plays.the_stuck_one, "waiting": plays.the_waiting_one}
ENGINE = {"pid": 7, "version": "0.1.0"}


def told(play, look, *, events=None, engine=None):
    state = State()
    for event in play.events[:events]:
        evolve(state, event)
    now = state.at + 90
    return status_lines(status(state, now=now, engine=engine), look, now=now)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", PLAYS)
@pytest.mark.usefixtures("utc")
def test_a_status_reads_like_this(name, columns):
    text = "\n".join(told(PLAYS[name](), Look(width=columns), engine=ENGINE)) + "\n"
    golden = GOLDENS / f"status-{name}-{columns}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("engine", [None, ENGINE])
def test_a_status_fits_at_every_moment_of_a_run(columns, engine):
    play = plays.the_good_one()
    for events in range(1, len(play.events), 5):
        lines = told(play, Look(width=columns), events=events, engine=engine)
        assert [line for line in lines if width(line) > columns] == []


def test_what_others_wrote_cannot_reach_the_terminal():
    text = "".join(told(plays.the_hostile_one("a\x1b]0;owned\x07b\x9b2Jc\u202ed\re"), Look()))
    assert "owned" not in text
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_every_state_of_the_contract_has_a_glyph():
    agents = "idle starting working waiting paused stopping killing unkillable stopped failed"
    tasks = "waiting ready running claimed checking reviewing merging done failed blocked cancelled needs_human"
    assert set(AGENT_FACES) == set(agents.split())
    assert set(TASK_FACES) == set(tasks.split())


def test_before_the_first_run_it_says_so():
    assert status_lines(status(State(), now=0.0, engine=None), Look(), now=0.0) == [
        "no run yet; start one with `quarterdeck run`",
        "",
        "no engine runs here; this is what the record says",
    ]


def test_the_bus_is_named_where_there_is_one_or_why_it_is_not():
    engine = {"pid": 1, "version": "0", "seq": 7, "up_since": 0.0}

    def last(**bus):
        return status_lines({"engine": engine, "bus": bus}, Look(), now=0.0)[-1]

    assert last(state="up", provider="mosquitto", port=1883) == "bus: mosquitto on 127.0.0.1:1883"
    assert last(state="off", reason="there is no broker\x1b[2J here") == "bus off: there is no broker here"
    assert last(state="off").startswith("engine: ")


def confined(look, label, *holes):
    return "\n".join(confinement(label, holes, look))


def test_a_strong_tier_is_one_calm_line_of_the_head():
    assert confined(Look(), "strong (namespaces)", "a hole") == ""
    play = plays.the_good_one()
    play.do(c.CameUp(epoch=2, pid=8, version="1", confinement="strong (namespaces)", holes=("a hole",)))
    lines = told(play, Look())
    assert lines[: lines.index("")][-1] == "  confined  strong (namespaces)"


def test_a_basic_tier_is_marked_with_its_known_holes():
    assert confined(Look(), "basic (Landlock)", "a", "b") == "  ! basic (Landlock) · known holes: a; b"
    narrow = confined(Look(width=60), "basic (Landlock)", "UDP is open", *["a long sentence"] * 5).split("\n")
    assert narrow[0] == "  ! basic (Landlock)"
    assert narrow[1].startswith("    known holes: UDP is open; ")
    assert max(map(width, narrow)) <= 60


def test_an_engine_that_has_not_said_is_not_spoken_for():
    assert confined(Look(), "") == ""
    assert confined(Look(), "sturdy") == confined(Look(), "unconfined").replace("unconfined", "sturdy")
