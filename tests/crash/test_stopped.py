"""An engine that stands still: whoever talks to it says so, agents can be killed without it, and it may go on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.crashing import Crashing, judge, make_project, outside
from support.lives import Event, a_house, plain
from support.repos import git

from engine.api import wire
from engine.api.errors import EngineGone
from engine.core.commands import ResumeAgent
from engine.processes.last_resort import kill_recorded

BUILDERS = 2
PROMISED, SHORT = 10.0, 1.0
"""Seconds until somebody notices, and of each of the two waits that it takes here."""
SLACK = 5.0
"""Seconds that a busy machine may add to what is promised."""


def test_clients_notice_an_engine_that_stands_still_and_it_goes_on_as_if_nothing_had_been(run, tree, monkeypatch):
    assert wire.SILENCE + wire.PATIENCE <= PROMISED
    with run.living() as (pid, stream):
        run.hear(stream, 40)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with monkeypatch.context() as patched:
            for name in ("SILENCE", "PATIENCE"):
                patched.setattr(wire, name, SHORT)
            with pytest.raises(EngineGone, match="hangs"):
                run.told.extend(stream)
        assert time.monotonic() - began < 2 * SHORT + SLACK
        os.kill(pid, signal.SIGCONT)
    run.to_the_end()
    judge(run, tree)
    assert run.engines() == 1


def test_agents_are_killed_without_their_engine_which_then_starts_none_of_them(standing, tree):
    run, pipe = standing
    with run.living() as (pid, stream):
        handle = both_at(pipe, run, stream)
        os.kill(pid, signal.SIGSTOP)
        proofs = kill_recorded(run.house.layout.processes)
        assert {one.agent for one in proofs} >= {"builder-1"}
        assert all(one.proof.gone for one in proofs)
        with pytest.raises(BrokenPipeError):
            os.write(handle, b"go on\n")
        os.close(handle)
        os.kill(pid, signal.SIGCONT)
        run.hear(stream)
    assert plain(run.told[-1])["data"]["outcome"] == "needs_human"
    let_go(run, pipe)
    run.to_the_end()
    judge(run, tree)


def test_agents_killed_without_an_engine_are_held_by_the_next_one(standing, tree):
    run, pipe = standing
    with run.living() as (pid, stream):
        handle = both_at(pipe, run, stream)
        os.kill(pid, signal.SIGSTOP)
        proofs = kill_recorded(run.house.layout.processes)
        assert all(one.proof.gone for one in proofs)
        run.strike(pid)
        os.close(handle)
    with run.living() as (_, stream):
        run.hear(stream)
    assert plain(run.told[-1])["data"]["outcome"] == "needs_human"
    let_go(run, pipe)
    run.to_the_end()
    judge(run, tree)


@pytest.mark.parametrize("before", [False, True], ids=["", "after one that died before it could say so"])
def test_what_an_agent_killed_without_an_engine_had_done_is_kept_by_the_next_one(folder, tree, before):
    pipe = outside(folder / "repo") / "stand.pipe"
    os.mkfifo(pipe)
    half = f"[ ! -p {pipe} ] || {{ mkdir -p parts; echo half > parts/half; read -r _ < {pipe} || true; }}"
    with a_house(make_project(folder / "repo", "sh", "-c", f"{half}; exec sh build.sh")) as house:
        run = Crashing(house)
        with run.living() as (pid, stream):
            handle = both_at(pipe, run, stream)
            begun = [event for event in map(plain, run.told) if event["kind"] == "attempt_started"]
            os.kill(pid, signal.SIGSTOP)
            assert {one.agent for one in kill_recorded(house.layout.processes)} >= {"builder-1", "builder-2"}
            run.strike(pid)
            os.close(handle)
        due = {ref_of(event): event["agent"] for event in begun}
        if before:
            for ref in due:
                git(house.root, "update-ref", ref, half_done(house.root))
        with run.living() as (_, stream):
            run.hear(stream)
        told = [event for event in map(plain, run.told) if event["kind"] == "work_kept"]
        kept = [event["data"]["ref"] for event in told]
        assert kept
        assert {(ref, agent) for ref, agent in due.items() if ref in kept} >= {
            (event["data"]["ref"], event["agent"]) for event in told if not before
        }
        assert set(kept) <= due.keys()
        assert len(kept) == len(due) or not before
        for ref in kept:
            assert git(house.root, "diff", "--name-only", f"{ref}^", ref) == "parts/half"
        let_go(run, pipe)
        run.to_the_end()
        judge(run, tree)


def both_at(pipe: Path, run: Crashing, stream: Iterator[bytes]) -> int:
    """The pipe, as soon as both builders have begun and one of them stands there; while it is open neither goes on."""
    while sum(plain(line)["kind"] == "attempt_started" for line in run.told) < BUILDERS:
        run.told.append(next(stream))
    return os.open(pipe, os.O_WRONLY)


def ref_of(event: Event) -> str:
    """Where the unfinished work of an attempt is kept."""
    return f"refs/quarterdeck/kept/{event['run']}/{event['task']}/{event['attempt']}-{event['data']['lease']}"


def half_done(root: Path) -> str:
    """A commit as the one that keeps it."""
    blob = git(root, "hash-object", "-w", "--stdin", stdin=b"half\n")
    parts = git(root, "mktree", stdin=f"100644 blob {blob}\thalf\n".encode())
    rest = git(root, "ls-tree", "main")
    tree = git(root, "mktree", stdin=f"{rest}\n040000 tree {parts}\tparts\n".encode())
    return git(root, "commit-tree", "-p", "main", "-m", "unfinished", tree)


def let_go(run: Crashing, pipe) -> None:
    """Nobody is held any more, and nobody stands still."""
    pipe.unlink()
    with run.house.up() as client:
        for agent in client.status()["agents"]:
            client.submit(ResumeAgent(agent=agent["name"]))
