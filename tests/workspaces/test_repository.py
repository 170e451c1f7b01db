"""The person's repository, in all the shapes that people have."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.aio import run
from support.repos import git, make, save, write

from workspaces.errors import (
    BareRepository,
    DetachedHead,
    GitMissing,
    GitTooOld,
    NoCommits,
    NoSuchBranch,
    NotARepository,
)
from workspaces.repository import FALLBACK, Checkout, Identity, Repository


def opened(path: Path) -> Repository:
    return run(Repository.open(path))


def test_it_is_found_from_a_folder_below(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    repo = opened(root / "src")
    assert (repo.root, repo.common_dir, repo.object_format) == (root, root / ".git", "sha1")
    assert repo.notices == ()


def test_a_linked_work_tree_is_the_same_repository(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    repo = opened(tmp_path / "linked")
    assert repo.root == root
    assert repo.id == opened(root).id


def test_the_id_does_not_depend_on_the_way_it_was_reached(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    (tmp_path / "alias").symlink_to(root)
    repo = opened(tmp_path / "alias" / "src")
    assert repo.root == root
    assert repo.id == opened(root).id != opened(make(tmp_path / "r2")).id


def test_a_folder_without_repository(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="git init"):
        opened(tmp_path)
    with pytest.raises(NotARepository):
        opened(tmp_path / "missing")


def test_the_git_folder_is_no_place_to_work(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        opened(make(tmp_path / "r") / ".git")


def test_a_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(BareRepository, match="clone it"):
        opened(tmp_path / "bare.git")


def test_a_bare_repository_behind_a_linked_work_tree(tmp_path: Path) -> None:
    git(make(tmp_path / "r"), "clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    with pytest.raises(BareRepository):
        opened(tmp_path / "linked")


def test_no_commits_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(NoCommits, match="git commit"):
        opened(tmp_path)


def test_a_missing_and_an_old_git(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    old = tmp_path / "old-git"
    old.write_text("#!/bin/sh\necho git version 2.37.7\n")
    old.chmod(0o755)
    with pytest.raises(GitTooOld) as caught:
        run(Repository.open(root, str(old)))
    assert (caught.value.found, caught.value.needed) == ("2.37.7", "2.38")
    with pytest.raises(GitMissing):
        run(Repository.open(root, str(tmp_path / "none")))


def test_the_target_is_the_current_branch_unless_named(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "branch", "feature/x")
    repo = opened(root)
    assert run(repo.target(None)) == "main"
    assert run(repo.target("feature/x")) == "feature/x"


@pytest.mark.parametrize("name", ["nothing", "../main", "-q", "main..x", "", "HEAD^"])
def test_a_target_that_is_no_branch(tmp_path: Path, name: str) -> None:
    repo = opened(make(tmp_path / "r"))
    with pytest.raises(NoSuchBranch):
        run(repo.target(name))


def test_a_detached_head_matters_only_when_no_target_is_named(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "checkout", "-q", "--detach")
    repo = opened(root)
    assert run(repo.current_branch()) is None
    assert run(repo.target("main")) == "main"
    with pytest.raises(DetachedHead, match="--target"):
        run(repo.target(None))


def test_a_tip_is_read_loose_packed_and_after_both_changed(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    repo = opened(root)
    first = git(root, "rev-parse", "main")
    before = repo.git.started
    assert run(repo.tip("main")) == first
    assert repo.git.started == before, "a loose ref costs no process"
    git(root, "pack-refs", "--all")
    assert run(repo.tip("main")) == first
    second = save(root, {"a.txt": "2"})
    assert run(repo.tip("main")) == second


def test_checkouts_tells_main_and_linked_work_trees(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "branch", "free")
    git(root, "worktree", "add", "-q", str(tmp_path / "w1"), "-b", "one")
    git(root, "worktree", "add", "-q", str(tmp_path / "w2"), "-b", "gone")
    git(root, "worktree", "lock", str(tmp_path / "w1"))
    write(tmp_path / "w2", {".git": None})
    for path in sorted((tmp_path / "w2").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "w2").rmdir()
    repo = opened(root)
    assert run(repo.checkouts("main")) == [Checkout(root)]
    assert run(repo.checkouts("one")) == [Checkout(tmp_path / "w1")]
    assert run(repo.checkouts("free")) == []
    assert run(repo.checkouts("gone")) == []


def test_a_branch_that_is_being_rebased_is_still_checked_out(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "checkout", "-q", "-b", "side")
    save(root, {"a.txt": "side\n"})
    git(root, "checkout", "-q", "main")
    save(root, {"a.txt": "main\n"})
    git(root, "rebase", "side", check=False)
    repo = opened(root)
    assert run(repo.current_branch()) is None
    assert run(repo.checkouts("main")) == [Checkout(root, "a rebase")]


def test_uncommitted_paths_have_their_plain_names(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    write(root, {"a.txt": "changed", "new é\n.txt": "x", "src/b.py": None})
    assert run(opened(root).uncommitted()) == ("a.txt", "src/b.py", "new é\n.txt")


def test_a_renamed_file_counts_under_both_names(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    git(root, "mv", "a.txt", "z.txt")
    assert run(opened(root).uncommitted()) == ("a.txt", "z.txt")


def test_the_committer_is_the_person_or_the_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path / "r")
    assert run(opened(root).committer()) == Identity("Pat", "pat@example.org")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for key in ("user.name", "user.email"):
        git(root, "config", "--unset", key)
    git(root, "config", "user.useConfigOnly", "true")
    assert run(opened(root).committer()) == FALLBACK


def test_a_pinned_base_has_a_ref(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    tip = git(root, "rev-parse", "HEAD")
    assert run(opened(root).pin("R1", tip)) == "refs/quarterdeck/base/R1"
    assert git(root, "rev-parse", "refs/quarterdeck/base/R1") == tip


def test_unusual_repositories_are_told_with_what_works(tmp_path: Path) -> None:
    origin = make(tmp_path / "origin")
    save(origin, {"deep/.gitattributes": "*.bin filter=lfs diff=lfs\n", ".gitmodules": ""})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", "shallow")
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{origin}", "partial")
    starts = {notice.partition(":")[0] for notice in opened(tmp_path / "shallow").notices}
    assert starts == {"submodules", "Git LFS", "shallow clone"}
    starts = {notice.partition(":")[0] for notice in opened(tmp_path / "partial").notices}
    assert starts == {"submodules", "Git LFS", "partial clone"}


def test_a_sha256_repository(tmp_path: Path) -> None:
    repo = opened(make(tmp_path / "r", None, "--object-format=sha256"))
    assert repo.object_format == "sha256"
    assert len(run(repo.tip("main"))) == 64
