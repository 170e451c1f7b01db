"""A crowd at work, without programs: the real mind with a hundred agents, as many events a second as asked for.

    python storm.py SOCKET --agents 100 --rate 1000 --history 10000

Serves the client protocol at SOCKET until it is ended by signal or by a client. What happens is made up, but it is what
the mind decides: tasks are worked on, checked and merged, tokens are booked, and new tasks come as old ones end.
`--rate 0` is a crowd that stands still. One line a second goes to stdout: seq and how late the storm is.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from pathlib import Path

from support.fake_engine import FakeEngine

from engine.api.server import Server
from engine.core import commands as c
from engine.core.state import ROOT, Stage
from engine.core.values import AgentSpec, Change, CheckRun, Limits, TaskSpec, Tokens

TICK = 0.01
BOOKINGS = 6
"""Bookings for each step of a task's life, so that most events are what most events are."""


class Storm(FakeEngine):
    """A crowd of `agents`, with work for all of them at any time."""

    def __init__(self, agents: int = 100, seed: int = 1, usd: str = "0.001") -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.usd = usd
        self.tasks = 0
        crew = tuple(
            AgentSpec(name=f"agent-{n}", runtime="scripted", does=("implement",)) for n in range(1, agents + 1)
        )
        self.do(
            c.StartRun(
                run="storm", goal="a crowd at work", pattern="solo", target="main", base="b0", crew=crew, review=False,
                limits=Limits(agents=agents), check=("true",), tasks=self._more(2 * agents),
            )
        )  # fmt: skip
        self._finish(next(iter(self.run.stages.values())))
        self._begin()

    @property
    def run(self):
        return self.mind.state.run

    def until(self, seq: int) -> None:
        """Let things happen until the record has `seq` events."""
        while self.seq < seq:
            self.step()

    def step(self) -> None:
        """One step of one task's life, and some bookings."""
        assigned = [stage for stage in self.run.stages.values() if stage.agent]
        merge = next((stage for stage in assigned if stage.kind == "merge"), None)  # there is one at a time
        self._finish(merge or self.random.choice(assigned))
        self._begin()
        for name in self.random.sample(sorted(self.mind.state.agents), BOOKINGS):
            self._book(name)
        if self.run.unended < 2 * len(self.mind.state.agents):
            self.do(c.AddTasks(tasks=self._more(20)), actor="person")

    def _more(self, count: int) -> tuple[TaskSpec, ...]:
        first, self.tasks = self.tasks, self.tasks + count
        return tuple(TaskSpec(id=f"task-{n}", title=f"Piece {n} of the whole") for n in range(first, first + count))

    def _begin(self) -> None:
        for stage in tuple(self.run.stages.values()):
            if stage.kind == "work" and stage.agent and not stage.pid:
                self.do(
                    c.Began(stage=stage.id, lease=stage.lease, pid=1000 + stage.opened, tree=f"trees/{stage.agent}")
                )

    def _book(self, name: str) -> None:
        agent = self.mind.state.agents[name]
        stage = self.run.stages.get(agent.stage)
        task = "" if stage is None or stage.task == ROOT else stage.task
        self.do(c.Spent(agent=name, task=task, tokens=Tokens(input=120, output=40), usd=self.usd))

    def _finish(self, stage: Stage) -> None:
        key = f"{stage.task}.{stage.round}"
        if stage.kind == "work":
            change = Change(commit=f"c-{key}", tree=f"T-{key}", base="b0", patch=f"p-{key}", added=7, removed=2)
            result: c.Result = c.Worked(change=change, summary="made up, as all of this")
        elif stage.kind == "check":
            result = c.Checked(runs=(self._passed(f"T-{key}"),))
        else:
            self.do(c.GatePassed(stage=stage.id, lease=stage.lease, runs=(self._passed(f"M-{key}"),)))
            result = c.MergeMade(commit=f"m-{key}", tree=f"M-{key}", parent="p")
        self.do(c.Finished(stage=stage.id, lease=stage.lease, result=result))

    def _passed(self, tree: str) -> CheckRun:
        return CheckRun(command="true", tree=tree, env="e", passed=True, exit=0)


async def blow(engine: Storm, rate: int) -> None:
    """`rate` events a second until the engine ends; what is late is caught up with."""
    begun, first, told = time.monotonic(), engine.seq, 0.0
    while not engine.ended.is_set():
        await asyncio.sleep(TICK)
        passed = time.monotonic() - begun
        engine.until(first + int(passed * rate))
        if passed - told >= 1:
            told = passed
            print(engine.seq, round(time.monotonic() - begun - passed, 3), flush=True)


async def serve(path: Path, *, agents: int, rate: int, history: int) -> None:
    """Serve a storm at `path`."""
    engine = Storm(agents)
    engine.until(history)
    server = Server(engine, path)
    await server.start()
    print("ready", flush=True)
    await (blow(engine, rate) if rate else engine.ended.wait())
    await server.close()


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("socket", type=Path)
    words.add_argument("--agents", type=int, default=100)
    words.add_argument("--rate", type=int, default=1000)
    words.add_argument("--history", type=int, default=0)
    given = words.parse_args()
    asyncio.run(serve(given.socket, agents=given.agents, rate=given.rate, history=given.history))
