"""The engine is killed while its own git advances the person's checkout: git lives on, and is nobody's any more."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from support.crashing import Crashing, judge, merges
from support.lives import Event, plain
from support.repos import git

from engine.journal.reader import read


def test_a_merge_that_outlives_its_engine_is_waited_for_and_found(run, tree, tmp_path):
    pipe = slow_checkout(run.house.root, tmp_path / "checkout.pipe")
    with run.living() as (pid, _):
        handle = os.open(pipe, os.O_WRONLY)  # returns when git is in the middle of the first merge
        run.strike(pid)
    run.left.clear()  # git is meant to live on
    assert merges(run.house) == []
    pipe.unlink()
    with run.living() as (_, stream):
        waiting = follow(run, stream, "merge_waiting")
        assert "index.lock" in waiting["data"]["reason"]
        os.close(handle)
        follow(run, stream, "run_ended", outcome="verified")
    run.house.end()
    judge(run, tree)
    [merged] = [
        event for event in read(run.house.record()) if event.kind == "merge_done" and event.task == waiting["task"]
    ]
    assert merged.data.found


def test_the_lock_of_a_git_that_died_with_its_engine_is_taken_away_by_the_next(run, tree, tmp_path):
    pipe = slow_checkout(run.house.root, tmp_path / "checkout.pipe")
    with run.living() as (pid, _):
        handle = os.open(pipe, os.O_WRONLY)
        run.strike(pid, with_all=True)
    os.close(handle)
    pipe.unlink()
    assert (run.house.root / ".git/index.lock").exists()
    run.to_the_end()
    judge(run, tree)
    assert not (run.house.root / ".git/index.lock").exists()


def follow(run: Crashing, stream: Iterator[bytes], kind: str, **data: str) -> Event:
    """The next such event; a run may come to rest before, and go on by itself."""
    while True:
        run.told.append(next(stream))
        event = plain(run.told[-1])
        if event["kind"] == kind and data.items() <= event["data"].items():
            return event


def slow_checkout(root: Path, pipe: Path) -> Path:
    """Have git stand still whenever it checks a part out for the person, for as long as the pipe is there."""
    os.mkfifo(pipe)
    where = shlex.quote(str(pipe))
    git(root, "config", "filter.slow.smudge", f"sh -c 'cat; [ ! -p {where} ] || read _ < {where} || true'")
    git(root, "config", "filter.slow.clean", "cat")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/attributes").write_text("parts/* filter=slow\n")
    return pipe
