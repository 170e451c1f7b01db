"""What is shown of a hidden HOME so that tools on PATH work, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.config.prefixes import prefixes, search_path


class Home:
    """A HOME of its own with a repository, and what tools leave in it."""

    def __init__(self, folder: Path) -> None:
        self.at = folder / "home"
        self.root = self.at / "code" / "repo"
        (self.root / ".git").mkdir(parents=True)

    def put(self, *files: str, text: str = "") -> None:
        for name in files:
            file = self.at / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def program(self, name: str) -> None:
        self.put(name)
        (self.at / name).chmod(0o755)

    def link(self, name: str, to: str) -> None:
        (self.at / name).parent.mkdir(parents=True, exist_ok=True)
        (self.at / name).symlink_to(to)

    def shown(self, *path: str, **variables: str) -> set[str]:
        """What is shown of this HOME for a PATH, as names below it."""
        entries = os.pathsep.join(str(self.at / entry) for entry in path)
        located = {name: str(self.at / folder) for name, folder in variables.items()}
        found = prefixes(entries, self.at, [self.root], variables=located)
        return {str(one.relative_to(self.at)) for one in found if one.is_relative_to(self.at)}


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path.resolve())
    made.put(
        ".ssh/id_ed25519", ".config/gh/hosts.yml", ".cargo/credentials.toml", ".local/share/keyrings/k", "notes.txt"
    )
    return made


def test_pyenv_is_its_root_for_its_shims(home):
    home.put(".pyenv/shims/python", ".pyenv/libexec/pyenv", ".pyenv/versions/3.12/bin/python3.12", ".pyenv/version")
    assert home.shown(".pyenv/shims", ".pyenv/bin") == {".pyenv"}
    assert home.shown(PYENV_ROOT=".pyenv") == {".pyenv"}


def test_an_environment_brings_the_python_it_was_made_from(home):
    home.put("envs/x/bin/tool")
    home.program(".local/share/uv/python/cpython-3.12/bin/python3")
    home.link("envs/x/bin/python", "../../../.local/share/uv/python/cpython-3.12/bin/python3")
    home.put("envs/x/pyvenv.cfg", text=f"home = {home.at}/.local/share/uv/python/cpython-3.12/bin\nversion = 3.12\n")
    assert home.shown("envs/x/bin") == home.shown(VIRTUAL_ENV="envs/x") == {"envs/x", ".local/share/uv/python"}


def test_an_environment_of_the_repository_is_shown_and_nothing_else_of_it(home):
    home.put("code/repo/.venv/pyvenv.cfg", text=f"home = {home.at}/.pyenv/versions/3.12/bin\n")
    home.program(".pyenv/versions/3.12/bin/python3")
    home.put("code/repo/.venv/bin/pytest", "code/repo/bin/x", "code/repo/lib/x", "code/repo/node_modules/.bin/jest")
    path = ("code/repo/.venv/bin", "code/repo/bin", "code/repo/node_modules/.bin")
    assert home.shown(*path) == {"code/repo/.venv", ".pyenv"}


def test_what_came_with_the_code_does_not_choose_what_is_shown(home):
    home.put("private/bin/x", "private/lib/x", "private/notes", "other/pyvenv.cfg", "other/bin/python3")
    for name, base in (("planted", "private/bin"), ("upward", "private")):
        home.put(f"code/repo/{name}/pyvenv.cfg", text=f"home = {home.at}/{base}\n")
        home.put(f"code/repo/{name}/bin/x")
        home.link(f"code/repo/{name}/bin/key", f"{home.at}/.ssh/id_ed25519")
    home.link("code/repo/linked", f"{home.at}/private")
    path = ("code/repo/planted/bin", "code/repo/upward/bin", "code/repo/linked/bin")
    assert home.shown(*path) == {"code/repo/planted", "code/repo/upward"}
    home.link("code/repo/.venv", f"{home.at}/other")
    assert home.shown("code/repo/.venv/bin") == {"other"}, "an environment is one wherever it lies"


def test_links_of_uv_and_pipx_lead_to_their_environments(home):
    for name in (".local/share/uv/tools/ruff", ".local/share/pipx/venvs/black"):
        tool = name.rsplit("/", 1)[1]
        home.put(f"{name}/bin/{tool}")
        home.put(f"{name}/pyvenv.cfg", text="home = /usr/bin\n")
        home.link(f".local/bin/{tool}", f"{home.at}/{name}/bin/{tool}")
    home.put(".local/lib/python3.12/site-packages/x.py")
    assert home.shown(".local/bin") == {
        ".local/bin",
        ".local/lib",
        ".local/share/uv/tools/ruff",
        ".local/share/pipx/venvs/black",
    }


def test_a_link_to_a_single_program_shows_that_program(home):
    home.put(
        ".local/share/claude/versions/2.0.1",
        ".local/share/claude/auth.json",
        "code/deploy/deploy.sh",
        "code/deploy/.env",
    )
    home.link(".local/bin/claude", "../share/claude/versions/2.0.1")
    home.link(".local/bin/deploy", "../../code/deploy/deploy.sh")
    shown = {".local/bin", ".local/share/claude/versions/2.0.1", "code/deploy/deploy.sh"}
    assert home.shown(".local/bin") == shown


def test_a_link_from_a_folder_that_is_seen_is_followed_too(home, tmp_path):
    """As /usr/local/bin/python3 in many containers."""
    home.put(".pyenv/versions/3.12/bin/python3.12")
    home.link("seen/python3", f"{home.at}/.pyenv/versions/3.12/bin/python3.12")
    found = prefixes(f"{home.at}/seen", home.at / ".pyenv", [])
    assert Path(home.at, ".pyenv") not in found, "HOME itself is not shown"
    assert Path(home.at, ".pyenv/versions/3.12/bin") in found


def test_the_interpreter_of_a_script_is_shown(home):
    home.put("opt/py/bin/python", "opt/py/lib/os.py")
    home.put(".local/bin/tool", text=f"#!{home.at}/opt/py/bin/python -I\n")
    home.put(".local/bin/other", text="#!/usr/bin/env python\n")
    assert home.shown(".local/bin") == {".local/bin", "opt/py"}


def test_cargo_shows_programs_and_toolchains_and_no_credentials(home):
    home.put(".cargo/bin/rustup", ".cargo/registry/x", ".rustup/toolchains/stable/bin/rustc", ".rustup/settings.toml")
    home.link(".cargo/bin/cargo", "rustup")
    assert home.shown(".cargo/bin") == {".cargo/bin", ".rustup"}
    home.put("elsewhere/toolchains/x")
    assert home.shown(".cargo/bin", RUSTUP_HOME="elsewhere") == {".cargo/bin", "elsewhere"}


@pytest.mark.parametrize(
    ("files", "entry", "root"),
    [
        ((".nvm/nvm.sh", ".nvm/versions/node/v20/bin/node"), ".nvm/versions/node/v20/bin", ".nvm"),
        ((".local/share/fnm/node-versions/v20/installation/bin/node",), ".local/share/fnm/node-versions/v20/installation/bin", ".local/share/fnm"),
        ((".volta/bin/node", ".volta/tools/image/node/20/bin/node"), ".volta/bin", ".volta"),
        ((".asdf/shims/node", ".asdf/installs/nodejs/20/bin/node"), ".asdf/shims", ".asdf"),
        ((".local/share/mise/shims/node", ".local/share/mise/installs/node/20/bin/node"), ".local/share/mise/shims", ".local/share/mise"),
        ((".sdkman/candidates/java/21/bin/java", ".sdkman/candidates/java/21/release"), ".sdkman/candidates/java/21/bin", ".sdkman"),
        (("miniconda3/conda-meta/x", "miniconda3/envs/e/bin/python", "miniconda3/envs/e/conda-meta/x"), "miniconda3/envs/e/bin", "miniconda3"),
        (("forge/conda-meta/x", "forge/bin/conda"), "forge/bin", "forge"),
        ((".bun/bin/bun",), ".bun/bin", ".bun"),
        ((".deno/bin/deno",), ".deno/bin", ".deno"),
        ((".linuxbrew/Cellar/jq/1/bin/jq", ".linuxbrew/bin/jq"), ".linuxbrew/bin", ".linuxbrew"),
        (("sdk/go1.22/bin/go", "sdk/go1.22/lib/time/z", "sdk/go1.22/src/x"), "sdk/go1.22/bin", "sdk/go1.22"),
        (("jdk-21/bin/java", "jdk-21/release"), "jdk-21/bin", "jdk-21"),
        ((".npm-global/bin/x", ".npm-global/lib/node_modules/x/cli.js"), ".npm-global/lib/node_modules/x", ".npm-global/lib/node_modules"),
    ],
)  # fmt: skip
def test_what_is_a_tool_s_own_is_shown_whole(home, files, entry, root):
    home.put(*files)
    assert home.shown(entry) == {root}


def test_go_shows_programs_and_packages_and_not_the_sources_kept_beside_them(home):
    home.put("go/bin/gopls", "go/pkg/mod/x", "go/src/private/x.go")
    assert home.shown("go/bin") == {"go/bin", "go/pkg"}


def test_of_home_and_of_work_trees_only_the_folder_of_programs(home):
    home.put(
        "bin/x",
        "lib/x",
        "share/x",
        "dots/bin/y",
        "dots/lib/y",
        "dots/.git/config",
        ".pulumi/bin/p",
        ".pulumi/credentials.json",
    )
    assert home.shown("bin", "dots/bin", ".pulumi/bin") == {"bin", "dots/bin", ".pulumi/bin"}


@pytest.mark.parametrize(
    "entry", ["", ".", "..", ".local", ".local/share", ".config", ".ssh", ".cargo", "code", "gone", ".cache"]
)
def test_what_holds_secrets_or_the_repository_is_not_shown_though_it_is_on_path(home, entry):
    (home.at / ".cache").mkdir()
    assert home.shown(entry) == set()


def test_other_masked_folders_hide_tools_as_home_does(home):
    home.put(
        ".local/share/uv/tools/ruff/bin/ruff", ".local/share/uv/tools/ruff/pyvenv.cfg", "own/opt/bin/x", "own/opt/lib/x"
    )
    masked = [home.root, home.root / ".git", home.at, home.at / ".local/share", home.at / ".config", Path("/tmp")]
    found = prefixes(f"{home.at}/own/opt/bin:{home.at}/.local/share/uv/tools/ruff/bin", Path("/nonexistent"), masked)
    assert {home.at / "own/opt", home.at / ".local/share/uv/tools/ruff"} <= set(found)
    assert home.at / ".local/share" not in prefixes(f"{home.at}/.local/share", Path("/nonexistent"), masked)
    home.put(".ssh/bin/x")
    assert home.at / ".ssh" not in prefixes(f"{home.at}/.ssh", Path("/nonexistent"), masked)


def test_the_versions_of_asdf_are_written_in_home(home):
    home.put(".asdf/shims/node", ".tool-versions")
    assert home.shown(".asdf/shims") == {".asdf", ".tool-versions"}


def test_a_folder_on_path_is_searched_by_its_real_path_where_links_are_hidden(home):
    home.put(".local/share/fnm/v20/installation/bin/node")
    home.link(".local/state/fnm_multishells/1", "../../share/fnm/v20/installation")
    home.link("plain", "/usr/bin")
    path = f"{home.at}/.local/state/fnm_multishells/1/bin:/usr/bin:{home.at}/plain:rel:"
    seen = search_path(path, home.at, [home.root])
    assert seen == f"{home.at}/.local/share/fnm/v20/installation/bin:/usr/bin:{os.path.realpath('/usr/bin')}:rel:"


def test_our_own_interpreter_is_shown_where_it_is_hidden(home, monkeypatch):
    home.put("opt/python/bin/python3", "opt/python/lib/os.py", "own/bin/qd", "own/pyvenv.cfg")
    monkeypatch.setattr("sys.base_prefix", str(home.at / "opt/python"))
    monkeypatch.setattr("sys.prefix", str(home.at / "own"))
    assert home.shown() == {"opt/python", "own"}


def test_the_player_of_scripts_is_shown_where_it_is_hidden():
    root = Path(engine.__file__).resolve().parents[1]
    assert root / "engine/agents/player.py" in prefixes("", Path("/nonexistent"), [root])


def test_nothing_is_needed_of_a_home_that_no_tool_lies_in(home):
    assert home.shown() == set()


SECRET = (".ssh", ".config", ".local/share/keyrings", ".cargo/credentials.toml", "notes.txt", "code/repo/x")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["", "bin", ".local", "lib", "code", "repo", ".cargo", "share", "..", "venv"]), max_size=4)
)
def test_whatever_is_on_path_no_secret_is_shown(tmp_path_factory, parts):
    home = Home(tmp_path_factory.mktemp("any").resolve())
    home.put(
        *SECRET[3:],
        ".ssh/x",
        ".config/x",
        ".local/share/keyrings/x",
        "bin/x",
        "lib/x",
        "code/bin/x",
        "code/lib/x",
        ".local/lib/x",
    )
    for shown in home.shown("/".join(parts), "bin", "code/bin", ".local/bin", ".cargo/bin"):
        assert not any(secret == shown or secret.startswith(f"{shown}/") for secret in SECRET), shown
