"""What floods cost the engine: its memory, its loop, its processor.

Method: the real keeper and adapter, as the engine uses them, with transcripts of at most 64 MB. Memory is the peak of
this process above what it had before; a lag is how late a timer of 5 ms comes. The floods of a gigabyte are read as
fast as they come, which no setting asks for: with the default of 2 MB a second they would take eight minutes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from support.aio import run
from support.engines import a_place, task
from support.floods import FLOODS, Lags, flooder, forget_peak, peak, resident, resident_of

from engine.agents.base import Brief, Held, Text
from engine.agents.command import CommandAdapter
from engine.core.values import Limits
from engine.processes.keeper import Keeper
from engine.processes.values import Program

pytestmark = [pytest.mark.perf, pytest.mark.timeout(300)]
MB = 1 << 20
DEFAULTS = Limits(output=2_000_000, log=64_000_000)
FAST = Limits(output=100_000_000_000, log=64_000_000)


@asynccontextmanager
async def flooding(folder, argv, limits, hear):
    """An agent that runs this, until it ends or is left."""
    for name in ("clone", "inbox", "outbox"):
        (folder / name).mkdir(parents=True)
    brief = Brief(
        run="r", task="a", role="work", attempt=1, agent=folder.name, lease=1, clone=folder / "clone",
        inbox=folder / "inbox", outbox=folder / "outbox", task_file=folder / "task.json",
        transcript=folder / "transcript.log", command=argv, environment=dict(os.environ), limits=limits,
    )  # fmt: skip
    keeper = await Keeper.start(folder.name, records=folder / "records")
    try:
        session = await CommandAdapter().start(brief, keeper, hear)
        yield session
        await keeper.kill()
        await session.finished()
    finally:
        await keeper.close()


@pytest.mark.parametrize("kind", FLOODS)
def test_a_gigabyte_from_one_agent(kind, tmp_path, capsys):
    heard = 0

    def hear(update):
        nonlocal heard
        heard += len(update.data) if isinstance(update, Text) else 0

    async def scenario():
        forget_peak()
        before, began = resident(), time.monotonic()
        async with Lags() as lags, flooding(tmp_path / "a", flooder(kind, 1024), FAST, hear) as session:
            await session.finished()
        return lags, time.monotonic() - began, peak() - before

    lags, seconds, grown = run(scenario())
    with capsys.disabled():
        print(
            f"\n{kind}: {heard / MB:.0f} MB at {heard / MB / seconds:.0f} MB/s; the engine grew by {grown:.1f} MB "
            f"(aim < 50), lag p50 {lags.at(0.5):.1f} p99 {lags.at(0.99):.1f} max {lags.at(1):.1f} ms (aim p99 < 50)",
            end="",
        )
    assert heard >= 1023 * MB
    assert grown < 50
    assert lags.at(0.99) < 50
    assert (tmp_path / "a" / "transcript.log").stat().st_size < 64_000_100


def test_eight_floods_at_the_rate_that_is_the_default(tmp_path, capsys):
    held = []

    def hear(update):
        if isinstance(update, Held):
            held.append(update.limit)

    async def scenario():
        forget_peak()
        before = resident()
        async with AsyncExitStack() as stack:
            for number, kind in enumerate([*FLOODS, *FLOODS][:8]):
                await stack.enter_async_context(flooding(tmp_path / f"a{number}", flooder(kind), DEFAULTS, hear))
            async with Lags() as lags:
                used, began = time.process_time(), time.monotonic()
                await asyncio.sleep(10)
                used, seconds = time.process_time() - used, time.monotonic() - began
        return lags, used / seconds, peak() - before

    lags, load, grown = run(scenario())
    with capsys.disabled():
        print(
            f"\neight floods, 10 s: the engine grew by {grown:.1f} MB, used {load * 100:.1f} % of a core, "
            f"lag p50 {lags.at(0.5):.1f} p99 {lags.at(0.99):.1f} max {lags.at(1):.1f} ms (aim p99 < 50)",
            end="",
        )
    assert held == ["output"] * 8
    assert grown < 50
    assert lags.at(0.99) < 50


def test_an_engine_answers_while_eight_agents_flood_and_one_is_a_fork_bomb(monkeypatch, capsys):
    """The whole product: a client asks for all of the status, which is more than a key press asks for."""
    bomb = "import signal\nwhile True:\n    try: os.fork() or signal.pause()\n    except OSError: time.sleep(0.01)"
    with a_place(monkeypatch) as place:
        place.project(builders=9, more="[limits]\nagents = 9\nprocesses = 310\n")
        floods = [f"data = {FLOODS[kind]}\nwhile True: os.write(1, data)" for kind in [*FLOODS, *FLOODS][:8]]
        place.start([task(f"t{number}", prompt) for number, prompt in enumerate([*floods, bomb])])
        for _ in range(9):
            place.until("limit_reached", after=place.seen[-1]["seq"] if place.seen else 0)
        waits = []
        while len(waits) < 200:
            began = time.perf_counter()
            place.client.status()
            waits.append((time.perf_counter() - began) * 1000)
            time.sleep(0.02)
        load = resident_of(place.client.engine.pid)
        place.client.kill()
    waits.sort()
    with capsys.disabled():
        print(
            f"\neight floods and a fork bomb: status p50 {waits[100]:.1f} p99 {waits[198]:.1f} max {waits[-1]:.1f} ms "
            f"(aim 200), the engine has {load:.0f} MB",
            end="",
        )
    assert waits[198] < 200


def test_an_end_whose_output_is_held_open(tmp_path, capsys):
    """stdout-hold: a daemon of its own session keeps the pipe; the end of the main process is the end."""
    code = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    os.fork() and os._exit(0)\n    signal.pause()\n"
        "os.wait()\nprint(time.monotonic(), flush=True)\n"
    )

    async def scenario():
        keeper = await Keeper.start("holder", records=tmp_path)
        waits = []
        for _ in range(20):
            argv = (sys.executable, "-I", "-S", "-c", code)
            running = await keeper.run(Program(argv=argv, cwd=tmp_path, env=dict(os.environ)))
            ended = await asyncio.wait_for(running.wait(), 5)
            waits.append(time.monotonic() - float(running.tail()))
            assert ended.leftovers == 1
        await keeper.close()
        return sorted(waits)

    waits = run(scenario())
    with capsys.disabled():
        print(
            f"\nstdout-hold: ended {waits[10] * 1000:.1f} ms p50, {waits[-1] * 1000:.1f} ms worst after it (aim 1000)"
        )
    assert waits[-1] < 1
