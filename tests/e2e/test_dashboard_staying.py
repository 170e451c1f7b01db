"""Dashboards come and go, engines die, terminals close: the run goes on, and what is seen is what the record says."""

import json
import re
import shlex

import pytest
from support.desk import (
    QUARTERDECK,
    ends,
    environment,
    family,
    hang_up,
    in_tmux,
    opened,
    recorded,
    states,
    step_out,
    told,
)
from support.engines import task
from support.tmux import Tmux, has_tmux

from engine.core.events import decode
from tui.viewmodel import timeline
from tui.viewmodel.board import Board
from tui.viewmodel.lines import text

pytestmark = pytest.mark.timeout(90)
needs_tmux = pytest.mark.skipif(not has_tmux(), reason="tmux is not installed")
TALL = 120
"""Lines of a terminal that has room for all that happens in these runs."""


@pytest.fixture
def held(place):
    """A run in which both builders stand still, until the descriptors are closed."""
    place.project()
    gates = [place.gate(f"standing-{n}") for n in (1, 2)]
    place.start([task(f"t{n}", f"pause_at('standing-{n}'); write('t{n}', '')") for n in (1, 2)], pattern="solo")
    return [place.arrive(gate) for gate in gates]


def let_go(place, held):
    for descriptor in held:
        place.release(descriptor)


def truth(screen):
    """What a screen says of agents and tasks, without ages and without what is highlighted."""
    return re.sub(r"[▏▌]", " ", re.sub(r"\d+ (?:s|min)\b", "AGE", screen))


def happened(screen):
    """The lines of the panel of events."""
    rows = (re.sub(r"^\W+|\W*$", "", line) for line in screen.split("\n"))
    return [" ".join(row.split()) for row in rows if re.match(r"\d+:\d\d ", row)]


def recounted(place):
    """The same lines, told from `quarterdeck log --json` alone."""
    board = Board(where="/", now=lambda: 0.0)
    for event in recorded(place):
        board.take(decode(json.dumps(event).encode()))
    return happened("\n".join(text(row.lines[0]) for row in timeline.rows(board, 200)))


def test_who_comes_back_sees_the_same(place, held):
    with opened(place) as first, ends(first):
        first.wait("2 builder-2")
        first.settle()
        seen = truth(first.text)
        first.press("q")
    with opened(place) as again, ends(again):
        again.wait("2 builder-2")
        again.settle()
        assert truth(again.text) == seen
        again.press("q")
    assert states(family(place.until("attempt_started", task="t1")["data"]["pid"]))
    let_go(place, held)
    assert place.end()["data"]["outcome"] == "verified"


def test_two_at_once_see_what_either_does(place, held):
    with opened(place) as one, opened(place) as other, ends(one), ends(other):
        for probe in (one, other):
            probe.wait("2 builder-2")
        one.press("2", "p")
        for probe in (one, other):
            probe.wait("frozen")
        other.press("2", "r")
        for probe in (one, other):
            probe.wait(lambda seen: "‖ paused" not in "\n".join(seen.lines[1:12]))
            probe.press("q")
    let_go(place, held)


def test_a_closed_terminal_leaves_the_run_going(place, held):
    with opened(place) as probe:
        probe.wait("2 builder-2")
        hang_up(probe)
        assert probe.returned() == 0
    with opened(place) as probe:
        probe.wait("2 builder-2")  # and now the other end of its terminal goes away
    let_go(place, held)
    assert place.end()["data"]["outcome"] == "verified"


def test_an_engine_that_is_killed_is_a_banner_and_the_next_one_takes_over(place, held):
    """No event is lost, and none is told twice."""
    with opened(place, columns=240, rows=TALL) as probe, ends(probe):
        probe.wait("2 builder-2")
        probe.press("m")
        probe.send(b"before\r")
        place.until("agent_steered")
        killed = place.client.engine.pid
        place.crash()
        probe.wait("engine is gone")
        probe.press("1", "p")
        probe.wait("pause: ")  # not now, and why
        assert told(place, "status").returncode in {0, 4}
        assert place.client.engine.pid != killed
        probe.wait(lambda seen: "engine is gone" not in seen.text)
        let_go(place, held)
        assert place.end()["data"]["outcome"] == "verified"
        probe.wait("VERIFIED")
        step_out(probe, "VERIFIED")
        probe.press("shift+tab", "z", "g")
        probe.wait("what happened")
        probe.settle()
        assert happened(probe.text) == recounted(place)
        assert len(happened(probe.text)) > 10
        probe.press("q")


def test_it_is_put_aside_and_taken_up_again(place, held):
    """Ctrl-Z and fg, in a shell that has jobs."""
    if not has_tmux():
        pytest.skip("tmux is not installed")
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Tmux(shell, env=environment(), cwd=place.root, columns=120, rows=36) as window:
        window.wait("bash-")
        window.type(shlex.join(QUARTERDECK))
        window.send("Enter")
        window.wait("2 builder-2")
        window.send("C-z")
        window.wait("Stopped")
        window.type("fg")
        window.send("Enter")
        window.wait("2 builder-2")
        window.send("p")
        window.wait("frozen")
        window.send("r")
        window.send("q")
        window.wait("comes back to it")
    let_go(place, held)


@needs_tmux
def test_it_follows_every_size_while_things_happen(place, held):
    with in_tmux(place) as window:
        window.wait("2 builder-2")
        for size in ((80, 24), (200, 60), (30, 8), (12, 3), (100, 30)):
            window.resize(*size)
            window.send("1", "p", "r")
        window.wait("2 builder-2")
        window.wait(lambda screen: all(len(line) <= 100 for line in screen.split("\n")))
        window.send("q")
        assert window.wait_end() == 0
    let_go(place, held)
