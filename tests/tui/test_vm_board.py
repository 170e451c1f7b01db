"""The board: folded like the engine's own state, judged only when asked, and it knows what may look otherwise."""

import subprocess
import sys

import msgspec
import pytest
from support.boards import begun, board_of, clock_of, words
from support.plays import the_good_one, the_short_one, the_stuck_one, the_troubled_one

from engine.api.status import status
from engine.core import commands as c
from engine.core.evolve import evolve
from engine.core.state import State
from engine.core.values import AgentSpec, Limits, Tokens
from tui.viewmodel import crew, head, motion, needs, plan
from tui.viewmodel.board import ALL, Board

PLAYS = [the_good_one, the_stuck_one, the_troubled_one, the_short_one]


@pytest.mark.parametrize("play", PLAYS)
def test_at_every_event_the_board_says_what_status_says(play):
    """Judged again only for what an event touched, it must never lag behind what a fresh look would say."""
    board = board_of([])
    for event in play().events:
        board.take(event)
        told = status(board.state, now=event.at, engine={"pid": 7, "version": "1"})
        for agent in told["agents"]:
            mine = board.agent(agent["name"])
            assert (mine.word, mine.evidence, mine.since, mine.event) == (
                agent["state"], agent["evidence"], agent["since"], agent["event"],
            )  # fmt: skip
        for task in told["tasks"]:
            mine = board.task(task["id"])
            assert (mine.word, mine.evidence, mine.agent or None, mine.since, mine.event) == (
                task["state"], task["evidence"], task["agent"], task["since"], task["event"],
            )  # fmt: skip


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("room", [40, 100])
def test_rows_that_were_kept_are_the_rows_a_new_board_would_make(play, room):
    board, events = board_of([]), play().events
    for number, event in enumerate(events, 1):
        board.take(event)
        clock_of(board).at = event.at + 1
        fresh = board_of(events[:number], later=1)
        for view in (crew.rows, plan.rows, needs.rows):
            assert view(board, room) == view(fresh, room)


@pytest.mark.parametrize("play", PLAYS)
def test_a_part_that_looks_otherwise_is_said_to_have_changed(play):
    """What is not said to have changed must look the same at the same moment."""
    board, events = board_of([]), play().events

    def seen():
        return {
            "crew": crew.rows(board, 90), "plan": plan.rows(board, 90), "needs": needs.rows(board, 90),
            "head": head.lines(board, 150),
        }  # fmt: skip

    board.changed()
    clock_of(board).at = events[-1].at
    before = seen()
    for event in events:
        board.take(event)
        changed, now = board.changed(), seen()
        different = {part for part in now if now[part] != before[part]}
        assert different <= changed, (event.kind, different - changed)
        before = now


def test_what_changed_is_forgotten_once_it_was_asked():
    board = board_of(the_good_one().events)
    assert board.changed() == ALL
    assert board.changed() == frozenset()


def test_an_event_that_the_snapshot_holds_is_only_remembered():
    events = the_good_one().events
    state = State()
    for event in events:
        evolve(state, event)
    before = msgspec.msgpack.encode(state)
    board = board_of([])
    board.begin(state)
    for event in events:
        board.take(event)
    assert msgspec.msgpack.encode(board.state) == before
    assert board.merged is not None
    assert len(board.timeline) == len(board_of(events).timeline)


def test_a_snapshot_of_the_same_run_keeps_what_was_heard_and_one_of_another_does_not():
    events = the_good_one().events
    board = board_of(events)
    board.said("builder-1", task="search", attempt=1, kind="work", offset=0, text="hello\n")
    again = State()
    for event in events:
        evolve(again, event)
    board.begin(again)
    assert board.tail("builder-1").last == "hello"
    board.begin(State())
    assert board.tail("builder-1").last == ""
    assert len(board.timeline) == 0


def test_events_told_twice_stand_once_in_the_timeline():
    events = the_good_one().events
    board = board_of(events)
    total = board.timeline.total
    for event in events:
        board.take(event)
    assert board.timeline.total == total


def test_an_event_about_what_was_never_recorded_is_an_error():
    last = the_good_one().events[-10]
    with pytest.raises(KeyError):
        board_of([]).take(last)


# -- the way to the engine -----------------------------------------------------------------------------------------


def test_while_an_engine_is_awaited_nothing_is_called_gone():
    board = board_of([], live=False)
    assert (board.link.word, board.stale) == ("connecting", False)


def test_a_lost_engine_makes_what_is_shown_the_past_and_nothing_is_at_work():
    board = board_of(begun("one").events)
    assert board.agent("builder-1").word == "working"
    board.lost("it was killed")
    assert board.stale
    assert board.agent("builder-1").word == "stopped"
    assert "engine is gone" in board.agent("builder-1").evidence
    assert "interrupted" in words([needs.Row("", head.lines(board, 120))])[0]


