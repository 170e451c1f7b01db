"""Unfinished work is kept once, whoever asks, before anything is changed; and an agent being ended begins nothing."""

import asyncio
import os
import time
from types import SimpleNamespace

import pytest
from support.aio import run
from support.clones import bench
from support.repos import clean_environment, git

from engine.core import commands as c
from engine.core.values import AgentSpec
from engine.runtime.member import Gone, Member, Place
from engine.runtime.room import Room
from engine.runtime.world import World
from workspaces.clones.clone import Clone as RealClone
from workspaces.clones.intake import Empty, Refusal
from workspaces.clones.ledger import read, waiting
from workspaces.clones.rescue import Begun, Kept
from workspaces.errors import GitFailed, TreeBroken

LEFT = Begun(ref="refs/quarterdeck/kept/R/it/1-9", run="R", task="it", attempt=1, lease=9, copies=(".env",))


class Clone:
    """A clone that takes its time."""

    def __init__(self, folder, answer):
        self.folder, self.answer, self.calls = folder, answer, 0

    async def keep(self, begun, why):
        self.calls += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def member(clone):
    spec = AgentSpec(name="builder-1", runtime="command", does=())
    made = Member(spec, clone=clone, place=SimpleNamespace())
    made.told = []
    made.leavings.tell = made.told.append
    return made


@pytest.fixture
def work(tmp_path):
    """A member with a clone that is ready, in which a program is about to start."""
    bench_ = bench(tmp_path)
    one = member(bench_.clone)
    run(one.prepare(bench_.tip))
    time.sleep(0.02)  # the clock of files ticks every few milliseconds
    one.begin(LEFT)
    one.bench = bench_
    return one


def test_whoever_asks_gets_the_same_ref(tmp_path):
    async def scenario():
        clone = Clone(tmp_path / "trees" / "builder-1", Kept(commit="c", size=1, files=("a",)))
        left = member(clone).leavings
        asked = await asyncio.gather(*(left.put_aside(LEFT, "it was killed") for _ in range(3)))
        assert asked == [LEFT.ref] * 3
        assert clone.calls == 1

    run(scenario())


@pytest.mark.parametrize("answer", [Empty(), Refusal("no"), GitFailed(("commit",), 1, "no")])
def test_nothing_to_keep_is_no_ref(tmp_path, answer):
    clone = Clone(tmp_path / "builder-1", answer)
    assert run(member(clone).leavings.put_aside(LEFT, "it was killed")) == ""
    assert run(member(clone).leavings.put_aside(None, "it was killed")) == ""


def test_an_agent_that_is_being_ended_begins_nothing(tmp_path):
    async def scenario():
        one = member(Clone(tmp_path, Empty()))
        with one.being_ended(), pytest.raises(Gone):
            async with one.turn():
                pass
        async with one.turn():
            pass

    run(scenario())


def test_what_nobody_took_in_is_kept_before_the_clone_is_prepared_again(work):
    """As when an engine dies, a keeper is lost, or a hand breaks down."""
    work.bench.edit({"new.txt": "n\n", "a.txt": "half\n"})
    run(work.prepare(work.bench.tip))
    (told,) = work.told
    assert (told.ref, told.agent, told.task, told.files, told.added) == (LEFT.ref, "builder-1", "it", 2, 2)
    assert git(work.bench.root, "show", f"{LEFT.ref}:new.txt") == "n"
    assert not (work.clone.folder / "new.txt").exists()
    assert work.leavings.open is None


def test_what_is_begun_is_on_disk_for_the_next_engine(work):
    trees = work.clone.folder.parent
    ((name, begun),) = waiting(trees)
    assert (name, begun.ref, begun.base, begun.copies) == ("builder-1", LEFT.ref, work.bench.tip, (".env",))
    assert begun.since == work.unfinished.since > 0
    other = member(work.clone)  # as the next engine has it
    work.bench.edit({"new.txt": "n\n"})
    run(other.leavings.clear_up())
    assert [told.ref for told in other.told] == [LEFT.ref]
    assert list(waiting(trees)) == []


def test_nothing_is_started_where_nothing_was_touched_or_all_was_taken_in(work):
    calls = work.bench.inside.calls
    run(work.leavings.clear_up())
    assert work.bench.inside.calls == calls
    work.begin(LEFT)
    work.bench.edit({"new.txt": "n\n"})
    work.leavings.settle()
    run(work.leavings.clear_up())
    assert work.bench.inside.calls == calls
    assert work.told == []


def test_what_can_not_be_kept_now_stays_and_is_laid_aside_before_it_is_overwritten(work, monkeypatch):
    work.bench.edit({"new.txt": "n\n"})
    monkeypatch.setattr("workspaces.clones.rescue._program", lambda: ("", "import sys; sys.exit('it broke')"))
    assert run(work.leavings.put_aside(work.unfinished, "it was killed")) == ""
    assert (work.clone.folder / "new.txt").exists()
    run(work.prepare(work.bench.tip))
    (told,) = work.told
    assert isinstance(told, c.Noticed)
    place = work.clone.folder.with_name(".lost-builder-1-1")
    assert told.text.endswith(f"could not be kept in git (it broke); it is in {place}")
    assert (place / "new.txt").read_text() == "n\n"


def test_a_ref_that_an_engine_made_before_it_died_is_not_made_again(work):
    work.bench.edit({"new.txt": "n\n"})
    git(work.bench.root, "update-ref", LEFT.ref, work.bench.tip)
    assert run(work.leavings.put_aside(work.unfinished, "it was killed")) == LEFT.ref
    assert work.told == []
    assert work.leavings.open is None


def test_a_file_that_says_nothing_is_no_work(tmp_path):
    file = tmp_path / ".begun-x.json"
    assert read(file) is None
    file.write_text("{")
    assert read(file) is None
    os.truncate(file, 0)
    assert read(file) is None


def test_nothing_is_overwritten_that_can_be_neither_kept_nor_moved(work, monkeypatch):
    work.bench.edit({"new.txt": "n\n"})
    monkeypatch.setattr("workspaces.clones.rescue._program", lambda: ("", "import sys; sys.exit('it broke')"))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workspaces.clones.clone.move_out", full)
    with pytest.raises(TreeBroken, match=r"it broke.*No space left"):
        run(work.prepare(work.bench.tip))
    assert (work.clone.folder / "new.txt").exists()
    assert work.leavings.open is not None


def test_at_the_end_of_a_run_also_what_an_agent_left_that_stands_still_is_kept(tmp_path):
    async def scenario():
        ready = bench(tmp_path)
        place = Place("builder-1", tmp_path / "processes", Room(clean_environment()))
        clone = RealClone(ready.repo, ready.clone.folder, "builder-1", place)
        one = Member(AgentSpec(name="builder-1", runtime="command", does=()), clone=clone, place=place)
        told = []
        one.leavings.tell = told.append
        await one.prepare(ready.tip)
        await asyncio.sleep(0.02)
        one.begin(LEFT)
        ready.edit({"new.txt": "n\n"})
        await place.freeze()
        async with asyncio.timeout(20):
            await World.keep_leavings(SimpleNamespace(members={"builder-1": one}))
        await place.close()
        assert [report.ref for report in told] == [LEFT.ref]

    run(scenario())
