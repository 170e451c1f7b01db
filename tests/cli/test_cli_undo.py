"""`undo`: what is kept, in lines and as JSON, without an engine; bringing it back; and what it says it did."""

import json
import time

import pytest
from support.aio import run
from support.clones import bench_in
from support.repos import git
from support.stand_in import StandIn

from engine.api import undo
from engine.core.commands import BringBack
from tui.headless.kept import kept_lines
from tui.headless.look import Look
from workspaces.clones.rescue import Begun
from workspaces.git import Git
from workspaces.repository import Repository

TOLD = {
    "id": "abcdef0", "ref": "refs/quarterdeck/kept/R/parse/2-9", "commit": "abcdef0" + "1" * 33, "at": 0.0, "run": "R",
    "agent": "builder-1", "task": "parse", "attempt": 2, "kind": "work", "why": "it was killed by a person", "files": 3,
    "added": 10, "removed": 2, "size": 12_345, "left": (), "lost": 0, "ignored": "", "base": "b" * 40,
}  # fmt: skip
NOTHING = {"kept": [], "waiting": [], "folders": [], "merges": [], "dropped": {"count": 0, "at": 0.0}}


@pytest.fixture
def one(repo):
    """Work of builder-1 that is kept."""
    opened = Repository(Git(repo), repo, repo / ".git", "", "sha1")
    work = bench_in(opened)
    work.prepare()
    work.edit({"half.txt": "half\n"})
    begun = Begun(ref=TOLD["ref"], base=work.tip, run="R", task="parse", attempt=2, lease=9)
    return run(work.clone.keep(begun, "it was killed by a person"))


def lines(look=None, **told):
    return kept_lines(NOTHING | told, look or Look())


def test_nothing_kept_is_said(quarterdeck):
    assert quarterdeck("undo") == (0, "nothing is put aside\n", "")
    assert json.loads(quarterdeck("undo", "--json")[1]) == NOTHING


def test_what_is_kept_is_listed_without_an_engine(quarterdeck, one):
    code, out, _ = quarterdeck("undo")
    assert code == 0
    row, last = out.splitlines()
    assert row.startswith(one.commit[:7])
    for text in ("builder-1", "parse 2", "1 file +1 -0", "it was killed by a person"):
        assert text in row
    assert last.startswith("quarterdeck undo ID brings one back")
    (told,) = json.loads(quarterdeck("undo", "--json")[1])["kept"]
    assert (told["id"], told["ref"], told["commit"]) == (one.commit[:7], TOLD["ref"], one.commit)


def test_it_comes_back_as_a_branch_without_an_engine(quarterdeck, one, repo):
    before = git(repo, "rev-parse", "main")
    code, out, _ = quarterdeck("undo", one.commit[:7])
    assert code == 0
    assert f"{one.commit[:12]} is the branch quarterdeck/kept/parse-2 now" in out
    assert "no task goes on with it; `git merge quarterdeck/kept/parse-2`" in out
    assert git(repo, "show", "quarterdeck/kept/parse-2:half.txt") == "half"
    assert git(repo, "rev-parse", "main") == before
    again = json.loads(quarterdeck("undo", one.commit[:7], "--json")[1])
    assert (again["branch"], again["carried"]) == ("quarterdeck/kept/parse-2", False)


def test_a_name_that_is_none_exits_with_2_and_says_what_there_is(quarterdeck, one):
    code, _, err = quarterdeck("undo", "nothing")
    assert code == 2
    assert f'"nothing" names no kept work: there is {one.commit[:7]}' in err


def test_an_engine_that_runs_does_it_and_records_it(quarterdeck, repo, good):
    with StandIn(repo, good) as engine:

        def answer(stand_in):
            submit = stand_in.submit

            async def heard(request, *, actor):
                if isinstance(request, BringBack):
                    found = {"ref": TOLD["ref"], "commit": TOLD["commit"], "branch": "quarterdeck/kept/parse-2"}
                    request = BringBack(kept=request.kept, **found)
                return await submit(request, actor=actor)

            stand_in.submit = heard

        engine.do(answer)
        code, out, err = quarterdeck("undo", "abcdef0")
    assert (code, err) == (0, "")
    assert "is the branch quarterdeck/kept/parse-2 now" in out


def test_doctor_says_how_much_there_is(quarterdeck, one):
    told = json.loads(quarterdeck("doctor", "--json")[1])
    (found,) = [finding for finding in told if finding["what"] == "put aside"]
    assert found["level"] == "ok"
    assert found["detail"].startswith("1 snapshot, ")
    assert found["detail"].endswith("`quarterdeck undo` lists it")


def test_what_still_lies_in_a_clone_is_said():
    told = lines(waiting=[{"agent": "builder-1", "task": "parse", "attempt": 2, "kind": "work", "run": "R"}])
    assert told == ["parse 2: in the clone of builder-1, kept when the engine starts"]


def test_a_folder_with_what_git_could_not_keep_is_said(quarterdeck, one, repo):
    (repo / ".quarterdeck" / "trees" / ".lost-builder-1-1").mkdir()
    assert ".lost-builder-1-1 holds what could not be kept in git" in quarterdeck("undo")[1]


def test_merges_are_listed_with_what_undoes_them():
    told = lines(merges=[{"task": "parse", "commit": "c" * 40, "at": 0.0, "undo": "git revert cccccccccccc"}])
    assert told == ["parse: merged as cccccccccccc; git revert cccccccccccc undoes it"]


def test_what_was_dropped_left_out_or_ignored_is_said():
    one = TOLD | {"left": ("big (9 bytes, 3 at most)",), "lost": 3, "ignored": "refs/quarterdeck/ignored/R/parse/2-9"}
    row, left, ignored, dropped, _ = lines(kept=[one], dropped={"count": 3, "at": 0.0})
    assert "12 KB" in row
    assert left.endswith("left out: big (9 bytes, 3 at most) and 2 more")
    assert "git restore --source=refs/quarterdeck/ignored/R/parse/2-9" in ignored
    assert dropped.startswith("3 older ones were dropped on 1970-01-01")


def test_a_reviewers_edits_are_told_from_work():
    assert "parse 2 (review)" in lines(kept=[TOLD | {"kind": "review"}])[0]


def test_what_an_agent_wrote_can_not_speak_to_the_terminal():
    evil = "x\x1b[2J\u202e"
    told = "\n".join(lines(kept=[TOLD | {"why": evil, "left": (evil,), "lost": 1, "task": evil}]))
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_the_newest_of_each_task_of_an_unfinished_run_is_never_dropped(one, repo, good):
    opened = Git(repo)
    for number in (1, 2):
        git(repo, "update-ref", f"refs/quarterdeck/kept/R/other/{number}-{number}", one.commit)
    state = good.mind.state
    state.run.id, state.run.outcome = "R", "needs_human"
    dropped = run(undo.drop_old(opened, state, 1.0, 1, now=time.time() + 10))
    assert len(dropped.refs) == 1
    left = git(repo, "for-each-ref", "--format=%(refname)", "refs/quarterdeck/kept").split()
    assert TOLD["ref"] in left
    assert len(left) == 2
    state.run.outcome = "verified"
    assert set(run(undo.drop_old(opened, state, 1.0, 1, now=time.time() + 10)).refs) == set(left)
    assert run(undo.drop_old(opened, state, 1.0, 1, now=time.time() + 10)) is None
