"""What `doctor` finds, and how to mend it."""

from __future__ import annotations

import pytest

from engine.config.doctor import findings
from engine.config.errors import ConfigError, NoConfig
from engine.config.load import parse_settings
from engine.config.settings import LimitSettings
from engine.processes.confinement.tiers import Tier

SOUND = '[project]\ncheck = ["make"]\nreview = false\n[agents.builder]\nruntime = "command"\ncommand = ["make"]\ninstances = 2\n'
STRONG = Tier(name="strong", mechanism="namespaces")


@pytest.fixture
def path(tmp_path):
    """A PATH with python, python3, make and one coding agent."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "python3", "make", "aider"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def looked(tmp_path, path, text=SOUND, git=(2, 43, 0), tier=STRONG, **more):
    """Findings as what -> (level, detail, mend)."""
    settings = parse_settings(text) if text else None
    found = findings(tmp_path, settings, git=git, path=path, tier=tier, **more)
    return {finding.what: (finding.level, finding.detail, finding.mend) for finding in found}


def test_a_sound_place(tmp_path, path):
    assert looked(tmp_path, path) == {
        "git": ("ok", "2.43.0", ""),
        "python": ("ok", "python3 is on PATH", ""),
        "settings": ("ok", "quarterdeck.toml is valid", ""),
        "agent builder-1": ("ok", "command, does implement", ""),
        "agent builder-2": ("ok", "command, does implement", ""),
        "limits": ("ok", "4 agents at once, 5usd a run, 3 attempts a task", ""),
        "budgets": ("ok", "unlimited a task, 5usd a run, unlimited a day", ""),
        "installed aider": (
            "ok",
            (
                'aider: works alone (runtime = "aider"), never asks for leave, begins anew each time, '
                "budgets hold by the gateway (openai)"
            ),
            "",
        ),
        "confinement": ("ok", "strong (namespaces)", ""),
    }


@pytest.mark.parametrize(
    ("git", "finding"),
    [
        ((2, 37, 9), ("bad", "git 2.37.9 is too old", "install git 2.38 or newer")),
        (None, ("bad", "git is not on PATH", "install git 2.38 or newer")),
        ((2, 38), ("ok", "2.38", "")),
        ((3, 0, 0), ("ok", "3.0.0", "")),
    ],
)
def test_git(tmp_path, path, git, finding):
    assert looked(tmp_path, path, git=git)["git"] == finding


def test_python_that_is_only_python3(tmp_path, path):
    (tmp_path / "bin" / "python").unlink()
    assert looked(tmp_path, path)["python"] == (
        "warn",
        "only python3 is on PATH",
        "write python3 in commands and checks",
    )
    found = looked(tmp_path, path, SOUND.replace('check = ["make"]', 'check = ["python -m pytest"]'))
    assert found["[project] check"] == ("bad", '"python" is not on PATH', 'there is "python3" here: write that')


def test_no_python_at_all(tmp_path):
    assert looked(tmp_path, "/nonexistent", None)["python"][:2] == ("warn", "neither python nor python3 is on PATH")


def test_a_missing_agent_program(tmp_path, path):
    found = looked(tmp_path, path, SOUND.replace('command = ["make"]', 'command = ["gone"]'))
    assert found["[agents.builder]"] == ("bad", '"gone" is not on PATH', "install it or mend the line")


def test_no_agents_and_names_that_collide(tmp_path, path):
    assert looked(tmp_path, path, '[project]\ncheck = ["make"]')["agents"] == (
        "bad",
        "no agent is configured",
        "add an [agents.NAME] section to quarterdeck.toml",
    )
    twice = SOUND + '[agents.builder-2]\nruntime = "command"\ncommand = ["make"]\n'
    level, detail, mend = looked(tmp_path, path, twice)["agents"]
    assert (level, mend) == ("bad", "rename one of them")
    assert '"builder-2"' in detail


def test_a_crew_without_a_reviewer_says_so_or_is_told(tmp_path, path):
    found = looked(tmp_path, path, SOUND.replace("review = false", "review = true"))
    assert found["review"] == (
        "warn",
        'nobody but the author does "review"',
        "add an agent that does it, or write `review = false` under [project]",
    )


def test_no_settings_and_bad_settings(tmp_path, path):
    assert looked(tmp_path, path, None)["settings"] == (
        "bad",
        "no quarterdeck.toml here",
        "write one with `quarterdeck init`",
    )
    missing = NoConfig("there is none", way_out="write one")
    assert looked(tmp_path, path, None, error=missing)["settings"] == ("bad", "there is none", "write one")
    with pytest.raises(ConfigError) as error:
        parse_settings(SOUND + "[limits]\nagnts = 3\n")
    assert looked(tmp_path, path, None, error=error.value)["settings"] == (
        "bad",
        'quarterdeck.toml:9: [limits]: field "agnts": unknown (did you mean "agents"?)',
        "mend quarterdeck.toml",
    )


def test_an_unusual_repository_is_told_in_the_words_given(tmp_path, path):
    found = findings(
        tmp_path, None, git=(2, 43), path=path, tier=STRONG, notices=["has submodules", "is a partial clone"]
    )
    assert [f.detail for f in found if f.what == "repository"] == ["has submodules", "is a partial clone"]


def test_limits_are_told_each_with_its_default_where_that_is_another(tmp_path, path):
    text = SOUND + '[limits]\nmemory = "1GB"\nprocesses = 0\n'
    (limits,) = (
        one
        for one in findings(tmp_path, parse_settings(text), git=(2, 43), path=path, tier=STRONG)
        if one.what == "limits"
    )
    (each,) = limits.more
    assert each.startswith("of each agent: processes unlimited (default 512), memory 1GB (default 4GB), disk 8GB, ")
    assert {name for name in LimitSettings.model_fields if name in each} >= {"file", "output", "log", "time", "nice"}


BUS = SOUND + "[bus]\non = true\n"


def test_a_bus_that_is_off_is_not_spoken_of(tmp_path, path):
    assert "bus" not in looked(tmp_path, path, brokers=["mosquitto 2.0.11"])


def test_a_bus_that_is_on_names_the_first_broker(tmp_path, path):
    brokers = ["mosquitto 2.0.11", "amqtt 0.12.1"]
    assert looked(tmp_path, path, BUS, brokers=brokers)["bus"] == ("ok", "on, by mosquitto 2.0.11", "")


def test_a_bus_without_a_broker_is_told_how_to_get_one(tmp_path, path):
    level, detail, mend = looked(tmp_path, path, BUS)["bus"]
    assert (level, detail) == ("warn", "on, but there is no broker here")
    assert "mosquitto" in mend
    assert "quarterdeck[broker]" in mend
