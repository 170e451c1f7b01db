"""What a program's whole tree uses, as its keeper and as the kernel's own books have it."""

from __future__ import annotations

import os
import sys

from support.aio import run
from support.oracle import until

from engine.processes.keeper import Keeper
from engine.processes.values import Program
from engine.processes.weighing import weigh

MB = 1 << 20
FAMILY = """
import mmap, os, signal, sys, threading
if os.fork() == 0:
    os._exit(0)  # a zombie
shared = mmap.mmap(-1, 64 << 20)
shared.write(b"x" * (64 << 20))
for _ in range(3):
    if os.fork() == 0:
        sum(shared[::4096])
        os.write(1, b".")
        signal.pause()
held = threading.Event()
for _ in range(4):
    threading.Thread(target=held.wait, daemon=True).start()
os.write(1, b".")
signal.pause()
"""


def test_threads_and_zombies_count_and_what_is_shared_weighs_once(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        assert (await keeper.measure()).processes == 0
        argv = (sys.executable, "-I", "-c", FAMILY)
        running = await keeper.run(Program(argv=argv, cwd=tmp_path, env=dict(os.environ)))
        await until(lambda: running.tail() == b"....")
        found = await keeper.measure()
        assert found.processes == 1 + 4 + 3 + 1
        assert found.rss > 4 * 64 * MB
        assert 64 * MB < weigh(keeper.record.pid) < 64 * MB + found.rss - 4 * 64 * MB
        assert found.ticks > 0
        await keeper.kill()
        assert (await keeper.measure()).processes == 0
        await keeper.close()

    run(scenario())


def test_of_one_that_may_not_be_looked_into_all_counts(monkeypatch, tmp_path):
    whole = weigh(os.getppid())
    monkeypatch.setattr("engine.processes.weighing.Path", lambda _: tmp_path / "missing")
    assert weigh(os.getppid()) > whole > 0
