"""Artifacts are whole or not there, under names that stay in their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspaces.artifacts.store import Artifacts
from workspaces.errors import UnsafeName


def test_what_was_written_is_read_back_and_listed(tmp_path: Path) -> None:
    store = Artifacts(tmp_path / "runs" / "R")
    assert store.names() == ()
    store.write("diff.patch", b"\0raw")
    path = store.write("check.log", "text é \udcff")
    assert path.read_text() == "text é \\udcff"
    assert store.read("diff.patch") == b"\0raw"
    assert store.names() == ("check.log", "diff.patch")


def test_writing_again_replaces(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write("a", "1")
    store.write("a", "2")
    assert (store.read("a"), store.names()) == (b"2", ("a",))


def test_a_link_in_the_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    store = Artifacts(tmp_path / "store")
    store.folder.mkdir()
    (store.folder / "a").symlink_to(victim)
    store.write("a", "x")
    assert victim.read_text() == "precious"
    assert store.read("a") == b"x"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(OSError, match="taken"):
        store.write("taken", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "/etc/passwd"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeName):
        Artifacts(tmp_path).write(name, "x")
