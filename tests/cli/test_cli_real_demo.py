"""`demo --agent`: a sample recast, and what it may cost said before anything starts."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import pytest
from support import repos

from engine.api.real_demo import NAMES, real
from engine.config.load import load
from tui import cli, grammar
from tui.commands import demo, real_demo
from tui.commands.errors import Declined, NotReady
from tui.samples import find_sample, sample_names

KEYS = {"ANTHROPIC_API_KEY": "sk-test-a", "OPENAI_API_KEY": "sk-test-o", "GEMINI_API_KEY": "sk-test-g"}


@pytest.fixture(autouse=True)
def _somebody(tmp_path, monkeypatch):
    """Somebody with keys, without settings of their own, with `claude` on PATH."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "claude").chmod(0o755)


def here(tmp_path, **more):
    return {**KEYS, "PATH": f"{tmp_path}/bin:{Path(sys.executable).parent}", **more}


@pytest.mark.parametrize("agent", NAMES)
@pytest.mark.parametrize("name", sample_names())
def test_every_sample_is_recast_to_every_agent(tmp_path, name, agent):
    folder = demo.prepare(find_sample(name), str(tmp_path / "made"), agent)
    before = load(find_sample(name).project)
    after = load(folder)
    assert {one.runtime for one in after.agents.values()} == {agent}
    assert after.project == before.project
    assert {key: one.does for key, one in after.agents.items()} == {key: one.does for key, one in before.agents.items()}
    assert not (folder / "scripts").exists(), "a real agent is not shown what was written down"
    assert repos.git(folder, "status", "--porcelain") == ""


def test_the_models_and_the_most_it_costs_are_said(tmp_path):
    folder = demo.prepare(find_sample("hello_fix"), str(tmp_path / "made"), "claude")
    about = real(folder, here(tmp_path))
    assert (about.lacks, about.metered, about.models) == ((), "gateway", ("claude-sonnet-5-5",))
    assert real_demo.told(about, "1usd") == [
        "This asks real models (claude-sonnet-5-5) through Claude Code.",
        "It may cost at most 1usd: what could be more is not sent, and it stands still.",
    ]


def test_a_subscription_is_told_with_its_vendor_s_terms(tmp_path):
    own = tmp_path / "config" / "quarterdeck" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text("[gateway.anthropic]\nplan = true\n")
    folder = demo.prepare(find_sample("hello_fix"), str(tmp_path / "made"), "claude")
    said = real_demo.told(real(folder, here(tmp_path)), "1mtok")
    assert said[1] == "It draws on your subscription, and may use at most 1mtok of it."
    assert "a Claude subscription is for its holder's own" in said[2]


def test_what_is_lacking_is_said_with_the_way_out_and_nothing_is_left_behind(tmp_path, monkeypatch, capsys, state):
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr(demo, "mkdtemp", lambda **_: str(made))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("GEMINI_API_KEY")
    assert cli.main(["demo", "--agent", "gemini", "--headless"]) == 2
    said = capsys.readouterr().err
    assert "a demo with gemini can not start: Gemini CLI is not installed" in said
    assert "set $GEMINI_API_KEY where you start Quarterdeck" in said
    assert not made.exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--agent", "hal"], "--agent hal: a demo runs with claude, codex, "),
        (["--agent", "claude", "--budget", "much"], '--budget: "much" is no amount'),
        (["--budget", "1usd"], "say which with --agent"),
        (["--yes"], "say which with --agent"),
    ],
)
def test_what_can_not_be_meant_is_told_before_anything_is_made(words, why, capsys, tmp_path):
    assert cli.main(["demo", *words, "--keep", str(tmp_path / "made")]) == 2
    assert why in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def _typed(*words: str) -> Namespace:
    return grammar.parser().parse_args(["demo", "--agent", "claude", *words])


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Somebody at a terminal who says the words; and the sample's folder."""

    def answer(*words):
        said = list(words)
        monkeypatch.setattr("builtins.input", lambda _: said.pop(0))
        return said

    monkeypatch.setattr(real_demo, "at_terminal", lambda: True)
    return demo.prepare(find_sample("hello_fix"), str(tmp_path / "made"), "claude"), here(tmp_path), answer


def test_somebody_at_a_terminal_is_asked_and_only_yes_starts_it(terminal):
    folder, environment, answer = terminal
    for word in ("n", "", "what?"):
        answer(word)
        with pytest.raises(Declined, match="nothing was started"):
            real_demo.agreed(_typed(), folder, environment)
    left = answer("Yes ")
    assert real_demo.agreed(_typed(), folder, environment) == "1usd"
    assert left == []


def test_who_said_yes_already_is_not_asked(terminal):
    folder, environment, answer = terminal
    left = answer("n")
    assert real_demo.agreed(_typed("--yes", "--budget", "200ktok"), folder, environment) == "200ktok"
    assert left == ["n"]


def test_without_a_terminal_it_is_said_and_goes_on(tmp_path, capsys):
    folder = demo.prepare(find_sample("hello_fix"), str(tmp_path / "made"), "claude")
    capsys.readouterr()
    assert real_demo.agreed(_typed("--json"), folder, here(tmp_path)) == "1usd"
    out, err = capsys.readouterr()
    assert (out, "It may cost at most 1usd" in err) == ("", True)
    with pytest.raises(NotReady, match="Claude Code is not installed"):
        real_demo.agreed(_typed(), folder, here(tmp_path, PATH="/nonexistent"))
