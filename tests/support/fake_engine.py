"""An engine without hands: the real mind, durable at once, in memory. Under the same contract suites as the real one.

What its agents print and leave lies in real files, read by the parts that the real engine reads them with; what they
change is what a test says.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
import weakref
from functools import cached_property
from pathlib import Path

import msgspec

from engine.api.calls import CallRefused, Difference
from engine.api.server import Server
from engine.api.status import status
from engine.api.version import VERSION
from engine.core import commands as c
from engine.core.decide import Mind
from engine.core.errors import Refused
from engine.core.events import encode
from engine.core.values import AgentSpec, Limits, TaskSpec
from engine.runtime.follower import Follower
from engine.runtime.sayings import Sayings, Transcript
from engine.runtime.shelf import Shelf
from workspaces.layout import Layout

CREW = (
    AgentSpec(name="builder", runtime="scripted", does=("implement",)),
    AgentSpec(name="reviewer", runtime="scripted", does=("review",)),
)


class FakeEngine:
    def __init__(self, *, version=VERSION):
        self.version = version
        self.mind = Mind()
        self.events = []
        self.ended = asyncio.Event()
        self.release = asyncio.Event()  # cleared: kills wait
        self.release.set()
        self.killed = []
        self._waiters = []
        self.sayings = Sayings()
        self.printing = {}  # agent -> its transcript
        self.put_aside = []  # what `undo --json` has of each
        self.clones = {}  # agent -> {path: text} that it has added
        self.do(c.CameUp(epoch=1, pid=4242, version=version, confinement="unconfined"))

    @cached_property
    def layout(self):
        folder = Path(tempfile.mkdtemp(prefix="qd-fake-", dir="/tmp"))
        weakref.finalize(self, shutil.rmtree, folder)
        layout = Layout(folder / "repository", folder / "state")
        layout.create()
        return layout

    @cached_property
    def shelf(self):
        return Shelf(self.layout, self.mind)

    def do(self, command, actor="engine"):
        try:
            events = self.mind.decide(command, at=self.now(), actor=actor)
        except Refused as no:
            raise CallRefused(no.reason, code=no.code) from no
        self.events += [encode(event) for event in events]
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        return events

    def now(self):
        return float(self.seq + 1)

    @property
    def seq(self):
        return len(self.events)

    def since(self, seq, limit):
        return self.events[seq : seq + limit]

    async def changed(self, seq):
        while self.seq <= seq:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def submit(self, request, *, actor):
        events = self.do(request, actor)
        if isinstance(request, c.PauseAgent):
            self.do(c.Froze(agent=request.agent, processes=1))
        return events

    async def start_run(self, request, *, actor):
        tasks = (TaskSpec(id="parse", title="Parse"), TaskSpec(id="print", title="Print", after=("parse",)))
        self.do(
            c.StartRun(
                run="r1", goal=request.goal, pattern="solo", target="main", base="b0", crew=CREW,
                limits=Limits(), check=("true",), tasks=tasks, review=False,
            ),
            actor,
        )  # fmt: skip
        return "r1"

    async def kill(self, agent):
        if agent is not None and agent not in self.mind.state.agents:
            raise CallRefused(f'no agent "{agent}"', code="unknown")
        await self.release.wait()
        names = list(self.mind.state.agents) if agent is None else [agent]
        for name in names:
            self.do(c.Killed(agent=name, gone=True, proof="empty", processes=1, ms=1.0))
        self.killed += names
        return [{"agent": name, "gone": True} for name in names]

    async def settled(self, agent, wanted):
        while agent is None or self.mind.state.agents[agent].pause != "frozen":
            await self.changed(self.seq)
        return [{"agent": agent, "state": wanted, "proof": "frozen"}]

    async def kept(self):
        return {"kept": self.put_aside, "waiting": [], "folders": [], "merges": [], "dropped": {"count": 0, "at": 0.0}}

    async def state(self):
        return msgspec.json.encode(self.mind.state)

    async def diff(self, *, agent, task, attempt):
        if agent is not None:
            if agent not in self.mind.state.agents:
                raise CallRefused(f'no agent "{agent}"', code="unknown")
            if agent not in self.clones:
                raise CallRefused(f"{agent} has no work under way", code="nothing")
            return Difference(base="b0", text=added(self.clones[agent]), at=1.0, live=True)
        if self.mind.state.run is None or task not in self.mind.state.run.tasks:
            raise CallRefused(f'no task "{task}"', code="unknown")
        raise CallRefused("nothing was claimed", code="nothing")

    def transcript(self, which, *, offset, limit):
        return self.shelf.transcript(which, offset=offset, limit=limit, growing=self.sayings.growing)

    def artifacts(self, task, attempt):
        return self.shelf.artifacts(task, attempt)

    def artifact(self, task, attempt, name, *, offset, limit):
        return self.shelf.artifact(task, attempt, name, offset=offset, limit=limit)

    def follow(self):
        return Follower(self.sayings)

    def say(self, agent, text):
        """Have an agent print this, as a step of the first task."""
        if agent not in self.printing:
            folder = self.layout.transcripts / "r1"
            folder.mkdir(exist_ok=True)
            self.printing[agent] = Transcript(agent, "parse", 1, "work", folder / f"parse.1.work.{agent}.log")
            self.sayings.begin(self.printing[agent])
        with self.printing[agent].path.open("a") as file:
            file.write(text)
        self.sayings.grew(self.printing[agent])

    def status(self):
        return status(self.mind.state, now=time.time(), engine={"pid": 4242, "version": self.version})

    def end(self, *, kill):
        self.do(c.GoesDown(reason="killed" if kill else "ended by the user"))
        self.ended.set()


def added(files):
    """The difference that adds these files."""
    return "".join(
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n"
        for path, text in files.items()
    )


async def serve(path: Path, said) -> None:
    """Serve a fake engine at `path` until it is told to end; `said` is called once with the engine and its server."""
    engine = FakeEngine()
    server = Server(engine, path)
    await server.start()
    said(engine, server)
    await engine.ended.wait()
    await server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), lambda *_: print("ready", flush=True)))
