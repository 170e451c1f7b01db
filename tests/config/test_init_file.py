"""The first `quarterdeck.toml`."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from engine.config import init, testing, tools
from engine.config.errors import ConfigError
from engine.config.load import load, parse_settings
from engine.config.settings import Settings
from engine.core.values import Amount

NONE = "/nonexistent"


def programs(folder, *names):
    """A PATH with these programs."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def files(root, **texts):
    """Files by name; `__` is a slash and `_dot_` a dot."""
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


NPM = json.dumps({"scripts": {"test": "jest"}})
SEEN = [
    ({"pytest_dot_ini": ""}, "python3 -m pytest -q", "pytest.ini"),
    ({"pyproject_dot_toml": "[tool.pytest.ini_options]\n"}, "python3 -m pytest -q", "[tool.pytest] in pyproject.toml"),
    ({"tox_dot_ini": "[tox]\n[pytest]\n"}, "python3 -m pytest -q", "[pytest] in tox.ini"),
    ({"tests__test_b_dot_py": "", "tests__test_a_dot_py": ""}, "python3 -m pytest -q", "tests/test_a.py"),
    ({"test_x_dot_py": ""}, "python3 -m pytest -q", "test_x.py"),
    ({"package_dot_json": NPM}, "npm test", 'script "test" in package.json'),
    (
        {"package_dot_json": NPM, "pnpm-lock_dot_yaml": ""},
        "pnpm test",
        'script "test" in package.json, pnpm-lock.yaml',
    ),
    ({"Cargo_dot_toml": ""}, "cargo test", "Cargo.toml"),
    ({"go_dot_mod": ""}, "go test ./...", "go.mod"),
    ({"Makefile": "all:\n\techo\ntest: all\n"}, "make test", "target test in Makefile"),
]


@pytest.mark.parametrize(("seen", "check", "because"), SEEN, ids=[because for *_, because in SEEN])
def test_the_test_command_is_found_and_says_why(tmp_path, seen, check, because):
    files(tmp_path, **seen)
    proposal = init.propose(tmp_path, path=NONE)
    assert proposal.check == check
    assert proposal.saw[0] == f"tests: {check}, because of {because}"
    assert parse_settings(proposal.text).project.check == (check,)


NOTHING = [
    {},
    {"pyproject_dot_toml": "[project]\nname='x'\n"},
    {"pyproject_dot_toml": "not toml ["},
    {"package_dot_json": json.dumps({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}})},
    {"package_dot_json": "{"},
    {"package_dot_json": "[]"},
    {"Makefile": "test := x\nlatest:\n"},
    {"tests__helper_dot_py": ""},
]


@pytest.mark.parametrize("seen", NOTHING)
def test_without_a_sign_of_tests_the_gate_fails_until_it_is_written(tmp_path, seen):
    files(tmp_path, **seen)
    proposal = init.propose(tmp_path, path=NONE)
    assert proposal.check is None
    assert parse_settings(proposal.text).project.check == (init.NO_TESTS,)


def test_of_several_the_first_is_taken_and_the_others_are_shown(tmp_path):
    files(tmp_path, pytest_dot_ini="", Makefile="test:\n")
    proposal = init.propose(tmp_path, path=NONE)
    assert proposal.check == "python3 -m pytest -q"
    assert '# check = ["make test"]  # because of target test in Makefile' in proposal.text
    assert "(also possible: make test)" in proposal.saw[0]


def test_node_modules_are_set_up_in_every_tree(tmp_path):
    files(tmp_path, package_dot_json=NPM, **{"package-lock_dot_json": "{}"})
    project = parse_settings(init.propose(tmp_path, path=NONE).text).project
    assert (project.setup, project.setup_network) == (("npm ci",), ("registry.npmjs.org:443",))


def test_uv_is_used_where_it_is_there(tmp_path):
    files(tmp_path, pytest_dot_ini="", uv_dot_lock="")
    assert init.propose(tmp_path, path=NONE).check == "python3 -m pytest -q"
    assert init.propose(tmp_path, path=programs(tmp_path / "bin", "uv")).check == "uv run pytest -q"


@pytest.mark.parametrize(
    ("there", "word"),
    [(["python"], "python"), (["python3"], "python3"), (["python", "python3"], "python3"), ([], "python3")],
)
def test_the_python_to_use(tmp_path, there, word):
    assert testing.python(programs(tmp_path / "bin", *there)) == word


