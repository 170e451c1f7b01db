"""A line of a check or of setup runs to its end within limits, however much it says."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.aio import run
from support.oracle import until

from engine.core.values import Limited, Limits
from engine.processes.errors import KeeperLost
from engine.runtime import shell
from engine.runtime.member import Place
from engine.runtime.room import Room
from engine.runtime.shell import KEPT, Ends, run_line


@asynccontextmanager
async def a_place(folder):
    place = Place("_check-1", folder / "records", Room(dict(os.environ)))
    try:
        yield place
    finally:
        await place.close()


def said(tmp_path, line, limits=None, told=None, **env):
    async def scenario():
        async with a_place(tmp_path) as place:
            tell = (told if told is not None else []).append
            return await run_line(line, place=place, folder=tmp_path, limits=limits or Limits(), tell=tell, env=env)

    return run(scenario())


def test_what_it_says_comes_in_its_order_and_harmless(tmp_path):
    found = said(tmp_path, r"echo one; echo two >&2; printf '\033[31mthree\n'; echo $WORD; pwd; exit 3", WORD="four")
    assert found.output.split("\n") == ["one", "two", "three", "four", str(tmp_path.resolve())]
    assert (found.done.code, found.done.timed_out, found.over) == (3, False, "")


def test_a_signal_is_its_end(tmp_path):
    assert said(tmp_path, "kill -TERM $$").done.code == -15


def test_of_very_much_both_ends_are_kept(tmp_path):
    found = said(tmp_path, f"echo begins; {sys.executable} -c \"print('x' * 80 * 100000)\"; echo ends; false")
    assert found.output.startswith("begins\nxxx")
    assert found.output.endswith("xxx\nends")
    assert len(found.output) < 2 * KEPT + 100
    missing = 80 * 100_000 + len("begins\n\nends\n") - 2 * KEPT
    assert f"\n[quarterdeck: {missing} bytes are left out here]\n" in found.output
    assert found.done.code == 1


@given(st.lists(st.binary(max_size=30), max_size=10), st.integers(1, 20))
def test_both_ends_are_exactly_that(parts, size):
    ends, whole = Ends(size), b"".join(parts)
    for part in parts:
        ends.write(part)
    if len(whole) <= 2 * size:
        assert ends.whole() == whole
    else:
        assert ends.whole().startswith(whole[:size] + b"\n[quarterdeck: %d bytes" % (len(whole) - 2 * size))
        assert ends.whole().endswith(b"]\n" + whole[-size:])


def test_out_of_time_its_whole_tree_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(shell, "SECONDS", 0.3)
    found = said(tmp_path, "echo begun; (setsid sleep 600 &); sleep 600")
    assert found.done.timed_out
    assert found.output == "begun"


def test_cancelled_its_whole_tree_is_ended(tmp_path):
    async def scenario():
        async with a_place(tmp_path) as place:
            given = {"folder": tmp_path, "limits": Limits(), "tell": print}
            running = asyncio.create_task(run_line("echo > begun; sleep 600", place=place, **given))
            await until((tmp_path / "begun").exists)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            return (await run_line("echo next", place=place, **given)).output

    assert run(scenario()) == "next"


def test_a_limit_ends_it_and_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.runtime.limits.PERIOD", 0.05)
    told: list[Limited] = []
    line = f"{sys.executable} -c \"import time; kept = b'x' * 90_000_000; time.sleep(600)\""
    found = said(tmp_path, line, Limits(memory=60_000_000, time=0.01, freeze_idle=0.01), told)
    assert [(limit.limit, limit.done) for limit in told] == [("memory", "ended")]
    assert found.over.endswith("of memory, more than 60MB ([limits] memory)")
    assert found.done.code == -9


def test_a_keeper_that_is_lost_is_no_verdict(tmp_path):
    async def scenario():
        async with a_place(tmp_path) as place:
            given = {"folder": tmp_path, "limits": Limits(), "tell": print}
            running = asyncio.create_task(run_line("echo > begun; sleep 600", place=place, **given))
            await until((tmp_path / "begun").exists)
            os.kill(place.live.record.pid, 9)
            with pytest.raises(KeeperLost):
                await running

    run(scenario())
