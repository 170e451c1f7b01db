"""From a change that was taken in to a target that advanced, beside a person who edits and commits meanwhile."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from support.aio import run
from support.clones import Bench, bench
from support.repos import git, healthy, save, write

from workspaces.clones.intake import Change
from workspaces.errors import GitFailed, NoSuchBranch
from workspaces.merge.advance import Advanced, Blocked, Moved, advance
from workspaces.merge.commit import Merge, commit
from workspaces.merge.probe import SHOWN, Combined, Conflict, probe
from workspaces.merge.trailers import Trailers
from workspaces.repository import Identity, Repository


def merged(b: Bench, tree: str, parent: str, trailer: str = "R/T/1") -> str:
    """The commit of a merge, on no branch yet."""
    author, committer = b.clone.who, Identity("Pat", "pat@example.org")
    merge = Merge(
        tree=tree, parent=parent, author=author, committer=committer, message="Do it", trailer=trailer, at=1_800_000_000
    )
    return run(commit(b.repo.git, merge))


def next_of(b: Bench, files: dict[str, str | bytes | None], trailer: str = "R/T/1") -> tuple[str, str]:
    """The tip and a merge commit on it that makes these changes."""
    tip = b.tip
    return tip, merged(b, b.attempt(files).tree, tip, trailer)


def move(b: Bench, old: str, new: str, branch: str = "main") -> Advanced | Moved | Blocked:
    return run(advance(b.repo, branch, old, new))


# -- probe ---------------------------------------------------------------------------------------------------------


def test_on_its_own_base_the_answer_costs_nothing(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "2\n"})
    before = b.repo.git.started
    assert run(probe(b.repo.git, change, b.tip)) == Combined(change.tree)
    assert b.repo.git.started == before


def test_disjoint_changes_combine_to_a_tree_with_both(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"new.txt": "n\n"})
    tip = save(b.root, {"src/b.py": "x = 2\n"})
    answer = run(probe(b.repo.git, change, tip))
    assert isinstance(answer, Combined)
    assert git(b.root, "show", f"{answer.tree}:new.txt") == "n"
    assert git(b.root, "show", f"{answer.tree}:src/b.py") == "x = 2"
    assert git(b.root, "status", "--porcelain") == ""


def conflict(b: Bench, change: Change, tip: str) -> Conflict:
    answer = run(probe(b.repo.git, change, tip))
    assert isinstance(answer, Conflict)
    return answer


def test_several_conflicts_come_with_both_sides_of_each(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "a\n", "s p\né.txt": "b\n", "fine": "c\n"})
    change = b.attempt({"a.txt": "mine\n", "s p\né.txt": "my\n", "fine": "2\n"})
    tip = save(b.root, {"a.txt": "yours\n", "s p\né.txt": "your\n"})
    sides = conflict(b, change, tip).sides
    assert [(side.path, side.ours, side.theirs) for side in sides] == [
        ("a.txt", "yours\n", "mine\n"),
        ("s p\né.txt", "your\n", "my\n"),
    ]


def test_a_file_edited_here_and_deleted_there_has_one_side(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "mine\n"})
    (side,) = conflict(b, change, save(b.root, {"a.txt": None})).sides
    assert (side.path, side.ours, side.theirs) == ("a.txt", "", "mine\n")


def test_the_same_name_added_by_both_conflicts(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"new": "mine\n"})
    (side,) = conflict(b, change, save(b.root, {"new": "yours\n"})).sides
    assert (side.ours, side.theirs) == ("yours\n", "mine\n")


def test_long_and_binary_sides_are_cut(tmp_path: Path) -> None:
    b = bench(tmp_path, {"big": "x\n", "bin": b"\0"})
    change = b.attempt({"big": "m" * 10_000, "bin": os.urandom(10_000)})
    tip = save(b.root, {"big": "y" * 10_000, "bin": os.urandom(10_000)})
    big, binary = conflict(b, change, tip).sides
    assert big.ours == "y" * SHOWN + "\n[cut: 10000 bytes in all]\n"
    assert big.theirs.startswith("m" * SHOWN + "\n[cut")
    assert len(binary.ours) <= SHOWN + 50
    binary.ours.encode()  # fit for JSON


def test_conflicting_gitlinks_have_no_text(tmp_path: Path) -> None:
    b = bench(tmp_path)
    one, two, three = b.tip, save(b.root, {"x": "1"}), save(b.root, {"x": "2"})
    git(b.root, "update-index", "--add", "--cacheinfo", f"160000,{one},vendor")
    git(b.root, "commit", "-q", "-m", "submodule")
    base = b.tip
    git(b.root, "update-index", "--cacheinfo", f"160000,{two},vendor")
    git(b.root, "commit", "-q", "-m", "theirs")
    theirs, tree = b.tip, git(b.root, "rev-parse", "HEAD^{tree}")
    git(b.root, "reset", "-q", "--hard", base)
    git(b.root, "update-index", "--cacheinfo", f"160000,{three},vendor")
    git(b.root, "commit", "-q", "-m", "ours")
    change = Change(commit=theirs, tree=tree, base=base, patch="", files=(), added=0, removed=0, diff=b"", parsed=())
    assert [(side.path, side.ours) for side in conflict(b, change, b.tip).sides] == [("vendor", "")]


def test_a_commit_that_is_not_there_is_an_error_and_no_conflict(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "2\n"})
    with pytest.raises(GitFailed):
        run(probe(b.repo.git, change, "1" * 40))


# -- commit and trailer --------------------------------------------------------------------------------------------


def test_the_commit_has_one_parent_two_names_and_the_trailer(tmp_path: Path) -> None:
    b = bench(tmp_path)
    tip, new = next_of(b, {"a.txt": "2\n"})
    shape = "%P|%an <%ae>|%cn <%ce>|%ad|%s|%(trailers:key=Quarterdeck,valueonly,separator=%x2c)"
    assert git(b.root, "log", "-1", "--date=unix", f"--format={shape}", new) == (
        f"{tip}|builder-1 <builder-1@quarterdeck.invalid>|Pat <pat@example.org>|1800000000|Do it|R/T/1"
    )


def test_the_same_merge_made_twice_is_the_same_commit(tmp_path: Path) -> None:
    b = bench(tmp_path)
    tree, tip = b.attempt({"a.txt": "2\n"}).tree, b.tip
    assert merged(b, tree, tip) == merged(b, tree, tip)


def test_a_message_that_ends_like_trailers_still_yields_ours(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "2\n"})
    merge = Merge(
        tree=change.tree,
        parent=b.tip,
        author=b.clone.who,
        committer=b.clone.who,
        message="Title é\n\nFixes: #1\nnot a trailer line\n\n\n",
        trailer="R/T/7",
        at=1,
    )
    new = run(commit(b.repo.git, merge))
    assert run(Trailers(b.repo.git).find(b.tip, new, "R/T/7")) == new


def test_an_attempt_is_found_by_its_exact_trailer_after_the_base_only(tmp_path: Path) -> None:
    b = bench(tmp_path)
    start = b.tip
    old, first = next_of(b, {"a.txt": "1\n"}, "R/T/1")
    move(b, old, first)
    save(b.root, {"other": "Quarterdeck: R/T/2\n"}, "by hand\n\nQuarterdeck: is nice, R/T/3 too")
    find = Trailers(b.repo.git).find
    assert run(find(start, b.tip, "R/T/1")) == first
    assert run(find(start, b.tip, "R/T/2")) is None
    assert run(find(start, b.tip, "R/T/")) is None
    assert run(find(first, b.tip, "R/T/1")) is None
    assert run(find(start, start, "R/T/1")) is None


def test_the_log_is_read_again_only_when_somebody_else_moved_the_target(tmp_path: Path) -> None:
    b = bench(tmp_path)
    start, trailers = b.tip, Trailers(b.repo.git)
    before = b.repo.git.started
    assert run(trailers.find(start, start, "R/T/1")) is None
    trailers.advanced(start, start, "c1", "R/T/1")
    trailers.advanced(start, "c1", "c2", "R/T/2")
    assert run(trailers.find(start, "c2", "R/T/1")) == "c1"
    assert run(trailers.find(start, "c2", "R/T/2")) == "c2"
    assert b.repo.git.started == before
    old, new = next_of(b, {"a.txt": "1\n"}, "R/T/9")
    move(b, old, new)
    assert run(trailers.find(start, b.tip, "R/T/9")) == new
    assert run(trailers.find(start, b.tip, "R/T/2")) is None


# -- advance -------------------------------------------------------------------------------------------------------


def test_a_checked_out_target_takes_its_files_along(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n", "new.txt": "n\n"})
    assert move(b, old, new) == Advanced(new)
    assert (b.root / "a.txt").read_text() == "2\n"
    assert git(b.root, "status", "--porcelain") == ""
    assert move(b, old, new) == Advanced(new), "and again after a crash"


def test_a_target_nobody_has_checked_out_moves_alone(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    git(b.root, "branch", "free")
    assert move(b, old, new, "free") == Advanced(new)
    assert git(b.root, "rev-parse", "free") == new
    assert (b.tip, git(b.root, "status", "--porcelain")) == (old, "")


def test_a_target_in_a_linked_work_tree_moves_there(tmp_path: Path) -> None:
    b = bench(tmp_path)
    linked = tmp_path / "linked"
    git(b.root, "worktree", "add", "-q", "-b", "side", str(linked))
    old, new = next_of(b, {"a.txt": "2\n"})
    assert move(b, old, new, "side") == Advanced(new)
    assert (linked / "a.txt").read_text() == "2\n"
    assert (b.root / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert git(linked, "status", "--porcelain") == git(b.root, "status", "--porcelain") == ""


def test_with_a_detached_head_a_named_branch_still_moves(tmp_path: Path) -> None:
    b = bench(tmp_path)
    git(b.root, "checkout", "-q", "--detach")
    old, new = next_of(b, {"a.txt": "2\n"})
    assert move(b, old, new) == Advanced(new)
    assert git(b.root, "rev-parse", "HEAD") == old
    assert (b.root / "a.txt").read_text() == "one\ntwo\nthree\n"


def test_edits_to_other_files_are_kept_staged_ones_too(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    write(b.root, {"src/b.py": "x = 'mine'\n", "untracked": "u", "staged": "s"})
    git(b.root, "add", "staged")
    assert move(b, old, new) == Advanced(new)
    assert (b.root / "src" / "b.py").read_text() == "x = 'mine'\n"
    assert git(b.root, "status", "--porcelain") == " M src/b.py\nA  staged\n?? untracked"


@pytest.mark.parametrize("kind", ["edited", "staged", "untracked"])
def test_edits_in_the_way_block_and_nothing_moves(tmp_path: Path, kind: str) -> None:
    b = bench(tmp_path)
    name = "new one.txt" if kind == "untracked" else "a.txt"
    old, new = next_of(b, {name: "theirs\n", "src/b.py": "x = 2\n"})
    git(b.root, "config", "merge.autoStash", "true")
    write(b.root, {name: "mine\n"})
    if kind == "staged":
        git(b.root, "add", name)
    before = git(b.root, "status", "--porcelain")
    blocked = move(b, old, new)
    assert isinstance(blocked, Blocked)
    assert blocked.paths == (name,)
    assert "uncommitted edits" in blocked.reason
    assert (b.tip, git(b.root, "status", "--porcelain")) == (old, before)
    assert (b.root / name).read_text() == "mine\n"
    assert (b.root / "src" / "b.py").read_text() == "x = 1\n"
    git(b.root, "stash", "-q", "-u")
    assert move(b, old, new) == Advanced(new)


def test_a_commit_by_the_person_in_between_wins(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    theirs = save(b.root, {"c.txt": "c\n"})
    assert move(b, old, new) == Moved(theirs)
    assert b.tip == theirs


def test_a_branch_that_moved_is_told_where_it_went_when_it_is_free(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    theirs = save(b.root, {"c.txt": "c\n"})
    git(b.root, "branch", "free", theirs)
    assert move(b, old, new, "free") == Moved(theirs)


@pytest.mark.parametrize("checked_out", [True, False])
def test_the_swap_itself_notices_a_commit_that_came_after_the_look(tmp_path: Path, checked_out: bool) -> None:
    b = bench(tmp_path)
    branch = "main" if checked_out else "free"
    git(b.root, "branch", "free")
    old, new = next_of(b, {"a.txt": "2\n"})

    class Late(Repository):
        """The person commits just after we asked where the branch is."""

        async def checkouts(self, name: str) -> list:
            found = await super().checkouts(name)
            theirs = git(self.root, "commit-tree", f"{old}^{{tree}}", "-p", old, "-m", "late")
            git(self.root, "update-ref", f"refs/heads/{name}", theirs)
            return found

    late = Late(b.repo.git, b.repo.root, b.repo.common_dir, b.repo.version, b.repo.object_format)
    answer = run(advance(late, branch, old, new))
    tip = git(b.root, "rev-parse", branch)
    assert answer == Moved(tip)
    assert tip not in {old, new}


@pytest.mark.parametrize("what", ["merge", "rebase", "cherry-pick"])
def test_an_operation_under_way_blocks(tmp_path: Path, what: str) -> None:
    b = bench(tmp_path)
    git(b.root, "checkout", "-q", "-b", "side")
    save(b.root, {"a.txt": "side\n"})
    git(b.root, "checkout", "-q", "main")
    save(b.root, {"a.txt": "main\n"})
    old, new = next_of(b, {"src/b.py": "x = 2\n"})
    git(b.root, what, "side", check=False)
    blocked = move(b, old, new)
    assert isinstance(blocked, Blocked)
    assert f"a {what} is in progress" in blocked.reason
    assert b.tip == old
    git(b.root, what, "--abort")
    assert move(b, old, new) == Advanced(new)


def test_conflicts_left_in_the_index_block(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"src/b.py": "x = 2\n"})
    write(b.root, {"a.txt": "mine\n"})
    git(b.root, "stash", "-q")
    old_two = save(b.root, {"a.txt": "yours\n"})
    new = merged(b, git(b.root, "rev-parse", f"{new}^{{tree}}"), old_two)
    git(b.root, "stash", "pop", check=False)
    blocked = move(b, old_two, new)
    assert isinstance(blocked, Blocked)
    assert "unresolved" in blocked.reason or blocked.paths == ("a.txt",)
    assert b.tip == old_two != old


def test_a_lock_that_stays_blocks_and_is_named(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    lock = b.root / ".git" / "index.lock"
    lock.touch()
    blocked = move(b, old, new)
    assert isinstance(blocked, Blocked)
    assert str(lock) in blocked.reason
    assert b.tip == old


def test_a_branch_in_two_work_trees_blocks(tmp_path: Path) -> None:
    b = bench(tmp_path)
    git(b.root, "worktree", "add", "-q", "--force", str(tmp_path / "two"), "main")
    old, new = next_of(b, {"a.txt": "2\n"})
    blocked = move(b, old, new)
    assert isinstance(blocked, Blocked)
    assert str(tmp_path / "two") in blocked.reason
    assert b.tip == old


def test_a_target_that_was_deleted_says_so(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b, {"a.txt": "2\n"})
    with pytest.raises(NoSuchBranch):
        move(b, old, new, "gone")


@pytest.mark.parametrize("checked_out", [True, False])
def test_of_many_at_once_one_wins_and_the_others_hear_of_it(tmp_path: Path, checked_out: bool) -> None:
    b = bench(tmp_path)
    branch = "main" if checked_out else "free"
    git(b.root, "branch", "free")
    old = b.tip
    news = [merged(b, b.attempt({"a.txt": f"{n}\n"}).tree, old, f"R/T/{n}") for n in range(4)]

    async def race() -> list[Advanced | Moved | Blocked]:
        return list(await asyncio.gather(*(advance(b.repo, branch, old, new) for new in news)))

    answers = run(race())
    tip = git(b.root, "rev-parse", branch)
    assert [answer for answer in answers if isinstance(answer, Advanced)] == [Advanced(tip)]
    late = [answer for answer in answers if not isinstance(answer, Advanced | Blocked)]
    assert set(late) <= {Moved(tip)}
    assert checked_out or len(late) == 3, "only files that are just being written can be in the way"
    assert tip in news
    assert git(b.root, "status", "--porcelain") == ""
    assert healthy(b.root)


def test_hooks_of_the_person_stay_quiet(tmp_path: Path) -> None:
    b = bench(tmp_path)
    canary = tmp_path / "canary"
    for hook in ("post-merge", "reference-transaction", "post-checkout", "post-index-change"):
        write(b.root, {f".git/hooks/{hook}": f"#!/bin/sh\ntouch {canary}\n"})
        (b.root / ".git" / "hooks" / hook).chmod(0o755)
    change = b.attempt({"a.txt": "2\n"})
    new = merged(b, change.tree, git(b.root, "rev-parse", "main"))
    canary.unlink(missing_ok=True)  # nothing of the test's own git counts
    assert move(b, change.base, new) == Advanced(new)
    assert not canary.exists()


def test_a_sha256_repository_merges(tmp_path: Path) -> None:
    b = bench(tmp_path, None, "--object-format=sha256")
    change = b.attempt({"a.txt": "2\n"})
    tip = save(b.root, {"src/b.py": "x = 2\n"})
    answer = run(probe(b.repo.git, change, tip))
    new = merged(b, answer.tree, tip)
    assert move(b, tip, new) == Advanced(new)
    assert conflict(b, change, save(b.root, {"a.txt": "3\n"})).sides[0].theirs == "2\n"


def test_a_merge_costs_three_processes_at_most(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"new": "2\n"})
    tip = save(b.root, {"src/b.py": "x = 2\n"})
    trailers = Trailers(b.repo.git)
    run(trailers.find(change.base, tip, "R/T/1"))
    before = b.repo.git.started
    assert run(b.repo.tip("main")) == tip
    assert run(trailers.find(change.base, tip, "R/T/1")) is None
    answer = run(probe(b.repo.git, change, tip))
    new = merged(b, answer.tree, tip)
    assert move(b, tip, new) == Advanced(new)
    trailers.advanced(change.base, tip, new, "R/T/1")
    assert run(trailers.find(change.base, new, "R/T/1")) == new
    assert b.repo.git.started - before == 3
