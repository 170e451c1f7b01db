"""The engine is killed exactly between an effect in the world and the fact in the record, and between two effects.

The moment is not asked for, it is watched: a ref or a line of the journal appears, and the engine dies. It may get
away once, so that a few tries are made; at least one of them must have hit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from support.crashing import Crashing, Violated, judge, merges
from support.repos import git

from engine.api import launch
from engine.core.events import Event
from engine.journal.reader import read

TRIES = 5
TESTS = Path(__file__).parents[1]
Seen = Callable[[], object]


def test_killed_between_the_gates_evidence_and_the_merge(run, tree):
    def evidence() -> int:
        return sum(part.read_bytes().count(b'"at_gate":true') for part in run.house.record().glob("0*.jsonl"))

    def hit() -> bool:
        return bool(passed(run) - set(merges(run.house)))

    assert killed_when(run, evidence, hit)
    run.to_the_end()
    judge(run, tree)


def test_killed_between_taking_work_in_and_saying_so(run, tree):
    def attempts() -> int:
        return sum(len(names) for _, _, names in os.walk(run.house.root / ".git/refs/quarterdeck/attempts"))

    def hit() -> bool:
        claimed = {(event.task, event.attempt) for event in facts(run, "attempt_claimed")}
        return bool(taken_in(run) - claimed)

    assert killed_when(run, attempts, hit)
    run.to_the_end()
    judge(run, tree)
    for task, attempt in taken_in(run):
        [ended] = [
            event
            for event in read(run.house.record())
            if event.kind == "attempt_claimed" and (event.task, event.attempt) == (task, attempt)
        ]
        assert ended.agent in {"builder-1", "builder-2"}


def test_killed_between_a_merge_and_its_record(run, tree):
    assert killed_in_mid_merge(run)
    run.to_the_end()
    judge(run, tree)
    assert [event for event in facts(run, "merge_done") if event.data.found]


def test_without_the_trailers_a_merge_is_made_twice_and_the_judge_says_so(run, tree):
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    with mock.patch.object(launch, "DAEMON", "support.unguarded"), mock.patch.dict(os.environ, {"PYTHONPATH": path}):
        assert killed_in_mid_merge(run)
        run.to_the_end()
    with pytest.raises(Violated, match="merged twice"):
        judge(run, tree)


def killed_in_mid_merge(run: Crashing) -> bool:
    """Whether the engine died with a merge on the target that its record does not know."""

    def target() -> str:
        return (run.house.root / ".git/refs/heads/main").read_text()

    def hit() -> bool:
        return bool(set(merges(run.house)) - {event.task for event in facts(run, "merge_done")})

    return killed_when(run, target, hit)


def killed_when(run: Crashing, seen: Seen, hit: Callable[[], bool]) -> bool:
    """Kill the engine whenever what is `seen` changes, until one kill was a `hit`."""
    for _ in range(TRIES):
        before = seen()
        with run.living() as (pid, _):
            while seen() == before:
                time.sleep(0.0002)  # nothing tells of a ref; the engine must not get far from it
            run.strike(pid)
        if hit():
            return True
    return False


def facts(run: Crashing, kind: str) -> list[Event]:
    return [event for event in read(run.house.record()) if event.kind == kind]


def passed(run: Crashing) -> set[str]:
    """Tasks whose gate has passed on the combined tree."""
    return {event.task for event in facts(run, "check_passed") if event.data.at_gate}


def taken_in(run: Crashing) -> set[tuple[str, int]]:
    """Rounds whose work is in the repository: (task, attempt)."""
    refs = git(run.house.root, "for-each-ref", "--format=%(refname)", "refs/quarterdeck/attempts").split()
    return {(task, int(attempt)) for task, attempt in (ref.split("/")[-2:] for ref in refs)}
