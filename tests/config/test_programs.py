"""Programs that settings name and that are not there."""

from __future__ import annotations

import pytest

from engine.config.load import parse_settings
from engine.config.programs import first_word, missing_in_lines, missing_programs


@pytest.fixture
def path(tmp_path):
    """A PATH with `python3` and `make`, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python3", "make"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("python -m pytest -q", "python"),
        ("CI=1 X='a b' npm test", "npm"),
        ("make && false", "make"),
        ("pytest;true", "pytest"),
        ("g++ x.cc", "g++"),
        ("cd src && make", ""),
        ("(make)", ""),
        (".venv/bin/python x", ""),
        ("$PY x", ""),
        ("! grep x y", ""),
        ("if true; then x; fi", ""),
        ("'unclosed", ""),
        ("X=1", ""),
        ("", ""),
        ("# nothing", ""),
    ],
)
def test_the_first_word_where_it_is_sure(line, word):
    assert first_word(line) == word


def test_python_that_is_only_python3_names_it(path):
    found = missing_in_lines(["python -m pytest", "python x", "make"], path, place="check")
    assert [str(missing) for missing in found] == [
        'check: "python" is not on PATH; there is "python3" here: write that'
    ]


def test_agents_setup_and_check_are_looked_at(path, tmp_path):
    (tmp_path / "there.sh").write_text("")
    (tmp_path / "there.toml").write_text("")
    settings = parse_settings(
        '[project]\ncheck = ["python -m pytest"]\nsetup = ["npm ci", "make"]\n'
        + "".join(
            f'[agents.{name}]\nruntime = "{runtime}"\ncommand = ["{program}"]\n'
            for name, runtime, program in [
                ("fine", "command", "make"),
                ("gone", "command", "no-such-agent"),
                ("python", "command", "python"),
                ("file", "command", "./gone.sh"),
                ("absolute", "command", "/no/such/agent"),
                ("rights", "command", "./there.sh"),
                ("script", "scripted", "gone.toml"),
                ("played", "scripted", "there.toml"),
            ]
        )
    )
    assert [str(missing) for missing in missing_programs(settings, path, tmp_path)] == [
        '[agents.gone]: "no-such-agent" is not on PATH; install it or mend the line',
        '[agents.python]: "python" is not on PATH; there is "python3" here: write that',
        '[agents.file]: there is no program "./gone.sh" in the repository; mend the path under `command`',
        '[agents.absolute]: there is no program "/no/such/agent"; mend the path under `command`',
        '[agents.rights]: "./there.sh" is not executable; chmod +x ./there.sh',
        '[agents.script]: there is no script "gone.toml" in the repository; mend the path under `command`',
        '[project] setup: "npm" is not on PATH; install it or mend the line',
        '[project] check: "python" is not on PATH; there is "python3" here: write that',
    ]
