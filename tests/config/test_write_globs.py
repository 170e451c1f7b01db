"""What an agent may change: from the files to what a run is told, and whose word it is."""

from __future__ import annotations

import pytest

from engine.config import document
from engine.config.crew import crew
from engine.config.errors import ConfigError
from engine.config.load import combine, parse_settings
from engine.core.values import AgentSpec

PROJECT = '[project]\ncheck = ["true"]\n[agents.b]\nruntime = "command"\ncommand = ["x"]\ninstances = 2\n'
GLOBS = 'write = [".github/**", "src/**"]\n'


def told(project: str, user: str | None = None) -> AgentSpec:
    texts = [document.parse(text, name="x", fmt="toml") for text in (project, user) if text is not None]
    first, second = crew(combine(texts[0], texts[1] if user is not None else None))
    assert (first.write, first.given) == (second.write, second.given)
    return first


def test_without_a_list_all_may_change_and_nothing_is_given_beforehand():
    assert (told(PROJECT).write, told(PROJECT).given) == (None, ())


def test_a_list_of_the_project_limits_and_gives_nothing():
    spec = told(f"{PROJECT}[agents.b.permissions]\n{GLOBS}")
    assert (spec.write, spec.given) == ((".github/**", "src/**"), ())


def test_a_list_of_the_user_limits_and_gives():
    spec = told(PROJECT, f"[agents.b.permissions]\n{GLOBS}")
    assert (spec.write, spec.given) == ((".github/**", "src/**"), (".github/**", "src/**"))


@pytest.mark.parametrize(
    "said",
    [
        'permissions.write = [".envrc"]',
        'permissions."write" = [".envrc"]',
        '"permissions" = {"\\u0077rite" = [".envrc"]}',
    ],
)
def test_a_list_of_the_project_is_never_taken_for_the_user_s_however_it_is_spelled(said):
    spec = told(PROJECT + said + "\n", f"[agents.b.permissions]\n{GLOBS}")
    assert (spec.write, spec.given) == ((".envrc",), ())


def test_an_empty_list_lets_nothing_change():
    assert told(PROJECT + "[agents.b.permissions]\nwrite = []\n").write == ()


@pytest.mark.parametrize("glob", ["!src/**", "/etc/**", "../x", "a/../../b", " "])
def test_a_glob_that_cannot_be_meant_is_refused_at_its_line(glob):
    with pytest.raises(ConfigError, match="write"):
        parse_settings(f'{PROJECT}[agents.b.permissions]\nwrite = ["src/**", "{glob}"]\n')


def test_a_user_s_word_for_an_agent_that_the_project_has_not_changes_nothing_else():
    user = f'[agents.c]\nruntime = "command"\ncommand = ["y"]\n[agents.c.permissions]\n{GLOBS}'
    assert told_names(PROJECT, user) == {"b-1": (), "b-2": (), "c": (".github/**", "src/**")}


def told_names(project: str, user: str) -> dict[str, tuple[str, ...]]:
    texts = [document.parse(text, name="x", fmt="toml") for text in (project, user)]
    return {spec.name: spec.given for spec in crew(combine(*texts))}
