"""Modes of every changed file, those that only moved too; and what a link is, as far as its diff shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clones import Bench, bench
from support.repos import git

from workspaces.diffs.model import File, Hunk, Line
from workspaces.diffs.modes import with_modes
from workspaces.errors import BadDiff


def taken(b: Bench) -> dict[str, File]:
    return {f"{file.status} {file.path}": file for file in b.change().parsed}


def linked(folder: Path, name: str, target: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(target)


def test_files_of_every_kind_have_their_modes_whatever_they_are_called(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "1\n", "b.txt": "2\n", "diff --git a.txt": "3\n", "run": "#!/bin/sh\n"})
    b.prepare()
    folder = b.clone.folder
    linked(folder, "deep/link\n\u00e9", "../a.txt")
    (folder / "diff --git a.txt").rename(folder / "diff --git b.txt")
    (folder / "b.txt").unlink()
    linked(folder, "b.txt", "/etc")
    (folder / "run").chmod(0o755)
    found = taken(b)
    assert (found["added deep/link\n\u00e9"].new_mode, found["added deep/link\n\u00e9"].text) == ("120000", "../a.txt")
    assert found["renamed diff --git b.txt"].new_mode == "100644"
    assert (found["added b.txt"].new_mode, found["added b.txt"].text) == ("120000", "/etc")
    assert found["deleted b.txt"].old_mode == "100644"
    assert (found["modified run"].old_mode, found["modified run"].new_mode) == ("100644", "100755")


def test_a_moved_link_has_its_mode_and_no_text(tmp_path: Path) -> None:
    b = bench(tmp_path)
    linked(b.root, "d/link", "../a.txt")
    git(b.root, "add", "-A")
    git(b.root, "commit", "-qm", "a link")
    b.prepare()
    (b.clone.folder / "d" / "link").rename(b.clone.folder / "link")
    found = taken(b)["renamed link"]
    assert (found.old_mode, found.new_mode, found.text) == ("120000", "120000", None)


def test_what_is_partly_shown_is_no_text() -> None:
    lines = (Line(" ", "a"), Line("+", "b"))
    assert File("x", "x", "modified", hunks=(Hunk(1, 1, 1, 2, "", lines),)).text is None
    assert File(None, "x", "added", binary=True).text is None


@pytest.mark.parametrize("listing", [[], [":100644 100644 a b M\tx", ":100644 100644 a b M\ty"], ["what"]])
def test_a_listing_that_is_not_of_these_files_is_refused(listing: list[str]) -> None:
    with pytest.raises(BadDiff):
        with_modes((File("x", "x", "modified"),), listing)
