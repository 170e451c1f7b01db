"""An engine that stands still: whoever talks to it says so, agents can be killed without it, and it may go on."""

from __future__ import annotations

import os
import signal
import time

import pytest
from support.crashing import Crashing, judge
from support.lives import plain

from engine.api.errors import EngineGone
from engine.core.commands import ResumeAgent
from engine.processes.last_resort import kill_recorded

PROMISED = 10.0
SLACK = 5.0
"""Seconds that a busy machine may add to what is promised."""


def test_clients_notice_an_engine_that_stands_still_and_it_goes_on_as_if_nothing_had_been(run, tree):
    with run.living() as (pid, stream):
        run.hear(stream, 40)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(EngineGone, match="hangs"):
            run.told.extend(stream)
        assert time.monotonic() - began < PROMISED + SLACK
        os.kill(pid, signal.SIGCONT)
    run.to_the_end()
    judge(run, tree)
    assert run.engines() == 1


def test_agents_are_killed_without_their_engine_which_then_starts_none_of_them(standing, tree):
    run, pipe = standing
    with run.living() as (pid, stream):
        handle = os.open(pipe, os.O_WRONLY)  # returns when a builder stands there
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
    with run.living() as (pid, _):
        os.close(os.open(pipe, os.O_WRONLY))
        os.kill(pid, signal.SIGSTOP)
        proofs = kill_recorded(run.house.layout.processes)
        assert all(one.proof.gone for one in proofs)
        run.strike(pid)
    with run.living() as (_, stream):
        run.hear(stream)
    assert plain(run.told[-1])["data"]["outcome"] == "needs_human"
    let_go(run, pipe)
    run.to_the_end()
    judge(run, tree)


def let_go(run: Crashing, pipe) -> None:
    """Nobody is held any more, and nobody stands still."""
    pipe.unlink()
    with run.house.up() as client:
        for agent in client.status()["agents"]:
            client.submit(ResumeAgent(agent=agent["name"]))
