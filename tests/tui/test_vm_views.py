"""Whole runs as every view shows them: goldens at three widths, and text that wants to do harm.

`UPDATE_GOLDENS=1` writes the goldens anew; look at the difference before committing it.
"""

import os
import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from support.boards import begun, board_of, clock_of, tasks, texts, words
from support.plays import (
    Play,
    the_good_one,
    the_hostile_one,
    the_short_one,
    the_stuck_one,
    the_troubled_one,
    the_waiting_one,
)

from engine.core import commands as c
from engine.core.values import Amount, Limited, Limits, Tokens
from tui.viewmodel import crew, detail, ending, head, needs, plan, proof, timeline
from tui.viewmodel.amounts import dollars, short
from tui.viewmodel.lines import Row, text

GOLDENS = Path(__file__).parent / "views"
PLAYS = {
    "good": the_good_one, "stuck": the_stuck_one, "troubled": the_troubled_one, "short": the_short_one,
    "waiting": the_waiting_one,
}  # fmt: skip
WIDTHS = [80, 120, 200]


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def everything(board, room):
    """All views of a board, one below the other."""
    views = {
        "head": list(head.lines(board, room)), "banner": [head.banner(board, room)],
        "needs": [line for row in needs.rows(board, room) for line in row.lines],
        "crew": [line for row in crew.rows(board, room // 2) for line in row.lines],
        "plan": [line for row in plan.rows(board, room // 2) for line in row.lines],
        "timeline": [line for row in timeline.rows(board, room) for line in row.lines],
        "ending": ending.lines(board, room),
    }  # fmt: skip
    for name in board.state.agents:
        views[f"agent {name}"] = detail.lines(board, f"agent/{name}", room)
    for name in board.run.tasks if board.run is not None else ():
        views[f"task {name}"] = detail.lines(board, f"task/{name}", room)
    for name in board.proofs:
        views[f"proof {name}"] = proof.lines(board, name, room)
    return views


@pytest.mark.parametrize("room", WIDTHS)
@pytest.mark.parametrize("name", PLAYS)
@pytest.mark.parametrize("part", ["half", "end"])
def test_a_run_is_shown_as_it_was_agreed(name, part, room):
    events = PLAYS[name]().events
    shown = everything(board_of(events[: len(events) // 2] if part == "half" else events, later=3), room)
    found = "".join(f"== {view}\n" + "".join(f"{line}\n" for line in texts(lines)) for view, lines in shown.items())
    golden = GOLDENS / f"{name}-{part}-{room}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()


@pytest.mark.parametrize("room", [1, 7, 20, 33, 60, 100])
@pytest.mark.parametrize("play", PLAYS.values())
def test_rows_and_heads_fit_into_any_width(play, room):
    events = play().events
    for until in range(0, len(events) + 1, 5):
        board = board_of(events[:until])
        rows = [*crew.rows(board, room), *plan.rows(board, room), *needs.rows(board, room), *timeline.rows(board, room)]
        shown = [line for row in rows for line in row.lines] + [*head.lines(board, room), head.banner(board, room)]
        assert all(cell_len(text(line)) <= room for line in shown)


EVIL = [
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m", "\u202eabc\u2066def\u2069", "a\rb\x00c\x9b31m", "二つ" * 200,
    "z" + "\u0335" * 300, "👩\u200d👩\u200d👧\ufe0f\U0001f3fb" * 40, "\u200b\u2060\ufeff\u00ad", "x" * 1_000_000, "\t\v\f\n\n",
    "[bold red]markup[/] $(rm -rf ~) `x`",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("room", [33, 80, 200])
def test_whatever_is_written_every_line_is_harmless_and_fits(evil, room):
    board = board_of(the_hostile_one(evil).events)
    board.said("builder-1", task="a", attempt=1, kind="work", offset=0, text=f"{evil}\n{evil}\n")
    board.lost(evil)
    for view, lines in everything(board, room).items():
        for line in lines:
            shown = text(line)
            assert not set(shown) & set("\x1b\x00\x07\r\n\t\v\f\x9b\u202e\u2066\u200b\u200d\ufeff\ufe0f"), view
            assert cell_len(shown) <= max(room, 40), view
    tail = board.tail("builder-1")
    assert all(len(text(tail.line(number))) < 3_000 for number in range(tail.dropped, tail.total))
    assert not any("\x1b" in text(tail.line(number)) for number in range(tail.dropped, tail.total))


@pytest.mark.parametrize("room", WIDTHS)
def test_keys_of_rows_are_never_shared(room):
    board = board_of(the_stuck_one().events)
    for rows in (crew.rows(board, room), plan.rows(board, room), needs.rows(board, room), timeline.rows(board, room)):
        assert len({row.key for row in rows}) == len(rows)


# -- the crew ------------------------------------------------------------------------------------------------------


def names(rows: list[Row]) -> list[str]:
    return [row.key.partition("/")[2] for row in rows]


def test_who_needs_you_stands_first_then_who_works_then_who_rests():
    play = begun("one", "two")
    play.do(c.Killed(agent="builder-2", gone=False, proof="99 is in D state", processes=1, ms=1.0))
    assert names(crew.rows(board_of(play.events), 80)) == ["builder-2", "builder-1", "planner", "reviewer"]


def test_an_agent_is_a_glyph_a_word_an_age_its_task_and_what_that_rests_on():
    play = begun("one", "two")
    play.spend("builder-1", "one")
    shown = words(crew.rows(board_of(play.events, later=200), 80))
    assert shown[0].split() == ["▶", "working", "2", "builder-1", "one", "3", "min"]
    assert shown[1].split(" · ") == ["  scripted", "work 1, pid 5000", "$0.02", "1.2k tokens"]


def test_the_last_line_an_agent_printed_stands_with_it_while_it_works():
    play = begun("one")
    board = board_of(play.events)
    board.said("builder-1", task="one", attempt=1, kind="work", offset=0, text="reading\n\n  writing tests  \n\n")
    assert words(crew.rows(board, 100))[1].endswith("·   writing tests")
    for event in play.do(c.Killed(agent="builder-1", gone=True, proof="gone", processes=1, ms=1.0)):
        board.take(event)
    assert not any("writing tests" in line for line in words(crew.rows(board, 100)))


def test_an_agents_money_is_told_against_its_budget():
    assert (dollars("0.4200"), dollars("5"), dollars("0.0031"), dollars("1.5")) == ("0.42", "5", "0.0031", "1.50")
    assert [short(n) for n in (0, 950, 1_000, 1_250, 12_999, 200_000, 1_000_000, 1_290_000, 45_000_000)] == [
        "0", "950", "1k", "1.2k", "12k", "200k", "1M", "1.2M", "45M",
    ]  # fmt: skip


def test_a_filter_goes_through_names_states_and_tasks():
    board = board_of(begun("one", "two").events)
    assert names(crew.rows(board, 80, "builder")) == ["builder-1", "builder-2"]
    assert names(crew.rows(board, 80, "IDLE")) == ["planner", "reviewer"]
    assert names(crew.rows(board, 80, "two work")) == ["builder-2"]
    assert names(plan.rows(board, 80, "two")) == ["two"]
    assert crew.rows(board, 80, "nobody") == []


def test_a_digit_goes_to_an_agent_by_its_place_in_the_crew_wherever_it_stands():
    board = board_of(begun("one").events)
    assert [crew.nth(board, number) for number in (1, 2, 4, 5, 0)] == [
        "agent/planner", "agent/builder-1", "agent/reviewer", "", "",
    ]  # fmt: skip


# -- the plan ------------------------------------------------------------------------------------------------------


def test_the_plan_shows_what_waits_on_what():
    play = Play().begin(tasks=tasks(core="", api="core", cli="core", docs="api cli"))
    play.check("_")
    play.began("core", "work")
    shown = words(plan.rows(board_of(play.events), 60))
    assert [line[:7] for line in shown] == ["╭─────▶", "├─┬───○", "╰─│─┬─○", "  ╰─┴─○"]
    assert shown[0].endswith("3 wait · 0 s")
    assert "waits for api, cli" in shown[3]


def test_the_longest_chain_that_is_left_stands_out():
    play = Play().begin(tasks=tasks(a="", b="a", c="b", alone=""))
    inks = {row.key: {span.text: span.ink for span in row.lines[0]} for row in plan.rows(board_of(play.events), 80)}
    assert inks["task/a"]["a"] == inks["task/c"]["c"] == "accent"
    assert inks["task/alone"]["alone"] == "bold"


def test_lanes_of_what_is_merged_are_dim():
    board = board_of(the_good_one().events)
    assert {span.ink for row in plan.rows(board, 80) for span in row.lines[0] if span.text in "╭╰─"} == {"dim"}


# -- what waits for a person ---------------------------------------------------------------------------------------


def test_every_kind_of_need_names_its_thing_and_the_way_out():
    play = begun("one", "two", "three", limits=Limits(attempts=1, budget=Amount(usd="0.01")))
    play.finish("one", "work", c.Broke(reason="no", blame="work"))
    play.do(c.Killed(agent="builder-2", gone=False, proof="99 is in D state", processes=1, ms=1.0))
    play.do(c.Spent(agent="builder-1", task="two", tokens=Tokens(input=1), usd="0.02"))
    found = needs.needs(board_of(play.events))
    assert [(one.word, one.whose, one.way) for one in found] == [
        ("asks you", "one", "a approve, d deny"), ("unkillable", "builder-2", "x try again"),
        ("budget", "the run", "b raise it"),
    ]  # fmt: skip
    assert needs.count(board_of(play.events)) == 3


def test_a_failed_task_waits_for_a_person_until_it_is_tried_again():
    play = begun("one", "two", limits=Limits(attempts=1))
    play.finish("one", "work", c.Broke(reason="no", blame="work"))
    stage = play.mind.state.run.tasks["one"].answers[0].stage
    play.do(c.Answer(approval=stage, granted=False, why="leave it"), actor="person")
    assert [one.word for one in needs.needs(board_of(play.events))] == ["failed"]
    play.do(c.RetryTask(task="one"), actor="person")
    assert needs.needs(board_of(play.events)) == []


def test_an_agent_that_was_frozen_for_doing_nothing_waits_for_a_person():
    play = begun("one")
    stage = next(stage for stage in play.mind.state.run.stages.values() if stage.agent.startswith("builder"))
    idle = Limited(limit="freeze_idle", value="15m", done="frozen")
    play.do(c.Bit(stage=stage.id, lease=stage.lease, limit=idle))
    assert needs.needs(board_of(play.events)) == []
    play.do(c.PauseAgent(agent=stage.agent), actor="engine")
    [one] = needs.needs(board_of(play.events))
    assert (one.word, one.whose, one.way) == ("frozen", stage.agent, "r resume")
    assert one.what == "it used no processor and printed nothing for 15m"
    play.do(c.ResumeAgent(agent=stage.agent), actor="person")
    assert needs.needs(board_of(play.events)) == []


def test_a_merge_that_a_persons_own_edits_hold_up_says_which():
    play = begun("one")
    play.finish("one", "work", c.Worked(change=c.Change(commit="c", tree="T", base="b", patch="pone1")))
    play.check("one")
    play.review("one")
    play.finish("one", "merge", c.Obstructed(reason="your edits are in the way", paths=("a.py", "b.py")))
    [one] = needs.needs(board_of(play.events))
    assert (one.key, one.word) == ("task/one", "held up")
    assert "your edits are in the way: a.py, b.py" in one.what


# -- the head ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [60, 80, 100, 200])
def test_what_matters_is_in_the_head_however_narrow(room):
    board = board_of(the_stuck_one().events)
    shown = texts(head.lines(board, room))[0]
    for said in ("? waits for you", "1 needs you", "! unconfined"):
        assert said in shown


def confined(label, holes=()):
    board = board_of(the_stuck_one().events)
    board.state.confinement, board.state.holes = label, tuple(holes)
    return texts(head.lines(board, 80))[0], texts(detail.lines(board, "agent/builder-1", 60))


def test_a_strong_tier_is_told_calmly_in_the_detail_only():
    first, told = confined("strong+ (namespaces, cgroup)", ["one"])
    assert "strong" not in first
    assert "confinement strong+ (namespaces, cgroup)" in told
    assert not any("one" in row for row in told if "hole" in row)


def test_a_basic_tier_is_marked_and_told_with_its_holes_one_by_one():
    first, told = confined("basic (Landlock ABI 7)", ["UDP is open", "sockets can be connected to"])
    assert "! basic" in first
    assert "confinement ! basic (Landlock ABI 7)" in told
    at = told.index("known holes UDP is open")
    assert told[at + 1] == "            sockets can be connected to"


def test_a_lost_engine_is_said_with_its_reason_and_what_is_shown_is_called_stale():
    board = board_of(begun("one").events)
    assert texts([head.banner(board, 100)]) == [""]
    board.lost("it was killed")
    clock_of(board).at += 3600
    assert "no engine since" in texts([head.banner(board, 120)])[0]
    assert (
        "it was killed; what is shown is how it was then; x, X still kill; trying again"
        in texts([head.banner(board, 120)])[0]
    )
    board.lost("the engine hangs: no sign of life for 10 s, and this reason is a long one", hung=True)
    for room in (60, 80, 100):
        assert texts([head.banner(board, room)])[0].rstrip().endswith("; trying again")
    assert "… ; x, X still kill" in texts([head.banner(board, 80)])[0].replace("…;", "… ;")
    assert "! stale" in texts(head.lines(board, 80))[0]
    assert "! stale" in texts(detail.lines(board, "agent/builder-1", 80))[0]


@pytest.mark.parametrize(("tokens", "ink"), [(159, "dim"), (160, "wait"), (250, "wait")])
def test_what_was_used_is_inked_near_the_budget_of_the_run(tokens, ink):
    play = begun("one", limits=Limits(budget=Amount(tokens=200)))
    play.do(c.Spent(agent="builder-1", task="one", tokens=Tokens(input=tokens)))
    (shown,) = (span for span in head.lines(board_of(play.events), 200)[0] if "tokens" in span.text)
    assert shown.ink == ink
    assert shown.text == f"{tokens} of 200 tokens"


# -- a kill, an end ------------------------------------------------------------------------------------------------


def test_who_fits_keeps_the_place_in_the_crew_unless_a_person_is_needed():
    events = the_troubled_one().events
    for until in range(10, len(events), 3):
        board = board_of(events[:until])
        names = list(board.state.agents)
        pressing = [n for n in names if crew.RANKS[board.agent(n).word] <= crew.NEEDS_YOU]
        expected = sorted(pressing, key=lambda n: crew.RANKS[board.agent(n).word])
        expected += [n for n in names if n not in pressing]
        assert list(crew.rows(board, 60, lines=2 * len(names)).keys) == [f"agent/{n}" for n in expected]


def test_who_works_comes_before_who_rests_only_where_not_all_fit():
    board = board_of(begun("one").events)
    board.said("builder-1", task="one", attempt=1, kind="work", offset=0, text="at it\n")
    names = list(board.state.agents)
    first = next(n for n in names if board.agent(n).word == "working")
    assert crew.rows(board, 60, lines=2 * len(names) - 1).keys[0] == f"agent/{first}"


def test_the_last_line_of_an_agent_has_a_line_of_its_own_where_there_is_room():
    board = board_of(begun("one").events)
    worker = next(n for n in board.state.agents if board.agent(n).word == "working")
    board.said(worker, task="one", attempt=1, kind="work", offset=0, text="at it\n")
    count = len(board.state.agents)
    for lines, height in ((3 * count, 3), (3 * count - 1, 2)):
        rows = crew.rows(board, 60, lines=lines)
        row = rows[list(rows.keys).index(f"agent/{worker}")]
        assert (rows.height, len(row.lines)) == (height, height)
        assert ("at it" in text(row.lines[1])) == (height == 2)
        assert text(row.lines[-1]).strip().endswith("at it")


def test_the_run_as_a_whole_has_no_name_that_nobody_knows():
    events, shown = the_good_one().events, set()
    for until in range(1, len(events)):
        board = board_of(events[:until])
        if board.knows("planner") and board.agent("planner").stage is not None:
            shown.add(text(crew.rows(board, 80)[list(board.state.agents).index("planner")].lines[0]))
    assert shown
    assert all("the run" in row and " _ " not in row for row in shown)


def test_the_proof_of_a_kill_says_what_is_gone_how_long_it_took_and_where_the_work_is():
    shown = texts(proof.lines(board_of(the_troubled_one().events), "builder-2", 80))
    assert shown[0] == "■ gone: 3 processes in 8 ms  builder-2"
    assert "git -C /home/project show refs/q/1" in shown[5]


def test_a_kill_that_failed_is_never_called_gone():
    play = begun("one")
    play.do(c.Killed(agent="builder-1", gone=False, proof="99 is in D state", processes=1, ms=2000.0))
    shown = texts(proof.lines(board_of(play.events), "builder-1", 80))
    assert shown[0].startswith("✗ NOT gone: 1 process in 2.0 s")
    assert "99 is in D state" in shown


def test_without_a_kill_there_is_no_proof():
    assert "no kill of builder-1 is recorded" in texts(proof.lines(board_of(begun("one").events), "builder-1", 80))[0]


def test_while_a_run_goes_on_it_has_no_ending():
    assert ending.lines(board_of(begun("one").events), 80) == []


def test_commands_that_prove_a_run_again_are_shown_whole_in_any_width():
    board = board_of(the_good_one().events)
    shown = " ".join(" ".join(texts(ending.lines(board, 30))).split())
    assert "quarterdeck audit verify --repo /home/project" in shown
    assert all(len(line) <= 30 for line in texts(ending.lines(board, 30)))


def test_the_ending_has_the_inks_of_what_it_says():
    first = ending.lines(board_of(the_good_one().events), 80)[0]
    assert (first[0].text, first[0].ink) == ("✓ VERIFIED", "good")


# -- what happened -------------------------------------------------------------------------------------------------


def test_the_timeline_is_bounded_and_counts_what_it_forgot():
    play = begun("one")
    for number in range(2_500):
        play.do(c.Noticed(text=f"note {number}"))
    board = board_of(play.events)
    assert len(board.timeline) == 2_000
    assert board.timeline.total > 2_500
    assert words(timeline.rows(board, 80))[-1].endswith("note 2499")
    assert texts([timeline.last_line(board, 80)])[0].endswith("note 2499")
    assert len(timeline.rows(board, 80)) == timeline.SHOWN


def test_the_timeline_can_be_filtered():
    shown = words(timeline.rows(board_of(the_good_one().events), 120, "reviewer rejects"))
    assert len(shown) == 1
    assert "rejects" in shown[0]


def test_what_an_agent_says_it_used_is_told_to_a_millionth():
    play = begun("one")
    play.do(c.Spent(agent="builder-1", task="one", tokens=Tokens(input=5), usd="0.055541999999999994", counted=False))
    assert any("says $0.055542, 5 tokens" in row for row in words(crew.rows(board_of(play.events), 100)))
