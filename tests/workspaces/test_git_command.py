"""Git with our own rights: what it is told, what it refuses to inherit, how it fails."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from support.aio import run
from support.repos import git, make

from workspaces.errors import GitFailed, GitMissing
from workspaces.git import PAUSES, Git
from workspaces.ports import Completed


def test_output_comes_back_as_bytes_and_processes_are_counted(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    tool = Git(root)
    assert run(tool.run("show", "HEAD:a.txt")) == b"one\ntwo\nthree\n"
    assert tool.started == 1


def test_input_reaches_the_command(tmp_path: Path) -> None:
    tool = Git(make(tmp_path / "r"))
    blob = run(tool.run("hash-object", "-w", "--stdin", stdin=b"hello")).decode().strip()
    assert run(tool.run("cat-file", "blob", blob)) == b"hello"


def test_a_failure_names_command_status_and_what_git_said(tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as caught:
        run(Git(make(tmp_path / "r")).run("rev-parse", "--verify", "nothing-here"))
    assert caught.value.code == 128
    assert caught.value.command == ("rev-parse", "--verify", "nothing-here")
    assert "Needed a single revision" in caught.value.stderr
    assert "rev-parse --verify nothing-here ended with 128" in str(caught.value)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitMissing, match="no-such-git: not found"):
        run(Git(tmp_path, "no-such-git").run("version"))


def test_variables_of_the_callers_shell_do_not_aim_git_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = make(tmp_path / "r"), make(tmp_path / "other", {"else.txt": "x"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert run(Git(root).run("ls-files")) == b"a.txt\nsrc/b.py\n"


def test_hooks_of_the_repository_do_not_run(tmp_path: Path) -> None:
    root, canary = make(tmp_path / "r"), tmp_path / "canary"
    hook = root / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    run(Git(root).run("update-ref", "refs/heads/x", "HEAD"))
    assert not canary.exists()
    git(root, "update-ref", "refs/heads/y", "HEAD")
    assert canary.exists(), "the trap itself works"


def test_a_lock_held_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    lock = root / ".git" / "refs" / "heads" / "x.lock"
    lock.touch()

    class Watched(Git):
        """The other git ends after our first try."""

        async def _once(self, *args: Any) -> Completed:
            done = await super()._once(*args)
            lock.unlink(missing_ok=True)
            return done

    tool = Watched(root)
    run(tool.run("update-ref", "refs/heads/x", "HEAD"))
    assert tool.started == 2
    assert git(root, "rev-parse", "refs/heads/x") == git(root, "rev-parse", "HEAD")


def test_a_lock_that_stays_is_an_error_after_a_few_tries(tmp_path: Path) -> None:
    root = make(tmp_path / "r")
    (root / ".git" / "refs" / "heads" / "x.lock").touch()
    tool = Git(root)
    with pytest.raises(GitFailed, match="File exists"):
        run(tool.run("update-ref", "refs/heads/x", "HEAD"))
    assert tool.started == len(PAUSES) + 1


def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    pipe = tmp_path / "pid"
    os.mkfifo(pipe)
    program = tmp_path / "slow-git"
    program.write_text(f"#!/bin/sh\necho $$ > {pipe}; exec sleep 60\n")
    program.chmod(0o755)

    async def scenario() -> int:
        running = asyncio.create_task(Git(tmp_path, str(program)).run("anything"))
        pid = int(await asyncio.to_thread(pipe.read_text))  # it has started
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    pid = run(scenario())
    assert not Path(f"/proc/{pid}").exists()
