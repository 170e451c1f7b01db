"""What a clone's agent plants in its git directory leads nowhere, also where nothing confines it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.clones import bench
from support.repos import clean_environment, git, write

from workspaces.clones.intake import Refusal


@pytest.mark.parametrize(
    "plant",
    [
        "rm -rf .git/objects/info; ln -s {outside} .git/objects/info",
        "rm -rf .git/objects/pack; ln -s {outside} .git/objects/pack",
        "rm -rf .git/refs; ln -s {outside} .git/refs",
        "mv .git {outside}/git; ln -s {outside}/git .git",
        "mv .git {outside}/git; echo 'gitdir: {outside}/git' > .git",
        "mv .git/index {outside}/index; ln -s {outside}/index .git/index",
        "rm .git/index; mkfifo .git/index",
        "mkfifo .git/packed-refs",
        "rm -f .git/config; ln -s {outside}/config .git/config",
        "rm .git/HEAD; mkfifo .git/HEAD",
        "rm .git/objects/info/alternates; mkfifo .git/objects/info/alternates",
        "rm .git/objects/info/alternates; ln -s {outside}/config .git/objects/info/alternates",
        "mkfifo .gitattributes .gitignore; mkdir -p deep/er; mkfifo deep/.gitignore deep/er/.gitattributes",
        "mkdir {outside}/c; cp -r .git {outside}/c/; rm -rf .git; ln -s {outside}/c/.git .git",
    ],
)
def test_links_and_pipes_where_git_has_files_lead_nowhere_and_hold_nobody_up(tmp_path: Path, plant: str) -> None:
    outside = tmp_path / "outside"
    write(outside, {"config": "mine\n"})
    b = bench(tmp_path, {"a.txt": "1\n"})
    b.prepare()
    b.edit({"a.txt": "2\n"})
    subprocess.run(plant.format(outside=outside), shell=True, cwd=b.clone.folder, check=True)
    before = listing(outside)
    b.prepare()
    assert listing(outside) == before
    assert git(b.clone.folder, "status", "--porcelain") == ""
    assert b.attempt({"a.txt": "3\n"}).files == ("a.txt",)


def test_a_clone_that_is_a_link_to_somewhere_else_is_made_anew_and_that_place_is_left_alone(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "1\n"})
    b.prepare()
    write(b.root, {"a.txt": "the person's edit\n"})
    shutil.rmtree(b.clone.folder)
    b.clone.folder.symlink_to(b.root)
    b.prepare()
    assert (b.root / "a.txt").read_text() == "the person's edit\n"
    assert not b.clone.folder.is_symlink()
    assert (b.clone.folder / "a.txt").read_text() == "1\n"


def test_what_is_planted_while_it_works_is_refused_with_the_name_of_it(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    (b.clone.folder / ".git" / "index").unlink()
    os.mkfifo(b.clone.folder / ".git" / "index")
    taken = b.submit()
    assert isinstance(taken, Refusal)
    assert ".git/index is not what git has there" in taken.reason


def listing(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "plant",
    [
        "git update-index --assume-unchanged a.txt; echo poison > a.txt",
        "git update-index --skip-worktree a.txt; echo poison > a.txt",
        # the index says of the file which is there now that it is the one of the base
        (
            "echo poison > a.txt; git add a.txt; git update-index --cacheinfo 100644,$(git rev-parse HEAD:a.txt),a.txt; "
            "git update-index --assume-unchanged a.txt"
        ),
        # an object of the base that holds something else
        (
            "b=$(git rev-parse HEAD:a.txt); o=.git/objects/$(echo $b | cut -c1-2); mkdir -p $o; echo poison > a.txt; "
            "p=$(git hash-object -w a.txt); cp .git/objects/$(echo $p | cut -c1-2)/$(echo $p | cut -c3-) $o/$(echo $b | cut -c3-)"
        ),
        "echo '* text working-tree-encoding=UTF-16' > .gitattributes; iconv -t UTF-16 a.txt > i; cat i > a.txt",
        "echo '* text eol=crlf' > .gitattributes; printf 'one\\r\\n' > a.txt",
        (
            "mkdir -p .git/refs/replace; p=$(echo poison | git hash-object -w --stdin); "
            "git update-ref refs/replace/$(git rev-parse HEAD:a.txt) $p; echo poison > a.txt"
        ),
    ],
)
def test_no_trick_leaves_anything_of_one_round_in_the_files_of_the_next(tmp_path: Path, plant: str) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", "b.txt": "two\n"})
    b.prepare()
    subprocess.run(plant, shell=True, cwd=b.clone.folder, check=True, env=clean_environment())
    assert (b.clone.folder / "a.txt").read_bytes() != b"one\n"
    assert not b.prepare().fresh
    assert (b.clone.folder / "a.txt").read_bytes() == b"one\n"
    assert git(b.clone.folder, "status", "--porcelain") == ""


def test_a_folder_that_became_a_link_is_one_again_and_what_it_led_to_is_left(tmp_path: Path) -> None:
    b = bench(tmp_path, {"d/a.txt": "one\n"})
    b.prepare()
    write(tmp_path / "outside", {"a.txt": "not yours\n"})
    shutil.rmtree(b.clone.folder / "d")
    (b.clone.folder / "d").symlink_to(tmp_path / "outside")
    assert not b.prepare().fresh
    assert (tmp_path / "outside" / "a.txt").read_text() == "not yours\n"
    assert (b.clone.folder / "d" / "a.txt").read_text() == "one\n"
    assert not (b.clone.folder / "d").is_symlink()


def test_what_only_a_changed_gitignore_ignored_does_not_stay_for_the_next_task(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", ".gitignore": "kept/\n"}, keep_ignored=True)
    b.prepare()
    b.edit({".gitignore": "kept/\nbuild/\n", "build/x": "x", "kept/y": "y", "new/.gitignore": "*\n"})
    b.prepare()
    assert sorted(path.name for path in b.clone.folder.iterdir()) == [".git", ".gitignore", "a.txt", "kept", "new"]
    assert git(b.clone.folder, "status", "--porcelain") == ""


def test_files_that_are_as_they_should_be_are_not_written_again(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", "b.txt": "two\n"})
    b.prepare()
    before = (b.clone.folder / "b.txt").stat()
    b.edit({"a.txt": "changed\n"})
    b.prepare()
    after = (b.clone.folder / "b.txt").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