ALL = tuple(tool.program for tool in tools.TOOLS)
KEYS = {"ANTHROPIC_API_KEY": "sk-test-a", "OPENAI_API_KEY": "sk-test-o"}


@pytest.fixture(autouse=True)
def _no_settings_of_our_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)


def test_agents_without_a_key_are_written_as_comments_that_load_once_the_marks_are_off(tmp_path):
    proposal = init.propose(tmp_path, path=programs(tmp_path / "bin", *ALL), environment={})
    assert (proposal.agents, proposal.crew) == (ALL, ())
    assert proposal.saw[2].startswith("crew: none yet, for no key to models was found; set one of $ANTHROPIC_API_KEY, ")
    assert parse_settings(proposal.text).agents == {}
    live = re.sub(
        r"^# (\[agents|runtime|command|does|tier|budget|instances|permissions)",
        r"\1",
        proposal.text,
        flags=re.MULTILINE,
    )
    agents = parse_settings(live).agents
    assert list(agents) == [*ALL, "builder"]
    assert {agents[name].runtime for name in ALL} == set(ALL)
    assert all("review" in agents[name].does and agents[name].budget == Amount(usd="2") for name in ALL)


def test_the_first_two_that_reach_their_models_make_a_crew_that_works_as_it_is(tmp_path):
    proposal = init.propose(tmp_path, path=programs(tmp_path / "bin", *ALL), environment=KEYS)
    assert proposal.crew == ("claude", "codex")
    agents = parse_settings(proposal.text).agents
    assert [(name, agent.runtime, agent.instances) for name, agent in agents.items()] == [
        ("claude", "claude", 1),
        ("codex", "codex", 1),
    ]
    assert proposal.saw[-1] == "crew: claude, codex"
    assert "sk-test" not in proposal.text


def test_one_alone_is_two_so_that_there_is_a_reviewer(tmp_path):
    proposal = init.propose(tmp_path, path=programs(tmp_path / "bin", "claude"), environment=KEYS)
    assert parse_settings(proposal.text).agents["claude"].instances == 2


def test_a_gateway_of_the_user_s_own_is_a_way_to_models_too(tmp_path):
    own = tmp_path / "nothing" / "quarterdeck" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[gateway.mine]\nkind = "gemini"\nkey = "keyring:g"\n')
    proposal = init.propose(tmp_path, path=programs(tmp_path / "bin", *ALL), environment={})
    assert proposal.crew == ("gemini",)


def test_the_version_that_a_program_tells_stands_beside_it(tmp_path):
    path = programs(tmp_path / "bin", "claude")
    (tmp_path / "bin" / "claude").write_text("#!/bin/sh\necho '2.1.330 (Claude Code)'\n")
    project = tmp_path / "project"
    project.mkdir()
    assert 'runtime = "claude"  # Claude Code 2.1.330\n' in init.propose(project, path=path, environment=KEYS).text


def test_the_log_in_of_an_agent_is_offered_to_the_user_s_own_settings(tmp_path):
    text = init.propose(tmp_path, path=programs(tmp_path / "bin", *ALL), environment={}).text
    offered = re.findall(r"write there: \[credentials\] (.*)", text)
    made = Settings.model_validate(
        {"project": {"check": ["x"]}, **tomllib.loads("[credentials]\n" + "\n".join(offered))}
    )
    assert made.credentials == {tool.program: tool.login for tool in tools.TOOLS if tool.login}


def test_without_agents_an_example_is_shown(tmp_path):
    proposal = init.propose(tmp_path, path=NONE)
    assert proposal.agents == ()
    assert proposal.saw[1] == "agents: none of those known is on PATH"
    assert "# [agents.builder]" in proposal.text


def test_it_is_written_once_and_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    proposal = init.propose(tmp_path, path=NONE)
    assert init.write(tmp_path, proposal).read_text() == proposal.text
    assert load(tmp_path) == parse_settings(proposal.text)
    (tmp_path / "quarterdeck.toml").write_text("mine")
    with pytest.raises(ConfigError) as error:
        init.write(tmp_path, proposal)
    assert str(error.value) == "quarterdeck.toml: is there already; edit it, or move it away first"
    assert (tmp_path / "quarterdeck.toml").read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        init.write(tmp_path / "gone", init.propose(tmp_path, path=NONE))
