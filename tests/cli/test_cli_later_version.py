"""A record that a later version has written to: no command and no engine goes on with it, and all say what to do."""

from __future__ import annotations

import msgspec
import pytest
from support import repos
from support.stand_in import record

from engine.core.events import NoticeGiven, TaskEnded

READING = ["status", "log", "log --json", "why cli"]
STARTING = ["run --headless x", "run --headless --resume", "resume --all", "approvals"]


LATER = {
    "pigs_flew": NoticeGiven(text="a kind of fact"),
    "task_ended": TaskEnded(outcome="flown", reason="a value"),
}


@pytest.mark.parametrize("kind", LATER)
def test_a_fact_of_a_later_version_is_named_and_the_record_left_alone(quarterdeck, repo, good, kind):
    last = good.events[-1]
    fact = msgspec.structs.replace(last, seq=last.seq + 1, kind=kind, data=LATER[kind])
    place = record(repo, [*good.events, fact])
    repos.save(repo, {"quarterdeck.toml": PROJECT})
    before = {path: path.read_bytes() for path in place.journal.iterdir()}
    for words in READING + STARTING:
        code, _, err = quarterdeck(*words.split())
        assert code == 2, words
        assert "pigs_flew" in err if kind == "pigs_flew" else "flown" in err
        assert "a later version of Quarterdeck" in err
        assert "upgrade" in err
        assert len(err.splitlines()) == 1
    assert {path: path.read_bytes() for path in place.journal.iterdir()} == before


PROJECT = """\
[project]
check = ["true"]
review = false
[agents.builder]
runtime = "command"
command = ["true"]
"""
