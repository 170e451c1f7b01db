"""Work that was put aside, in the core: known until it is dropped, and what the next round begins with once it is back."""

import pytest
from msgspec.structs import replace
from support.plays import Play

from engine.core import commands as c
from engine.core import events as e
from engine.core.errors import Refused
from engine.core.values import Change, TaskSpec

REF = "refs/quarterdeck/kept/01JDEMO/parse/1-9"
BACK = c.BringBack(kept="abc", ref=REF, commit="k" * 40, branch="quarterdeck/kept/parse-1", run="01JDEMO", task="parse", kind="work")  # fmt: skip


@pytest.fixture
def play():
    play = Play().begin(tasks=(TaskSpec(id="parse", title="Parse"),))
    play.check("_")
    return play


def put_aside(play, **given):
    report = {"agent": "builder-1", "run": "01JDEMO", "task": "parse", "attempt": 1, "ref": REF, "commit": "k" * 40}
    return play.do(c.PutAside(why="it was killed", **(report | given)))


def only(events, fact):
    (found,) = [event for event in events if isinstance(event.data, fact)]
    return found


def test_what_is_kept_is_known_until_it_is_dropped(play):
    told = only(put_aside(play), e.WorkKept)
    assert (told.task, told.attempt, told.agent) == ("parse", 1, "builder-1")
    put_aside(play)
    assert play.mind.state.kept == [REF]
    play.do(c.Dropped(refs=(REF,), size=3), after=5)
    assert (play.mind.state.kept, play.mind.state.dropped) == ([], 1)
    assert play.mind.state.dropped_at == play.now


def test_what_is_kept_of_another_run_is_about_no_task_of_this_one(play):
    assert only(put_aside(play, run="OTHER"), e.WorkKept).task == ""
    assert only(put_aside(play, task="gone", ref="refs/quarterdeck/kept/x"), e.WorkKept).task == ""


def test_the_next_round_begins_with_what_was_brought_back(play):
    back = only(play.do(BACK, actor="person"), e.WorkBroughtBack)
    assert (back.data.carried, back.task) == (True, "parse")
    assert play.mind.state.run.tasks["parse"].brought == "k" * 40
    stage = play.stage("parse", "work")
    play.do(c.Began(stage=stage.id, lease=stage.lease, pid=1, tree="/t", carried="k" * 40))
    play.work("parse")
    assert play.mind.state.run.tasks["parse"].brought == "k" * 40  # that one began anew, without it


def test_once_a_round_that_began_with_it_is_claimed_it_is_used_up(play):
    play.do(BACK, actor="person")
    stage = play.stage("parse", "work")
    play.do(c.Began(stage=stage.id, lease=stage.lease, pid=1, tree="/t", carried="k" * 40))
    change = Change(commit="c" * 40, tree="t", base="b", patch="p", files=("a",), added=1, removed=0)
    play.finish("parse", "work", c.Worked(change=change))
    assert play.mind.state.run.tasks["parse"].brought == ""


@pytest.mark.parametrize("given", [{"run": "OTHER"}, {"task": "no"}, {"kind": "review"}])
def test_what_no_task_can_go_on_with_is_a_branch_and_no_more(play, given):
    back = only(play.do(replace(BACK, **given), actor="person"), e.WorkBroughtBack)
    assert back.data.carried is False
    assert play.mind.state.run.tasks["parse"].brought == ""


def test_a_merged_task_does_not_begin_again(play):
    play.work("parse")
    play.check("parse")
    play.review("parse")
    play.merge("parse")
    assert only(play.do(BACK, actor="person"), e.WorkBroughtBack).data.carried is False


def test_what_names_nothing_is_refused(play):
    with pytest.raises(Refused, match="quarterdeck undo"):
        play.do(c.BringBack(kept="nothing"), actor="person")
