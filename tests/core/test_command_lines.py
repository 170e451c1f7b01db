"""Taking command lines apart: what is told to be the commands of a line is what a shell would run, or nothing is told."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.command_lines import parts, pieces, spoken


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pytest -q", ["pytest -q"]),
        ("  pytest \t -q  ", ["pytest -q"]),
        ("a; b && c || d | e & f", ["a", "b", "c", "d", "e", "f"]),
        ("a\nb\n\n", ["a", "b"]),
        ("(a; b)", ["a", "b"]),
        ("git commit -m 'a; b && c'", ["git commit -m 'a; b && c'"]),
        ('echo "a | b" | cat', ['echo "a | b"', "cat"]),
        ("echo a\\;b; c", ["echo a\\;b", "c"]),
        ("echo '$(x)' '`x`' '# x'", ["echo '$(x)' '`x`' '# x'"]),
        ('echo "# $HOME"', ['echo "# $HOME"']),
        ("make 2>&1 | tail", ["make", "tail"]),
        ("make >/dev/null 2>&1; ls", ["make", "ls"]),
        ("", []),
        (";;", []),
    ],
)
def test_the_commands_of_a_line(line, found):
    assert parts(line) == found


@pytest.mark.parametrize(
    "line",
    [
        "pytest $(rm x)", "pytest `rm x`", 'pytest "$(rm x)"', 'pytest "`rm x`"', "pytest ${x:-y}", "pytest $((1))",
        "pytest <(rm x)", "pytest > ~/.bashrc", "pytest >> x", "pytest < x", "cat <<EOF\nrm x\nEOF",
        "pytest # it's\nrm x", "pytest $'\\'' ; rm x ; echo \\'", 'pytest $"x"', "pytest 'open", 'pytest "open',
        "pytest \\\n rm x", "pytest \\", "pytest\rrm x", "pytest\0rm", "make 2>&1foo", "make >/dev/null/x", "x >/dev/nullx",
    ],
)  # fmt: skip
def test_what_can_not_be_told_is_not_told(line):
    assert parts(line) is None


def test_of_such_a_line_whatever_may_be_a_command_is_named():
    assert {"rm x", "cat y"} <= set(pieces("pytest $(rm x) `cat y`"))


@pytest.mark.parametrize(
    ("command", "said"),
    [("r'm' -rf x", "rm -rf x"), ("\\rm x", "rm x"), ("/bin/rm x", "rm x"), ("rm 'open", "rm 'open"), ("", "")],
)
def test_a_command_is_known_in_any_spelling(command, said):
    assert spoken(command) == said


WORD = st.sampled_from(
    ["a", "b", "'", '"', "\\", ";", "&&", "|", " ", "\n", "#", "$", "(", ")", "`", "{", "}", "<", ">"]
)


def begun_by_bash(line: str, folder: Path) -> set[str]:
    """The programs that bash would begin for a line: it finds none of them, and says so one by one."""
    ask = 'command_not_found_handle() { printf "%s\\n" "$1" >&3; }'
    script = f"{ask}; exec 3>&1 >/dev/null 2>&1; eval {shlex.quote(line)}"
    ran = subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, text=True, check=False, env={"PATH": "/nowhere"}, cwd=folder
    )
    return set(ran.stdout.split("\n")) - {""}


def test_bash_tells_what_it_begins(tmp_path):
    assert begun_by_bash("a 'x; y'; b | c\n\"d\" $(e)", tmp_path) == {"a", "b", "c", "d", "e"}


@pytest.mark.soak
@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORD, max_size=9).map("".join))
def test_a_real_shell_begins_nothing_besides(tmp_path, tail):
    """Each program that it begins is the first word of one of the parts, where that is no variable and no brace."""
    line = f"a {tail}"
    found = parts(line)
    if found is None or any(part[0] in "${}" for part in found):
        return
    assert begun_by_bash(line, tmp_path) & {"a", "b"} <= {spoken(part).split(" ")[0] for part in found}
