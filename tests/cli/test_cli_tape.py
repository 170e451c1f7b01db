"""`run --record` and `--replay`: a file by a name that holds wherever the engine is, or a usage error."""

from __future__ import annotations

import pytest

from tui import grammar
from tui.commands.errors import CannotRead
from tui.commands.run import requested


def typed(*words):
    return requested(grammar.parser().parse_args(["run", *words]))


def test_without_a_tape_there_is_none():
    assert (typed("x").record, typed("x").replay) == (None, None)


def test_a_tape_is_named_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tape").write_text("")
    assert typed("x", "--record", "new/b.tape").record == str(tmp_path / "new" / "b.tape")
    assert typed("--resume", "--replay", "a.tape").replay == str(tmp_path / "a.tape")


def test_a_tape_that_is_not_there_is_told_before_anything_starts(tmp_path):
    with pytest.raises(CannotRead, match="there is no such tape"):
        typed("x", "--replay", str(tmp_path / "gone"))


def test_recording_and_replaying_at_once_is_no_request(tmp_path):
    with pytest.raises(grammar.UsageError, match="take one of them"):
        typed("x", "--record", str(tmp_path / "a"), "--replay", str(tmp_path / "b"))
