"""What the rules about guarded files ask of a repository: where its hooks are, and what its links lead to."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.aio import run
from support.repos import git, make

from workspaces.repository import Repository


@pytest.mark.parametrize(
    ("configured", "folder"),
    [
        (None, ""),
        ("tools/hooks", "tools/hooks"),
        ("./tools/../hooks/", "hooks"),
        ("../hooks", ""),
        ("/somewhere/else", ""),
        ("~/hooks", ""),
    ],
)
def test_the_folder_is_told_where_it_is_inside(tmp_path: Path, configured: str | None, folder: str) -> None:
    root = make(tmp_path / "repo")
    if configured is not None:
        git(root, "config", "core.hooksPath", configured)
    assert run(run(Repository.open(root)).hooks()) == folder


def test_an_absolute_path_into_the_work_tree_is_inside(tmp_path: Path) -> None:
    root = make(tmp_path / "repo")
    git(root, "config", "core.hooksPath", str(root / "hooks"))
    assert run(run(Repository.open(root)).hooks()) == "hooks"


def test_links_that_are_asked_for_are_told_with_what_they_say(tmp_path: Path) -> None:
    root = make(tmp_path / "repo")
    (root / "d").mkdir()
    (root / "d" / "wanted \u00e9").symlink_to("../a b")
    (root / "other").symlink_to("x")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "links")
    repo = run(Repository.open(root))
    found = run(repo.links(run(repo.tip("main")), lambda path: path.startswith("d/")))
    assert found == {"d/wanted \u00e9": "../a b"}
