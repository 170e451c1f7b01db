"""A program that is talked to, tier by tier: nothing is lost or mixed up, nobody waits for it, and it ends as any other."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import time
from dataclasses import replace

import pytest
from support.aio import run
from support.in_tiers import EVERY, each, tier_by
from support.machine import machine
from support.oracle import Oracle, until

from engine.processes.errors import NotHeard
from engine.processes.keeper import Keeper
from engine.processes.speech import Speech
from engine.processes.values import Program

ECHO = "import os\nwhile data := os.read(0, 1 << 16):\n    while data: data = data[os.write(1, data):]"
FAST = 1 << 30


def talking(folder, *argv: str, **options) -> Program:
    return Program(argv=argv, cwd=folder, env={"PATH": os.environ["PATH"]}, talks=True, **options)


def python(folder, code: str, **options) -> Program:
    return talking(folder, sys.executable, "-I", "-S", "-c", code, **options)


def unconfined(folder, scenario) -> None:
    async def all_of_it() -> None:
        keeper = await Keeper.start("builder", records=folder / "records")
        try:
            await scenario(keeper)
        finally:
            await keeper.close()

    run(all_of_it())


def in_tier(mechanism, scenario) -> None:
    tier = tier_by(mechanism)

    async def all_of_it(there) -> None:
        keeper = await there.keeper(tier) if mechanism != "none" else await Keeper.start("me", records=there.records)
        try:
            await scenario(there, keeper)
        finally:
            await keeper.close()

    with machine() as there:
        run(all_of_it(there))


@each(EVERY)
def test_it_hears_what_is_said_answers_and_is_told_the_end(mechanism):
    async def scenario(there, keeper) -> None:
        heard = bytearray()
        code = (
            "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)\nprint('bye', file=sys.stderr)"
        )
        asked = python(there.clone, code, log=there.records / "log")
        running = await keeper.run(asked, on_output=heard.extend)
        running.say(b"one\n")
        await until(lambda: heard == b"ONE\n")
        running.say(b"two\nth")
        running.say(b"")
        running.say(b"ree")
        running.hush()
        running.hush()
        running.say(b"too late\n")
        assert (await running.wait()).code == 0
        running.say(b"much too late\n")
        running.hush()
        assert heard == b"ONE\nTWO\nTHREE"
        assert running.tail() == (there.records / "log").read_bytes() == b"bye\n", "stdout is in neither"

    in_tier(mechanism, scenario)


@each(EVERY)
def test_much_is_said_both_ways_at_once_in_spite_of_a_pause(mechanism):
    said = [os.urandom(3 << 20), b"x" * 10, os.urandom(1 << 20)]

    async def scenario(there, keeper) -> None:
        heard, told, first = hashlib.sha256(), 0, asyncio.Event()

        def hear(data: bytes) -> None:
            nonlocal told
            heard.update(data)
            told += len(data)
            first.set()

        running = await keeper.run(python(there.clone, ECHO, rate=FAST), on_output=hear)
        running.say(said[0])
        await first.wait()
        await keeper.pause()
        for more in said[1:]:
            running.say(more)
        running.hush()
        await asyncio.sleep(0)
        await keeper.resume()
        assert (await running.wait()).code == 0
        assert (told, heard.digest()) == (sum(map(len, said)), hashlib.sha256(b"".join(said)).digest())

    in_tier(mechanism, scenario)


@each(EVERY)
def test_one_that_never_reads_is_killed_with_all_that_it_was_told(mechanism):
    async def scenario(there, keeper) -> None:
        async with Oracle(there.clone) as oracle:
            running = await keeper.run(talking(there.clone, *oracle.argv("setsid-children", "3")))
            await oracle.ready()
            running.say(b"x" * (4 << 20))
            await keeper.pause()
            running.say(b"y")
            began = time.monotonic()
            proof = await keeper.kill()
            assert (proof.gone, proof.processes) == (True, 4)
            await oracle.gone(began, 5)
            assert (await running.wait()).signal == signal.SIGKILL
            running.say(b"z")

    in_tier(mechanism, scenario)


def test_one_that_closes_its_input_or_ends_while_it_is_told_is_no_error(tmp_path):
    async def scenario(keeper) -> None:
        for code, status in (("import os; os.close(0); os.write(1, b'.'); input()", 1), ("raise SystemExit(3)", 3)):
            said = asyncio.Event()
            running = await keeper.run(python(tmp_path, code), on_output=lambda _, said=said: said.set())
            running.say(b"x" * (1 << 20))
            if status == 1:
                await said.wait()
                running.say(b"x" * (1 << 20))
                running.say(b"x")
            assert (await running.wait()).code == status

    unconfined(tmp_path, scenario)


def test_who_inherits_the_pipes_neither_holds_up_its_end_nor_goes_on_talking(tmp_path):
    async def scenario(keeper) -> None:
        heard = bytearray()
        running = await keeper.run(talking(tmp_path, "sh", "-c", "setsid cat & echo gone"), on_output=heard.extend)
        running.say(b"x" * (1 << 20))
        ended = await asyncio.wait_for(running.wait(), 10)
        assert (ended.code, ended.leftovers) == (0, 1)
        assert b"gone\n" in heard
        assert (await keeper.call(["true"], cwd=tmp_path)).code == 0

    unconfined(tmp_path, scenario)


def test_a_flood_on_its_stdout_is_held_at_its_rate_and_told_of(tmp_path):
    held: list[str] = []

    async def scenario(keeper) -> None:
        heard = 0

        def hear(data: bytes) -> None:
            nonlocal heard
            heard += len(data)

        running = await keeper.run(talking(tmp_path, "yes", rate=100_000, held=held.append), on_output=hear)
        began = time.monotonic()
        await until(lambda: held)
        assert heard < 400_000 + 2 * 100_000 * (time.monotonic() - began) + (64 << 10)
        await keeper.kill()
        assert running.tail() == b""

    unconfined(tmp_path, scenario)
    assert held == ["output"]


def test_more_than_is_kept_for_it_is_refused_and_what_waits_is_still_said(tmp_path):
    async def scenario() -> None:
        speech = Speech("deaf", most=1 << 20)
        with speech.heard as heard:
            speech.say(b"a" * (1 << 20))
            waiting = (1 << 20) - (64 << 10)
            with pytest.raises(NotHeard, match=rf"deaf can not be told anything: {waiting} bytes wait already"):
                speech.say(b"b" * (waiting + 1))
            speech.hush()
            with os.fdopen(os.dup(heard.fileno()), "rb") as end:
                assert await asyncio.to_thread(end.read) == b"a" * (1 << 20)
        speech.close()

    run(scenario())


def test_who_does_not_talk_can_not_be_told_anything(tmp_path):
    async def scenario(keeper) -> None:
        running = await keeper.run(replace(talking(tmp_path, "cat"), talks=False))
        with pytest.raises(NotHeard, match="cat can not be told anything: it was not started to be talked to"):
            running.say(b"hello")
        running.hush()
        assert (await running.wait()).code == 0

    unconfined(tmp_path, scenario)
