"""An agent's clone: what it starts from, what comes out of it, and what that costs in processes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.aio import run
from support.clones import bench, bench_in
from support.repos import git, healthy, save

from workspaces.clones.intake import Change, Empty, Refusal
from workspaces.errors import AttemptTaken, CopyRefused, TreeBroken
from workspaces.repository import Repository


def test_a_fresh_clone_holds_the_base_and_says_so(tmp_path: Path) -> None:
    b = bench(tmp_path)
    prepared = b.prepare()
    assert (prepared.base, prepared.clean, prepared.fresh, prepared.sides) == (b.tip, True, True, ())
    assert (b.clone.folder / "src" / "b.py").read_text() == "x = 1\n"
    assert git(b.clone.folder, "status", "--porcelain") == ""
    assert git(b.clone.folder, "rev-parse", "HEAD") == b.tip
    assert git(b.clone.folder, "remote") == ""
    assert git(b.clone.folder, "log", "--format=%s") == "start"
    assert healthy(b.clone.folder)


def test_preparing_again_removes_all_that_was_left(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", "d/x": "x", ".gitignore": "*.log\n"})
    b.prepare()
    b.edit({"a.txt": "2\n", "d/x": None, "junk/deep/y": "y", "x.log": "ignored", "staged": "s"})
    git(b.clone.folder, "add", "staged")
    git(b.clone.folder, "init", "-q", "nested")
    assert not b.prepare().fresh
    names = sorted(path.name for path in b.clone.folder.iterdir())
    assert names == [".git", ".gitignore", "a.txt", "d"]
    assert git(b.clone.folder, "status", "--porcelain", "--ignored") == ""


def test_ignored_files_stay_where_setup_made_them(tmp_path: Path) -> None:
    b = bench(tmp_path, {".gitignore": ".venv/\n"}, keep_ignored=True)
    b.prepare()
    b.edit({".venv/lib": "installed", "junk": "x"})
    b.prepare()
    assert (b.clone.folder / ".venv" / "lib").read_text() == "installed"
    assert not (b.clone.folder / "junk").exists()


@pytest.mark.parametrize("how", ["uncommitted", "committed", "on a branch", "twice", "amended base", "mid-merge"])
def test_however_the_agent_left_its_work_it_is_one_commit_on_the_base(tmp_path: Path, how: str) -> None:
    b = bench(tmp_path)
    b.prepare()
    inside = b.clone.folder
    b.edit({"a.txt": "2\n", "new.txt": "n\n"})
    if how in {"committed", "twice", "on a branch"}:
        if how == "on a branch":
            git(inside, "checkout", "-q", "-b", "mine")
        git(inside, "add", "-A")
        git(inside, "commit", "-q", "-m", "wip")
    if how == "twice":
        git(inside, "commit", "-q", "--allow-empty", "-m", "more")
    if how == "amended base":
        git(inside, "commit", "-q", "-a", "--amend", "-m", "mine now")
    if how == "mid-merge":
        (inside / ".git" / "MERGE_HEAD").write_text(b.tip + "\n")
    change = b.change()
    assert git(b.root, "log", "--format=%an <%ae>|%P|%s", "-1", change.commit) == (
        f"builder-1 <builder-1@quarterdeck.invalid>|{b.tip}|the work"
    )
    assert change.files == ("a.txt", "new.txt")
    assert (change.added, change.removed) == (2, 3)
    assert git(b.root, "rev-parse", f"{change.commit}^{{tree}}") == change.tree
    assert git(b.root, "rev-parse", "refs/quarterdeck/attempts/R/T/1") == change.commit
    assert git(b.root, "status", "--porcelain") == ""


def test_everything_git_can_hold_comes_out_as_it_is(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", "run": "#!/bin/sh\n", "old": "same content here\n" * 9})
    b.prepare()
    odd = "sp ace\nnew\tline é"
    b.edit({odd: "odd\n", "bin": os.urandom(5000), "moved": "same content here\n" * 9, "old": None, "void": ""})
    (b.clone.folder / "run").chmod(0o755)
    (b.clone.folder / "link").symlink_to("a.txt")
    (b.clone.folder / os.fsdecode(b"\xff")).write_text("not text")
    change = b.change()
    assert set(change.files) == {odd, "bin", "moved", "old", "void", "run", "link", "\\xff"}
    out = tmp_path / "out"
    git(b.root, "worktree", "add", "-q", "--detach", str(out), change.commit)
    assert (out / "bin").read_bytes() == (b.clone.folder / "bin").read_bytes()
    assert (out / "run").stat().st_mode & stat.S_IXUSR
    assert (out / "link").readlink() == Path("a.txt")
    assert (out / odd).read_text() == "odd\n"
    assert healthy(b.root)


def test_ignored_files_stay_out(tmp_path: Path) -> None:
    b = bench(tmp_path, {".gitignore": "*.log\n"})
    b.prepare()
    b.edit({"x.log": "noise", "y": "y"})
    assert b.change().files == ("y",)


def test_nothing_done_is_empty_and_makes_no_ref(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    git(b.clone.folder, "commit", "-q", "--allow-empty", "-m", "look, I worked")
    assert b.submit() == Empty()
    assert git(b.root, "for-each-ref", "refs/quarterdeck") == ""


def test_a_large_change_becomes_a_pack_and_a_small_one_does_not(tmp_path: Path) -> None:
    b = bench(tmp_path)
    packs = b.root / ".git" / "objects" / "pack"
    b.attempt({"small": "x\n"})
    assert list(packs.glob("*.pack")) == []
    change = b.attempt({f"many/{n}": f"{n}\n" for n in range(150)})
    assert len(list(packs.glob("*.pack"))) == 1
    assert len(change.files) == 150
    assert healthy(b.root)


def test_a_change_over_the_limit_is_refused_in_words(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    b.edit({"big": os.urandom(200_000)})
    refused = b.submit(limit=100_000)
    assert isinstance(refused, Refusal)
    assert "larger than 100000 bytes" in refused.reason
    assert isinstance(b.submit(limit=300_000), Change)


def test_a_large_file_with_a_small_edit_comes_out_as_a_delta(tmp_path: Path) -> None:
    noise = os.urandom(300_000).hex().encode()
    b = bench(tmp_path, {"big": noise})
    b.prepare()
    b.edit({"big": noise + b"x"})
    assert isinstance(b.submit(limit=10_000), Change)


def test_the_same_work_twice_under_one_ref_is_no_error_but_other_work_is(tmp_path: Path) -> None:
    b = bench(tmp_path)
    first = b.attempt({"a.txt": "1\n"})
    b.attempts = 0
    b.edit({"a.txt": "2\n"})
    with pytest.raises(AttemptTaken, match="refs/quarterdeck/attempts/R/T/1"):
        b.submit()
    assert git(b.root, "rev-parse", "refs/quarterdeck/attempts/R/T/1") == first.commit


def test_work_that_was_taken_in_before_a_crash_is_found_again(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change, ref = b.attempt({"a.txt": "1\n", "new": "n\n"}), "refs/quarterdeck/attempts/R/T/1"
    calls = b.inside.calls
    assert run(b.clone.taken(ref, base=b.tip)) == change
    assert run(b.clone.taken(f"{ref}1", base=b.tip)) is None
    moved = save(b.root, {"src/b.py": "x = 2\n"})
    assert run(b.clone.taken(ref, base=moved)) is None, "it stands on another base"
    assert b.inside.calls == calls


def test_the_next_attempt_starts_from_the_last_one_on_the_new_target(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "one\ntwo\n3\n", "new.txt": "n\n"})
    save(b.root, {"src/b.py": "x = 2\n"})
    prepared = b.prepare(carry=change.commit)
    assert (prepared.clean, prepared.sides) == (True, ())
    inside = b.clone.folder
    assert (inside / "a.txt").read_text() == "one\ntwo\n3\n"
    assert (inside / "src" / "b.py").read_text() == "x = 2\n"
    assert git(inside, "rev-parse", "HEAD") == b.tip
    assert git(inside, "diff", "--cached", "--name-only") == "a.txt\nnew.txt"
    assert b.change().files == ("a.txt", "new.txt")


def test_a_conflict_with_the_new_target_is_shown_with_both_sides_and_must_be_resolved(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "one\nmine\nthree\n"})
    save(b.root, {"a.txt": "one\nyours\nthree\n"})
    prepared = b.prepare(carry=change.commit)
    assert not prepared.clean
    (side,) = prepared.sides
    assert (side.path, side.ours, side.theirs) == ("a.txt", "one\nyours\nthree\n", "one\nmine\nthree\n")
    text = (b.clone.folder / "a.txt").read_text()
    assert [line[:7] for line in text.splitlines()] == [
        "one", "<<<<<<<", "yours", "|||||||", "two", "=======", "mine", ">>>>>>>", "three",
    ]  # fmt: skip
    refused = b.submit()
    assert refused == Refusal("conflict markers are left in a.txt:2, a.txt:4, a.txt:8")
    b.edit({"a.txt": "one\nours\nthree\n"})
    assert b.change().added == 1


def test_marker_lines_that_were_no_conflict_of_ours_are_text(tmp_path: Path) -> None:
    b = bench(tmp_path)
    assert b.attempt({"about-git.md": "<<<<<<< HEAD\nmine\n>>>>>>> yours\n"}).files == ("about-git.md",)


@pytest.mark.parametrize(
    "harm", ["no .git", "garbage index", "no objects folder", ".git is a file", "no HEAD", "a link"]
)
def test_a_ruined_clone_is_made_anew(tmp_path: Path, harm: str) -> None:
    b = bench(tmp_path)
    b.prepare()
    dot = b.clone.folder / ".git"
    if harm == "garbage index":
        (dot / "index").write_bytes(b"garbage")
    elif harm == "no HEAD":
        (dot / "HEAD").unlink()
    elif harm == "no objects folder":
        (dot / "objects").rename(dot / "gone")
    else:
        dot.rename(tmp_path / "away")
        if harm == ".git is a file":
            dot.write_text(f"gitdir: {tmp_path / 'nowhere'}\n")
        if harm == "a link":
            dot.symlink_to(tmp_path / "nowhere")
    b.prepare()
    assert git(b.clone.folder, "status", "--porcelain") == ""
    assert b.attempt({"a.txt": "works\n"}).files == ("a.txt",)


def test_a_base_that_does_not_exist_says_so(tmp_path: Path) -> None:
    b = bench(tmp_path)
    with pytest.raises(TreeBroken, match="could not be prepared"):
        b.prepare("1" * 40)


def test_settings_and_hooks_an_agent_left_are_gone_in_the_next_attempt(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    git(b.clone.folder, "config", "core.fsmonitor", "evil")
    b.edit({".git/hooks/post-checkout": "#!/bin/sh\n", ".git/info/attributes": "* filter=x\n"})
    (b.clone.folder / ".git" / "index.lock").touch()
    b.prepare()
    assert "evil" not in (b.clone.folder / ".git" / "config").read_text()
    assert not (b.clone.folder / ".git" / "hooks").exists()
    assert "filter" not in (b.clone.folder / ".git" / "info" / "attributes").read_text()


def test_copies_come_along_and_never_go_back(tmp_path: Path) -> None:
    b = bench(tmp_path, copies=(".env", "secrets", "absent"))
    for name in (".env", "secrets/key"):
        path = b.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("S3CRET")
    b.prepare()
    assert (b.clone.folder / ".env").read_text() == "S3CRET"
    b.edit({".env": "changed", "y": "y"})
    assert b.change().files == ("y",), "although nothing ignores .env in this repository"
    b.prepare()
    assert (b.clone.folder / ".env").read_text() == "S3CRET"
    assert (b.clone.folder / "secrets" / "key").read_text() == "S3CRET"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "link", "src/../../outside"])
def test_copies_from_outside_the_repository_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_text("x")
    b = bench(tmp_path, copies=(name,))
    (b.root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(CopyRefused):
        b.prepare()


def test_a_copy_does_not_follow_a_link_planted_in_the_clone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    b = bench(tmp_path, {".gitignore": ".env\n"}, copies=(".env",), keep_ignored=True)
    (b.root / ".env").write_text("S3CRET")
    b.prepare()
    (b.clone.folder / ".env").unlink()
    (b.clone.folder / ".env").symlink_to(victim)
    b.prepare()
    assert victim.read_text() == "precious"
    assert (b.clone.folder / ".env").read_text() == "S3CRET"


def test_a_submodule_stays_what_it_is_and_a_nested_repository_is_refused(tmp_path: Path) -> None:
    b = bench(tmp_path)
    git(b.root, "update-index", "--add", "--cacheinfo", f"160000,{b.tip},vendor")
    save(b.root, {".gitmodules": '[submodule "vendor"]\n\tpath = vendor\n\turl = https://example.org/v\n'})
    assert b.attempt({"a.txt": "2\n"}).files == ("a.txt",)
    b.prepare()
    git(b.clone.folder, "init", "-q", "nested")
    git(b.clone.folder / "nested", "commit", "-q", "--allow-empty", "-m", "x")
    refused = b.submit()
    assert isinstance(refused, Refusal)
    assert "nested is a git repository of its own" in refused.reason


def test_a_nested_repository_without_commits_is_refused_too(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    git(b.clone.folder, "init", "-q", "nested")
    refused = b.submit()
    assert isinstance(refused, Refusal)
    assert "nested" in refused.reason


def test_a_sha256_repository(tmp_path: Path) -> None:
    b = bench(tmp_path, None, "--object-format=sha256")
    change = b.attempt({"a.txt": "2\n"})
    assert len(change.commit) == len(change.tree) == 64
    assert not b.prepare(save(b.root, {"a.txt": "other\n"}), change.commit).clean


def test_a_shallow_repository(tmp_path: Path) -> None:
    deep = bench(tmp_path / "deep")
    save(deep.root, {"a.txt": "2\n"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{deep.root}", "repo")
    b = bench_in(run(Repository.open(tmp_path / "repo")))
    assert b.attempt({"a.txt": "3\n"}).files == ("a.txt",)
    assert git(b.clone.folder, "log", "--format=%s") == "change", "history ends where the person's does"


def test_removing_a_clone_that_closed_its_folders(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    b.edit({"shut/deep/file": "x"})
    victim = tmp_path / "victim"
    victim.mkdir()
    (b.clone.folder / "out").symlink_to(victim)
    (b.clone.folder / "shut" / "deep").chmod(0)
    (b.clone.folder / "shut").chmod(0)
    run(b.clone.remove())
    assert not b.clone.folder.exists()
    assert victim.is_dir()


def test_an_attempt_costs_two_calls_and_three_processes(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    for _ in range(2):
        before, calls = b.repo.git.started, b.inside.calls
        run(b.clone.prepare(run(b.repo.tip("main"))))
        assert (b.repo.git.started - before, b.inside.calls - calls) == (0, 1)
        b.edit({"a.txt": f"{b.attempts}\n"})
        b.change()
        assert (b.repo.git.started - before, b.inside.calls - calls) == (3, 2)
