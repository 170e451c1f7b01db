"""Where everything lies, and that nobody else can be behind it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.repos import git, make

from workspaces import layout
from workspaces.errors import UnsafeFolder, UnsafeName
from workspaces.layout import Layout, exclude, runtime_folder, safe, socket_path, state_folder


@pytest.fixture
def tree(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "repo", tmp_path / "state")


def test_the_tree_is_the_contracts(tree: Layout) -> None:
    names = {
        tree.task("parse"): "tasks/parse.md",
        tree.task_state("parse"): "tasks/.state/parse.json",
        tree.inbox("b-1"): "agents/b-1/inbox",
        tree.seen("b-1"): "agents/b-1/inbox/seen",
        tree.outbox("b-1"): "agents/b-1/outbox",
        tree.refused("b-1"): "agents/b-1/outbox/refused",
        tree.transcripts: "transcripts",
        tree.tree("b-1"): "trees/b-1",
        tree.artifacts("R", "parse", 2): "runs/R/artifacts/parse/2",
    }
    for path, name in names.items():
        assert path == tree.root / ".quarterdeck" / name


def test_creating_twice_is_creating_once_and_secrets_are_private(tree: Layout) -> None:
    for _ in range(2):
        tree.create()
        tree.create_agent("b-1")
    for folder in (tree.folder, tree.state, tree.keys, tree.journal, tree.processes):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {folder.name for folder in tree.state.iterdir()} == {"journal", "keys", "processes"}
    assert tree.seen("b-1").is_dir()
    assert tree.refused("b-1").is_dir()


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\0b", "a b", "é", "a\n", "x" * 200, "a.lock", "a..b", "a."]
)
def test_names_that_would_leave_or_hide_are_refused(tree: Layout, name: str) -> None:
    with pytest.raises(UnsafeName):
        tree.tree(name)


def test_ordinary_names_are_taken() -> None:
    assert [safe(name) for name in ("builder-1", "a.b_c", "01J", "-x")] == ["builder-1", "a.b_c", "01J", "-x"]


def test_the_folder_is_excluded_once_whatever_the_file_held(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    file = root / ".git" / "info" / "exclude"
    file.parent.mkdir(exist_ok=True)
    file.write_text("*.log")  # no newline at its end
    for _ in range(2):
        exclude(root / ".git")
    assert file.read_text() == "*.log\n/.quarterdeck/\n"
    (root / ".quarterdeck").mkdir()
    (root / ".quarterdeck" / "x").touch()
    assert git(root, "status", "--porcelain") == ""


def test_the_state_folder_follows_xdg_when_it_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder("abc") == tmp_path / "quarterdeck" / "abc"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert state_folder("abc") == tmp_path / "home" / ".local" / "state" / "quarterdeck" / "abc"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket, wherever pytest keeps its own."""
    with TemporaryDirectory(prefix="qd-", dir="/tmp") as folder:
        yield Path(folder)


def test_sockets_lie_in_a_private_folder(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert socket_path("abc") == short / "quarterdeck" / "abc.sock"
    assert stat.S_IMODE((short / "quarterdeck").stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["unset", "relative", "missing", "long"])
def test_without_a_usable_runtime_folder_it_is_one_of_our_own(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    monkeypatch.setattr(layout, "_own_tmp", lambda: own)
    long = tmp_path / ("x" * 90)
    long.mkdir()
    value = {"unset": "", "relative": "run", "missing": str(tmp_path / "no"), "long": str(long)}[kind]
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert runtime_folder() == own


def test_a_runtime_folder_open_to_others_or_behind_a_link_is_refused(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    folder = short / "quarterdeck"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(UnsafeFolder, match="open to others"):
        runtime_folder()
    folder.rmdir()
    (short / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(short / "elsewhere")
    with pytest.raises(UnsafeFolder, match="not a folder"):
        runtime_folder()


def test_a_runtime_folder_of_somebody_else_is_refused(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(UnsafeFolder, match="belongs to user"):
        runtime_folder()
