"""The record is damaged while no engine is up: at its end that costs nothing, anywhere else nobody goes on with it."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from support.crashing import EVENTS, Crashing, judge

from engine.api.calls import CallRefused

NOISE = Random(7).randbytes(3000)


def ends_damaged(last: bytes) -> list[bytes]:
    """What a crash may leave behind the `last` line: half a line, noise, a hole, a line twice, and all together."""
    return [last[: len(last) // 2], NOISE, bytes(4096), last, bytes(512) + NOISE + last[:-1]]


def test_damaged_ends_between_the_lives_of_a_run_cost_nothing(run, tree):
    for number in range(5):
        run.killed_at(EVENTS // 6)
        end = newest(run)
        last = end.read_bytes().splitlines(keepends=True)[-1]
        with end.open("ab") as file:
            file.write(ends_damaged(last)[number])
    run.to_the_end()
    judge(run, tree)
    assert len(list((run.house.record() / "damaged").iterdir())) == 5


@pytest.mark.parametrize("line", [4, 30], ids=["what was asked for", "what was done"])
def test_a_flipped_bit_anywhere_else_lets_no_engine_up(run, tree, line):
    run.killed_at(60)
    file, before = newest(run), newest(run).read_bytes()
    start = sum(map(len, before.splitlines(keepends=True)[: line - 1]))
    at = before.index(b'"at":', start) + 10  # another time of day: still an event, to anyone who does not look closely
    file.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
    damaged = file.read_bytes()
    with pytest.raises(CallRefused) as no:
        run.house.up()
    assert no.value.exit_code == 5
    assert f"{file}, line {line}, byte" in str(no.value)
    assert file.read_bytes() == damaged
    file.write_bytes(before)
    run.to_the_end()
    judge(run, tree)


@pytest.mark.parametrize("kept", [1, 4], ids=["run_started", "three tasks of four"])
def test_a_run_of_which_only_the_beginning_was_written_has_not_begun(standing, tree, kept):
    run, pipe = standing
    with run.living() as (pid, _):
        os.close(os.open(pipe, os.O_WRONLY))  # a builder stands there, so that nothing ends
        run.strike(pid)
    pipe.unlink()
    file = newest(run)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:kept]))
    run.told.clear()  # as on a disk that lost power in the middle of this: nobody was told any of it
    with run.house.up() as client:
        assert client.status()["run"] is None
    run.to_the_end()
    judge(run, tree)


def newest(run: Crashing) -> Path:
    """The file of the record that is written to."""
    return max(run.house.record().glob("0*.jsonl"))
