"""Folders outside its clone that an agent is shown: what a project's file may name, and what only the user's."""

from __future__ import annotations

import json

import pytest

from engine.config.errors import ConfigError
from engine.config.load import load

AGENT = '[agents.a]\nruntime = "command"\ncommand = ["x"]\n[agents.a.permissions]\n'
PROJECT = '[project]\ncheck = ["true"]\n' + AGENT


@pytest.fixture
def at(tmp_path, monkeypatch):
    """A machine: HOME with a repository, hidden folders, the engine's state and the user's settings elsewhere."""
    home = tmp_path / "home"
    for name in ("repo/docs", "repo/.git", "shared/lib", ".ssh", ".cache/pip", "src/.env.d"):
        (home / name).mkdir(parents=True)
    for name in ("state/quarterdeck/r/keys", "settings/quarterdeck", "opt/data", "opt/.hidden"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    return tmp_path


def read(at, project=(), user=None):
    """What the agent is shown when the files say this."""
    (at / "home/repo/quarterdeck.toml").write_text(
        PROJECT + (f"read = {json.dumps(list(project))}\n" if project else "")
    )
    if user is not None:
        (at / "settings/quarterdeck/config.toml").write_text(
            f"[agents.a.permissions]\nread = {json.dumps(list(user))}\n"
        )
    return load(at / "home/repo").agents["a"].permissions.read


def complaint(at, *project, user=None):
    with pytest.raises(ConfigError) as error:
        read(at, project, user)
    return str(error.value)


def test_a_folder_is_absolute_in_home_or_relative_to_the_root(at):
    assert read(at, [f"{at}/opt/data", "~/shared/lib", "../shared", "docs"]) == tuple(
        str(at / name) for name in ("opt/data", "home/shared/lib", "home/shared", "home/repo/docs")
    )


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("~/", "it is your HOME"),
        ("..", "it is your HOME"),
        ("/", "it holds your HOME"),
        ("AT", "it holds your HOME"),
        (".", "it holds the repository"),
        ("~/.ssh", '".ssh" is hidden'),
        ("~/.cache/pip", '".cache" is hidden'),
        ("~/src/.env.d", '".env.d" is hidden'),
        (".git", '".git" is hidden'),
        ("AT/opt/.hidden", '".hidden" is hidden'),
        ("AT/state", "it holds Quarterdeck's own files"),
        ("AT/state/quarterdeck/r/keys", "it belongs to the system, or to Quarterdeck"),
        ("AT/settings/quarterdeck", "it holds Quarterdeck's own files"),
        ("/tmp", ""),
        ("/proc/self/root", ""),
        ("/proc/1", "it belongs to the system"),
        ("/run", "it holds other programs' files"),
        ("/etc/ssl", "it belongs to the system"),
        ("/var/lib/docker/volumes", "it belongs to the system"),
        ("/var", "it holds other programs' files"),
    ],
)
def test_a_project_may_not_name_what_is_the_person_s_own(at, named, why):
    named = named.replace("AT", str(at))
    said = complaint(at, named)
    assert said.startswith(
        f'quarterdeck.toml:7: [agents.a.permissions]: field "read": a project may not show an agent "{named}"'
    )
    assert why in said
    assert said.endswith(
        f"; write it to your own settings, {at}/settings/quarterdeck/config.toml, where it may be named"
    )


def test_a_link_is_judged_by_where_it_leads(at):
    (at / "home/repo/docs/keys").symlink_to(at / "home/.ssh")
    (at / "home/shared/up").symlink_to("..")
    assert f'"docs/keys" ({at}/home/.ssh): ".ssh" is hidden' in complaint(at, "docs/keys")
    assert "it is your HOME" in complaint(at, "~/shared/up")


def test_the_person_s_own_file_may_name_them(at):
    assert read(at, user=["~/.ssh", "~/", f"{at}/state"]) == (f"{at}/home/.ssh", f"{at}/home", f"{at}/state")


def test_what_the_project_says_is_the_project_s_even_where_the_user_says_it_too(at):
    assert "a project may not" in complaint(at, "~/.ssh", user=["~/.ssh"])


def test_a_folder_that_is_not_there_is_told_with_its_file(at):
    (at / "home/file").write_text("")
    assert complaint(at, "~/gone", "~/file").split("\n") == [
        f'quarterdeck.toml:7: [agents.a.permissions]: field "read": there is no folder "~/gone" ({at}/home/gone)',
        f'quarterdeck.toml:7: [agents.a.permissions]: field "read": there is no folder "~/file" ({at}/home/file)',
    ]
    (at / "home/repo/quarterdeck.toml").unlink()
    user = at / "settings/quarterdeck/config.toml"
    assert (
        complaint(at, user=["/gone"]) == f'{user}:2: [agents.a.permissions]: field "read": there is no folder "/gone"'
    )


def test_a_name_that_can_be_no_folder_is_told_as_well(at):
    (at / "home/repo/loop").symlink_to("loop")
    for name in ("loop", "x" * 300):
        assert f'there is no folder "{name}"' in complaint(at, name)
    assert "is no name of a folder" in complaint(at, "a\x00b")
