"""Looking into a clone while an agent works in it: all that would be taken in, and nothing of the agent's is touched."""

from pathlib import Path

import pytest
from support.aio import run
from support.clones import bench
from support.repos import git, write

from workspaces.clones.look import look
from workspaces.diffs.parse import parse
from workspaces.errors import NotSeen

LIMIT = 1 << 20


@pytest.fixture
def work(tmp_path):
    made = bench(tmp_path, {"a.txt": "one\n", "b.txt": "two\n", ".gitignore": "*.log\n", ".env": "secret\n"})
    made.prepare()
    return made


def see(work, base=None, limit=LIMIT):
    return run(look(work.repo, work.clone.folder, work.inside, base=base or work.tip, limit=limit))


def paths(seen):
    return {(file.path, file.status) for file in parse(seen.diff)}


def snapshot(folder: Path):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_nothing_changed_is_an_empty_difference(work):
    assert see(work).diff == b""


def test_edits_new_files_and_deletions_are_seen_and_ignored_files_are_not(work):
    work.edit({"a.txt": "one!\n", "new.txt": "n\n", "b.txt": None, "build.log": "noise\n"})
    assert paths(see(work)) == {("a.txt", "modified"), ("new.txt", "added"), ("b.txt", "deleted")}


def test_it_makes_no_difference_whether_the_agent_committed(work):
    work.edit({"a.txt": "one!\n", "new.txt": "n\n"})
    before = see(work)
    git(work.clone.folder, "add", "new.txt")
    assert see(work) == before
    git(work.clone.folder, "commit", "-qam", "mine")
    assert see(work) == before


def test_what_is_seen_is_what_is_taken_in(work):
    work.edit({"a.txt": "one!\n", "deep/er/new.txt": "n\n", "b.txt": None})
    seen = see(work)
    assert seen.diff == work.change().diff


def test_nothing_of_the_agents_git_is_touched_and_nothing_stays(work):
    work.edit({"new.txt": "n\n"})
    before = snapshot(work.clone.folder)
    see(work)
    assert snapshot(work.clone.folder) == before
    assert [each.name for each in work.clone.folder.parent.iterdir()] == ["builder-1"]


def test_an_index_that_the_agent_holds_locked_is_no_hindrance(work):
    (work.clone.folder / ".git" / "index.lock").touch()
    work.edit({"new.txt": "n\n"})
    assert paths(see(work)) == {("new.txt", "added")}


@pytest.mark.parametrize("index", [b"", b"no index at all", None])
def test_a_broken_index_is_done_without(work, index):
    place = work.clone.folder / ".git" / "index"
    place.unlink() if index is None else place.write_bytes(index)
    work.edit({"new.txt": "n\n"})
    assert paths(see(work)) == {("new.txt", "added")}


def test_no_program_of_the_agents_configuration_runs(work, tmp_path):
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 $* >> {ran}\ncat\n")
    program.chmod(0o755)
    config = {
        "filter.x.clean": program,
        "diff.x.textconv": program,
        "diff.x.command": program,
        "diff.external": program,
        "core.fsmonitor": program,
        "core.hooksPath": tmp_path,
    }
    work.edit({".gitattributes": "* filter=x diff=x\n", "a.txt": "changed\n"})
    for name, value in config.items():
        git(work.clone.folder, "config", name, str(value))
    write(work.clone.folder / ".git" / "info", {"attributes": "* filter=x diff=x\n"})
    assert ("a.txt", "modified") in paths(see(work))
    assert not ran.exists()


def test_a_large_difference_is_cut_at_a_line_and_says_what_is_missing(work):
    work.edit({"new.txt": "".join(f"{n:09}\n" for n in range(1000))})
    whole = see(work)
    part = see(work, limit=5000)
    assert whole.cut == 0
    assert 4900 < len(part.diff) <= 5000
    assert part.diff.endswith(b"\n")
    assert whole.diff.startswith(part.diff)
    assert len(part.diff) + part.cut == len(whole.diff)


def test_copied_files_stay_out_of_sight(tmp_path):
    made = bench(tmp_path, {"a.txt": "one\n"}, copies=[".env"])
    write(made.root, {".env": "secret\n"})
    made.prepare()
    assert (made.clone.folder / ".env").exists()
    assert see(made).diff == b""


def test_a_base_that_is_no_commit_can_not_be_seen(work):
    with pytest.raises(NotSeen, match="could not be told"):
        see(work, base="0" * 40)