def test_each_failed_try_keeps_the_moment_of_the_loss_and_changes_nothing():
    board = board_of(begun("one").events)
    board.lost("gone")
    since = board.link.since
    board.changed()
    clock_of(board).at += 60
    board.lost("gone")
    assert board.link.since == since
    assert board.changed() == frozenset()


def test_an_engine_that_is_back_makes_it_the_present_again():
    board = board_of(begun("one").events)
    board.lost("gone")
    board.connected(8, "0.1.0")
    assert not board.stale
    assert board.changed() == ALL


# -- ages ----------------------------------------------------------------------------------------------------------


def test_nothing_ticks_while_nothing_moves():
    assert motion.next_tick(board_of(the_good_one().events)) is None
    assert motion.next_tick(board_of(the_stuck_one().events)) is None
    assert motion.next_tick(board_of([])) is None
    lost = board_of(begun("one").events)
    lost.lost("gone")
    assert motion.next_tick(lost) is None


def test_what_is_frozen_does_not_tick():
    play = begun("one")
    play.do(c.PauseAgent(agent="builder-1"), actor="person")
    play.do(c.Froze(agent="builder-1", processes=1))
    board = board_of(play.events)
    assert motion.next_tick(board) is None
    assert "since" in words(crew.rows(board, 80)[:1])[0]
    assert " s" not in words(plan.rows(board, 80))[0].partition("Do one")[2]
    play.do(c.ResumeAgent(agent="builder-1"), actor="person")
    assert motion.next_tick(board_of(play.events)) is not None


@pytest.mark.parametrize("later", [0.0, 0.25, 30.5, 59.99, 61.0, 119.0, 3599.0, 3601.0, 90_000.0, 400_000.0])
def test_until_the_next_tick_nothing_looks_otherwise_and_then_something_does(later):
    board = board_of(begun("one").events, later=later)

    def seen():
        return (words(crew.rows(board, 90)), words(plan.rows(board, 90)), head.lines(board, 120))

    before, left = seen(), motion.next_tick(board)
    assert left is not None
    clock_of(board).at += left - 0.001
    assert seen() == before
    clock_of(board).at += 0.002
    assert seen() != before


# -- what it costs -------------------------------------------------------------------------------------------------


def test_an_event_judges_nothing_again_before_somebody_looks(monkeypatch):
    judged = []
    from tui.viewmodel import board as module

    real = module.of_agent
    monkeypatch.setattr(module, "of_agent", lambda state, agent, **k: judged.append(agent) or real(state, agent, **k))
    names = [f"t{n}" for n in range(20)]
    workers = tuple(AgentSpec(name=f"b-{n}", runtime="scripted", does=("implement", "review")) for n in range(20))
    play = begun(*names, crew=workers, limits=Limits(agents=20))
    first = len(play.events)
    task = play.mind.state.run.stages[play.mind.state.agents["b-3"].stage].task
    for _ in range(50):
        play.do(c.Spent(agent="b-3", task=task, tokens=Tokens(input=1), usd="0.001"))
    board = board_of(play.events[:first])
    crew.rows(board, 80)
    judged.clear()
    for event in play.events[first:]:
        board.take(event)
    assert judged == []
    crew.rows(board, 80)
    assert [agent.spec.name for agent in judged] == ["b-3"]


def test_rows_of_agents_of_whom_nothing_was_heard_are_the_same_objects():
    board = board_of(begun("one", "two").events)
    before = {row.key: row for row in crew.rows(board, 80)}
    board.said("builder-1", task="one", attempt=1, kind="work", offset=0, text="hello\n")
    after = {row.key: row for row in crew.rows(board, 80)}
    assert after["agent/builder-1"] is not before["agent/builder-1"]
    assert after["agent/builder-2"] is before["agent/builder-2"]


def test_a_board_before_anything_shows_nothing_and_breaks_nowhere():
    board = Board()
    assert (crew.rows(board, 80), plan.rows(board, 80), needs.rows(board, 80)) == ([], [], [])
    assert words([needs.Row("", head.lines(board, 80))]) == ["… connecting"]


def test_view_models_and_actions_load_neither_a_screen_nor_the_engines_door():
    code = (
        "import importlib, pkgutil, sys, tui.actions, tui.viewmodel\n"
        "for found in pkgutil.iter_modules(tui.viewmodel.__path__, 'tui.viewmodel.'): importlib.import_module(found.name)\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.split()
    assert "tui.viewmodel.plan" in loaded
    outside = {"textual", "rich", "asyncio"}
    assert not outside & set(loaded)
    assert not [name for name in loaded if name.startswith(("engine.api", "engine.runtime", "workspaces"))]
