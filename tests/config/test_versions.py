"""Versions of agents: asked of them outside of every repository, quickly, and never of what came with the code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.config import versions as asked
from engine.config.tools import BY_RUNTIME
from engine.config.versions import versions


@pytest.fixture
def programs(tmp_path):
    """Write a program into a folder; the folder as a PATH."""

    def write(name, body, folder="bin"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path.parent)

    return write


def found(path, root, *names) -> dict[str, str]:
    return versions([BY_RUNTIME[name] for name in names], path, root)


@pytest.mark.parametrize(
    ("prints", "version"),
    [
        ("echo '2.1.330 (Claude Code)'", "2.1.330"),
        ("echo 'WARNING: proceeding, even so' >&2; echo codex-cli 0.169.0", "0.169.0"),
        ("echo 0.73.1 >&2", "0.73.1"),
        ("echo aider 0.86.2", "0.86.2"),
        ("echo v1.2.0-beta.3", "1.2.0-beta.3"),
        ("echo none", ""),
        ("exit 1", ""),
        ("printf '\\377\\376'", ""),
    ],
)
def test_what_programs_print(programs, tmp_path, prints, version):
    path = programs("claude", prints) + ":/usr/bin:/bin"
    assert found(path, tmp_path / "repo", "claude") == {"claude": version}


def test_asking_sees_no_repository_no_home_and_no_key(programs, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-a")
    monkeypatch.chdir(tmp_path)
    path = (
        programs("claude", f'echo "$(pwd) $HOME $ANTHROPIC_API_KEY $1" > {tmp_path}/saw; echo 1.0.0') + ":/usr/bin:/bin"
    )
    assert found(path, tmp_path / "repo", "claude") == {"claude": "1.0.0"}
    folder, home, *rest = (tmp_path / "saw").read_text().split()
    assert (folder, rest) == ("/", ["--version"])
    assert home != os.environ.get("HOME")
    assert not Path(home).exists()


@pytest.mark.parametrize("link", [False, True])
def test_what_came_with_the_code_is_not_run(programs, tmp_path, link):
    path = programs("codex", f"touch {tmp_path}/ran; echo 6.6.6", folder="repo/node_modules/.bin")
    if link:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "codex").symlink_to(f"{path}/codex")
        path = str(tmp_path / "bin")
    assert found(path, tmp_path / "repo", "codex") == {"codex": ""}
    assert not (tmp_path / "ran").exists()


def test_one_that_hangs_is_ended_with_its_children_and_the_others_are_told(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(asked, "PATIENCE", 0.5)
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    programs("gemini", f"sleep 1000 > {tmp_path}/held & wait")
    path = programs("pi", "echo 0.73.1") + ":/usr/bin:/bin"
    assert found(path, tmp_path / "repo", "gemini", "pi") == {"gemini": "", "pi": "0.73.1"}
    os.set_blocking(held, True)
    assert os.read(held, 1) == b"", "whoever held the other end is gone"
    os.close(held)


def test_what_can_not_be_started_has_no_version(programs, tmp_path):
    path = programs("qwen", "")
    (tmp_path / "bin" / "qwen").write_text("#!/nonexistent/interpreter\n")
    assert found(path, tmp_path / "repo", "qwen", "aider") == {"qwen": "", "aider": ""}
    assert found(path, tmp_path / "repo") == {}
