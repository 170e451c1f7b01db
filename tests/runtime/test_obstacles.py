"""Is the way clear for a merge? Seen where the target is checked out, and without asking again and again."""

from types import SimpleNamespace

import pytest
from support.aio import run
from support.repos import git, make, save, write

from engine.core.state import Stage
from engine.runtime.obstacles import EVERY, LONGEST, Obstacles
from workspaces.repository import Repository

RECORD = SimpleNamespace(state=SimpleNamespace(run=SimpleNamespace(target="main", stages={})))


def waiting(*paths):
    return Stage(id="R/it/merge.1.0", task="it", kind="merge", round=1, lane=0, opened=1, obstacle="edits", paths=paths)


def clear(folder, *paths):
    async def look():
        return await Obstacles(RECORD)._clear(await Repository.open(folder), waiting(*paths))

    return run(look())


@pytest.fixture
def repo(tmp_path):
    return make(tmp_path / "repo")


def test_edits_are_in_the_way_until_they_are_gone(repo):
    assert clear(repo, "a.txt")
    write(repo, {"a.txt": "mine\n"})
    assert not clear(repo, "a.txt")
    assert clear(repo, "src/b.py")  # what is edited elsewhere is not
    save(repo, {"a.txt": "mine\n"})
    assert clear(repo, "a.txt")


def test_a_new_file_in_a_new_folder_is_in_the_way(repo):
    """git's short listing shows only the folder."""
    write(repo, {"new/deep/file.txt": "mine\n"})
    assert not clear(repo, "new/deep/file.txt")
    assert clear(repo, "new/deep/other.txt")


def test_a_name_that_looks_like_a_pattern_is_a_name(repo):
    write(repo, {"[a]*.txt": "mine\n"})
    assert not clear(repo, "[a]*.txt")
    assert clear(repo, "*.txt")


def test_edits_in_a_linked_work_tree_count_where_the_target_is_there(repo, tmp_path):
    git(repo, "checkout", "-q", "--detach")
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    write(repo, {"a.txt": "mine, and not in the way\n"})
    assert clear(repo, "a.txt")
    write(tmp_path / "linked", {"a.txt": "in the way\n"})
    assert not clear(repo, "a.txt")


def test_unresolved_conflicts_and_operations_are_waited_for(repo):
    base = git(repo, "rev-parse", "main")
    git(repo, "checkout", "-q", "-b", "other")
    save(repo, {"a.txt": "theirs\n"})
    git(repo, "checkout", "-q", "main")
    save(repo, {"a.txt": "ours\n"})
    git(repo, "merge", "-q", "other", check=False)
    assert not clear(repo)
    (repo / ".git" / "MERGE_HEAD").unlink()  # as after a stash that did not apply
    assert not clear(repo)
    git(repo, "checkout", "-q", "-f", base, "--", "a.txt")
    assert clear(repo)


def test_what_can_not_be_seen_from_here_is_tried_less_and_less_often():
    obstacles, stage = Obstacles(RECORD), waiting()
    pauses = []
    for _ in range(12):
        pauses.append(obstacles._pause(stage))
        obstacles._tries[stage.id] += 1
    assert pauses[:4] == [EVERY, 2 * EVERY, 4 * EVERY, 8 * EVERY]
    assert pauses[-1] == LONGEST
