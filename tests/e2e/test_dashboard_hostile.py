"""What an agent prints, writes and names is text on the screen, whatever it tries: the terminal gets no escape of it."""

import re

import pytest
from support.desk import ends, in_tmux, opened
from support.engines import task
from support.tmux import has_tmux

pytestmark = pytest.mark.timeout(90)
NASTY = r"""
E = "\x1b"
said = [
    E + "]52;c;ev1lZXZpbA==\x07", E + "]0;ev1l title" + E + "\\", E + "[?1049l", E + "[2J" + E + "[H", E + "c",
    E + "Pq#0;2;0;0;0ev1l" + E + "\\", E + "[31;5mev1l" + E + "[0m", "\x9b2J\x9d0;ev1l\x9c", E + "[?1003h",
    E + "]8;;http://ev1l.example" + E + "\\link" + E + "]8;;" + E + "\\", "\u202eev1l\u2066\u200f\u2028", "a\tb\rc\bd\x0b\x0c",
    "e" + "\u0301" * 500, "船" * 300, "\U0001f468\u200d\U0001f469\u200d\U0001f467\ufe0f ev1l", "\x00ev1l\x00", E + "[6n" + E + "[c",
]
out = sys.stdout.buffer
out.write(b"ev1l " * 200_000 + b"\n")
for line in said:
    out.write(line.encode() + b"\n")
out.write(b"\xff\xfe\xc3( ev1l \xed\xa0\x80\nthe last line\nno end of line " + E.encode() + b"]0;ev1l")
out.flush()
bad = "na" + E + "]0;ev1l\x07\u202e\nme.txt"
write(bad, "".join(said) + "\n" + "x" * 100_000)
pause_at("standing")
put("result.json", {"summary": E + "]0;ev1l\x07 " + "\u202e summary \x9b2J"})
"""
ORDERS = re.compile(rb"\x1b[]P_^X][^\x07\x1b]*ev1l|\x1b\]52|\x1bc|\x1b\[6n|\x1b\[31;5m")
"""Title, clipboard, link, strings of a device, reset, a report of the cursor, a look that is not ours."""
UNSEEN = {
    *map(chr, range(0x80, 0xA0)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029\x00",
}


@pytest.fixture
def nasty(place):
    place.project(builders=1, more='[approvals]\nhigh = "confirm"')
    gate = place.gate("standing")
    title = "a title \x1b]0;ev1l\x07 and \u202eback \x9b2J\x00"
    place.start([task("it", NASTY, title=title, risk="high")], pattern="solo", goal="a goal \x1b]52;c;ev1l\x07")
    return place.arrive(gate)


def frame_holds(text, columns):
    """The frames of panels stand where they belong: nothing has moved them."""
    rows = [line for line in text.split("\n") if line]
    assert rows[0].lstrip().startswith("a goal")
    framed = [row for row in rows if row[0] in "│╭╰"]
    assert len(framed) > 10
    return all(row[-1] in "│╮╯" for row in framed)


def visited(probe):
    """Look at all that it has made: its transcript, its difference, the details, the plan, the help, a search."""
    probe.wait("builder")
    probe.wait("the last line")
    for keys in ((), ("v",), ("v",), ("v",), ("tab", "G"), ("tab",), ("z",), ("z",), ("?",), ("escape",)):
        probe.press(*keys)
        probe.settle()
        yield


def test_no_escape_of_an_agent_reaches_the_terminal(place, nasty):
    with opened(place) as probe, ends(probe, 0):
        for _ in visited(probe):
            assert "\x1b" not in probe.text
            if "keys (esc" not in probe.text:
                assert frame_holds(probe.text, 120), probe.text
        place.release(nasty)
        probe.wait("asks you")
        probe.settle()
        probe.press("a")
        probe.wait("Approve for it?")
        probe.press("y")
        probe.wait("VERIFIED")
        probe.settle()
        probe.press("q")
        assert probe.returned() == 0
    assert ORDERS.search(bytes(probe.raw)) is None
    assert set(bytes(probe.raw).decode()) & UNSEEN == set()  # and all of it is UTF-8


@pytest.mark.skipif(not has_tmux(), reason="tmux is not installed")
def test_a_pane_of_tmux_stays_what_it_is(place, nasty):
    """tmux obeys titles, clipboards and the alternate screen, where anything asks for it."""
    with in_tmux(place, columns=100, rows=30) as window:
        before = window.run("display-message", "-p", "#{pane_title}")
        window.wait("the last line")
        for key in ("v", "v", "v", "Tab", "G", "Tab", "z", "z"):
            window.send(key)
            window.wait(lambda screen: frame_holds(screen, 100))
        assert window.run("display-message", "-p", "#{pane_title}") == before
        assert window.run("display-message", "-p", "#{alternate_on}") == "1\n"
        assert window.run("list-buffers") == ""
        window.send("q")
        assert window.wait_end() == 0
    place.release(nasty)
