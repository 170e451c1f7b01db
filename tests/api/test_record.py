"""Reading the record without an engine: the state, the lines, the chain of causes."""

import asyncio

import msgspec
import pytest
from support import plays
from support.aio import run
from support.story import CREW, Story, checked

from engine.api.record import about, lines, load_state, why
from engine.core import commands as c
from engine.core.events import decode, encode
from engine.core.state import State
from engine.core.values import Limits, TaskSpec
from engine.journal.writer import Journal


class Recorded(Story):
    """A story whose events are kept."""

    def __init__(self, **options):
        self.events = []
        super().__init__(**options)

    def do(self, command):
        found = super().do(command)
        self.events += found
        return found


@pytest.fixture
def story():
    return Recorded().merged()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


def write(folder, events, *, snapshot=None):
    async def scenario():
        journal = Journal.open(folder)
        await journal.append(events)
        if snapshot is not None:
            await asyncio.get_running_loop().run_in_executor(
                None, journal.offer_snapshot, snapshot.seq, msgspec.msgpack.encode(snapshot)
            )
        journal.close()

    run(scenario())


def test_the_state_is_what_the_engine_had(story, folder):
    write(folder, story.events)
    assert load_state(folder) == story.mind.state


def test_no_record_is_an_empty_state(folder):
    assert load_state(folder) == State()


def test_a_snapshot_and_the_tail_make_the_same_state(folder):
    story = Recorded().claimed()
    write(folder, story.events)
    snapshot = load_state(folder)
    first = len(story.events)
    story.finish("a/check", checked("T"))
    write(folder, [], snapshot=snapshot)
    write(folder, story.events[first:])
    assert load_state(folder) == story.mind.state


def test_a_snapshot_is_used(story, folder):
    write(folder, story.events)
    marked = load_state(folder)
    marked.version = "from the snapshot"
    write(folder, [], snapshot=marked)
    assert load_state(folder).version == "from the snapshot"


def test_lines_are_chosen_by_task_agent_and_seq(story, folder):
    write(folder, story.events)
    everything = [decode(line) for line in lines(folder)]
    assert everything == story.events
    assert [decode(line) for line in lines(folder, 5)] == story.events[5:]
    of_b = [decode(line) for line in lines(folder, task="b")]
    assert of_b == [event for event in story.events if event.task == "b"] != []
    by = [decode(line) for line in lines(folder, task="a", agent="reviewer")]
    assert by == [event for event in story.events if event.task == "a" and event.agent == "reviewer"] != []


def test_an_agents_lines_are_also_those_it_brought_about():
    said = Recorded().do(c.Took(id="1", sender="builder", to="reviewer", kind="note", payload={}))
    assert list(about([encode(event) for event in said], agent="builder"))
    assert not list(about([encode(event) for event in said], agent="reviewer"))


def test_why_walks_back_from_the_end_of_a_task_to_the_run(story):
    chain = why(story.events, "a")
    assert (chain[0].kind, chain[-1].kind) == ("run_started", "task_ended")
    seqs = [event.seq for event in chain]
    assert seqs == sorted(set(seqs))
    assert all(event.cause in seqs for event in chain[1:])
    assert {"stage_assigned", "attempt_claimed", "review_given", "merge_done"} <= {event.kind for event in chain}


def test_why_passes_through_what_it_depended_on(story):
    chain = why(story.events, "b")
    assert ("task_ended", "a") in {(event.kind, event.task) for event in chain}
    assert chain[0].kind == "run_started"


def test_why_of_a_task_under_way_ends_with_what_tells_how_it_stands():
    story = Recorded().claimed().finish("a/check", checked("T", "2 tests failed"))
    chain = why(story.events, "a")
    assert (chain[-1].kind, chain[-1].data.reason) == ("check_failed", "2 tests failed")


def test_why_of_nothing_known_is_empty(story):
    assert why(story.events, "z") == []


def test_why_speaks_of_the_latest_run(story):
    story.do(c.CancelTask(task="b"))
    story.do(
        c.StartRun(
            run="r2", goal="g", pattern="pipeline", target="main", base="b0", crew=CREW, check=("true",),
            limits=Limits(), tasks=(TaskSpec(id="a", title="A"),),
        )
    )  # fmt: skip
    assert {event.run for event in why(story.events, "a")} == {"r2"}


@pytest.mark.parametrize(
    ("task", "ends"),
    [
        ("one", ["stage_assigned", "attempt_started", "budget_reached", "agent_pause_asked"]),
        ("two", ["agent_pause_asked", "agent_resumed", "agent_pause_asked"]),
        ("three", ["stage_assigned", "permission_asked"]),
    ],
)
def test_why_says_what_a_task_waits_for(task, ends):
    kinds = [event.kind for event in why(plays.the_waiting_one().events, task)]
    assert kinds[-len(ends) :] == ends
    assert kinds[0] == "run_started"
