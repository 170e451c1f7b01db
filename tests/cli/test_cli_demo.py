"""The demo's repository: made without the user's git configuration, kept, never over somebody's files."""

import os

import pytest
from support import repos

from tui import cli
from tui.commands import demo
from tui.commands.run import handed
from tui.samples import find_sample, sample_names


@pytest.mark.parametrize("name", sample_names())
def test_a_sample_becomes_a_clean_repository_whoever_the_user_is(name, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    folder = demo.prepare(find_sample(name), str(tmp_path / "kept" / "here"))
    assert folder == tmp_path / "kept" / "here"
    assert repos.git(folder, "status", "--porcelain") == ""
    assert repos.git(folder, "log", "--format=%an") == "Quarterdeck demo"
    assert repos.git(folder, "symbolic-ref", "--short", "HEAD") == "main"
    assert (folder / "quarterdeck.toml").exists()


def test_hooks_and_signing_of_the_user_are_not_run(tmp_path, monkeypatch):
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\ngpgSign = true\n[core]\nhooksPath = /nonexistent\n[user]\nuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert demo.prepare(find_sample("hello_fix"), str(tmp_path / "new")).is_dir()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, state, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert cli.main(["demo", "--keep", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == ["mine.txt"]


def test_an_unknown_sample_names_those_there_are(state, capsys):
    assert cli.main(["demo", "nope"]) == 2
    assert "todo_api" in capsys.readouterr().err


def test_programs_are_found_beside_the_interpreter_first(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    environment = handed("/opt/python/bin", {"QUARTERDECK_SPEED": "2"})
    assert environment["PATH"].split(os.pathsep) == ["/opt/python/bin", "/usr/bin"]
    assert environment["QUARTERDECK_SPEED"] == "2"
