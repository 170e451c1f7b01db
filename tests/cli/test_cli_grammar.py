"""The grammar is the contract's: every command, every option, the help, the exit codes of what is no command."""

import pytest

from tui import cli, grammar
from tui.commands.following import EXIT

CONTRACT = """
demo NAME --headless --speed 2 --keep DIR
init --yes
run GOAL --plan FILE --pattern P --agent A --budget 5usd --target BRANCH --headless --json --unconfined --allow-red
run --resume
run GOAL --record FILE
run GOAL --replay FILE
status --json
pause AGENT
pause --all
resume AGENT
resume --all
stop AGENT
stop --all
kill AGENT
kill --all --json
send AGENT TEXT
approvals --json
approve ID
deny ID --why TEXT
task add FILE
task add -
task retry ID
task cancel ID
task reassign ID AGENT
budget raise AGENT 5usd
budget raise run 200ktok
log --follow --task T --agent A --since 7
log --json
why TASK
audit verify
audit export FILE
doctor --json
down --kill
schema NAME
schema
"""


@pytest.mark.parametrize("line", CONTRACT.strip().splitlines())
@pytest.mark.parametrize("lazily", [True, False])
def test_every_line_of_the_contract_is_understood(line, lazily):
    words = [*line.split(), "--repo", "somewhere"]
    args = grammar.parser(words if lazily else None).parse_args(words)
    assert args.repo == "somewhere"
    module, _, name = args.does.partition(":")
    assert callable(getattr(__import__(f"tui.commands.{module}", fromlist=[name]), name))


def test_the_repository_may_be_named_before_the_command():
    assert grammar.parser().parse_args(["--repo", "x", "status"]).repo == "x"
    assert grammar.parser().parse_args(["status"]).repo is None


def test_the_help_shows_daily_life_first(capsys):
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    shown = [line.split()[0] for line in out.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert shown[:5] == ["demo", "init", "run", "status", "kill"]
    assert set(shown) >= {command.name for command in grammar.COMMANDS}
    assert all(len(line) <= 100 for line in out.splitlines())


@pytest.mark.parametrize("command", [command.name for command in grammar.COMMANDS])
def test_every_command_explains_itself(command, capsys):
    assert cli.main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: quarterdeck {command}")
    assert "--repo DIR" in out or command in {"task", "budget", "audit"}


@pytest.mark.parametrize(
    "words",
    ["undo a b", "nonsense", "run --bogus", "pause", "pause a --all", "kill", "task", "task add", "budget raise run",
     "log --since x", "log --since -1", "demo --speed 0", "demo --speed fast", "run --pla x", "send a", "approve"],
)  # fmt: skip
def test_what_is_no_command_ends_with_2_and_one_sentence(words, capsys):
    assert cli.main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("quarterdeck: ")
    assert err.count("\n") == 1
    assert "--help" in err


def test_outcomes_have_the_contracts_exit_codes():
    assert EXIT == {"verified": 0, "failed": 1, "budget": 3, "needs_human": 4, "stopped": 130}


def test_the_version_is_that_of_the_package(capsys):
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(cli.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"quarterdeck {project['version']}\n"
    assert project["scripts"] == {"quarterdeck": "tui.cli:main", "qd": "tui.cli:main"}
