"""A real engine in a process of its own that lets events happen at a pace: FOLDER; on stdin RATE COUNT a line.

It says `ready`, and after each round one JSON line: when each event was durable (monotonic, ns) and the CPU it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from support.repos import make

from engine.api.server import Server
from engine.core import commands as c
from engine.journal.keys import KeyRing
from engine.journal.writer import Journal
from engine.runtime.local import LocalEngine
from engine.runtime.record import Record
from workspaces.layout import Layout
from workspaces.repository import Repository


async def paced(engine: LocalEngine, rate: float, count: int) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(began + number / rate - loop.time())
        last = engine.record.report(c.Noticed(text=f"event {number} of a round, with some text as events have it"))
    await last


async def serve(folder: Path) -> None:
    root = make(folder / "repository", {"a": "1\n"})
    layout = Layout(root, folder / "state")
    layout.create()
    journal = Journal.open(layout.journal, signer=KeyRing(layout.keys).signer("engine"))
    engine = LocalEngine(await Repository.open(root), layout, Record(journal))
    await engine.come_up()
    durable: dict[int, int] = {}
    engine.record.listen(lambda event: durable.__setitem__(event.seq, time.monotonic_ns()))
    server = Server(engine, folder / "s")
    await server.start()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        durable.clear()
        before, (rate, count) = time.process_time(), line.split()
        await paced(engine, float(rate), int(count))
        told = json.dumps({"durable": durable, "cpu": time.process_time() - before})
        await asyncio.to_thread(print, told, flush=True)  # more than a pipe holds, and it is read when all is seen
    await server.close()
    await engine.go_down("over", kill=True)
    journal.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
