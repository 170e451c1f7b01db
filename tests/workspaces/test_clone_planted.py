"""What a clone's agent plants in its git directory leads nowhere, also where nothing confines it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.clones import bench
from support.repos import git, write

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
        "mkfifo .gitattributes .gitignore",
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
