"""What it costs to hold eight agents to their limits, and how soon one that takes too much memory is gone.

Method: real keepers with families of six processes each, watched as the engine watches them. Processor time is that of
this process and of the keepers (from /proc), less what they use without a watch.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from support.aio import run
from support.oracle import until

from engine.core.values import Limits
from engine.processes import tree
from engine.processes.values import Program
from engine.runtime.body import Body
from engine.runtime.disk import Disk
from engine.runtime.limits import Watch
from engine.runtime.member import Place
from engine.runtime.room import Room

pytestmark = [pytest.mark.perf, pytest.mark.timeout(120)]
SECONDS = 20
TICK = 1 / os.sysconf("SC_CLK_TCK")
LIMITS = Limits(processes=512, memory=4_000_000_000, disk=8_000_000_000, time=7200.0, freeze_idle=900.0)
FAMILY = "import os,signal\nfor _ in range(5):\n    if os.fork() == 0: break\nos.write(1, b'.')\nsignal.pause()"
HOG = "import os,signal\nos.write(1, b'.')\nkept = b'x' * 300_000_000\nsignal.pause()"


def python(code):
    return sys.executable, "-I", "-S", "-c", code


@asynccontextmanager
async def working(folder, name, code, count, limits):
    """A place in which this runs, and its watch."""
    tree_ = folder / name
    for number in range(200):
        (tree_ / str(number % 10)).mkdir(parents=True, exist_ok=True)
        (tree_ / str(number % 10) / str(number)).write_text("x")
    place = Place(name, folder / "records", Room(dict(os.environ)))
    try:
        running = await place.run(Program(argv=python(code), cwd=tree_, env=dict(os.environ)))
        await until(lambda: running.tail() == b"." * count)
        disk = Disk((tree_,), limits.disk)
        watch = Watch(limits, Body(place), disk, tell=lambda _: None, end=lambda _: place.kill(), freeze=lambda: None)
        yield place, running, watch
    finally:
        await place.close()


def used(places):
    """Seconds of processor time so far, of this process and of the keepers."""
    keepers = [tree.look(place.live.record.pid) for place in places]
    return time.process_time(), sum(keeper.ticks for keeper in keepers) * TICK


def test_eight_agents_at_work(tmp_path, capsys):
    async def scenario():
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            found = [await enter(working(tmp_path, f"a{n}", FAMILY, 6, LIMITS)) for n in range(8)]
            places = [place for place, _, _ in found]
            watching = [asyncio.create_task(watch.run()) for _, _, watch in found]
            before = used(places)
            await asyncio.sleep(SECONDS)
            after = used(places)
            assert not any(task.done() for task in watching)
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
        return [(late - early) / SECONDS * 100 for early, late in zip(before, after, strict=True)]

    own, theirs = run(scenario())
    with capsys.disabled():
        print(
            f"\neight agents of six processes watched: {own:.2f} % of a core engine (aim 0.5), {theirs:.2f} % keepers"
        )
    assert own < 0.5
    assert theirs < 2


def test_one_that_takes_too_much_memory(tmp_path, capsys):
    async def scenario():
        limits = Limits(memory=200_000_000)
        async with working(tmp_path, "hog", HOG, 1, limits) as (_, running, watch):
            began = time.monotonic()
            watching = asyncio.create_task(watch.run())
            ended = await running.wait()
            await watching
            assert ended.signal == 9
            assert watch.over.limit == "memory"
            return time.monotonic() - began

    seconds = run(scenario())
    with capsys.disabled():
        print(f"\na hog of 300 MB over a limit of 200 MB: gone after {seconds:.2f} s (aim 2)")
    assert seconds < 5
