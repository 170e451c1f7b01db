"""A crowd at work, without programs: the real mind with a hundred agents, as many events a second as asked for.

    python -m support.storm SOCKET --agents 100 --rate 1000 --lines 200 --history 10000

Serves the client protocol at SOCKET until it is ended by signal or by a client. What happens is made up, but it is what
the mind decides: tasks are worked on, checked and merged, tokens are booked, and new tasks come as old ones end; and
so many lines a second are printed, by one agent after another. One line a second goes to stdout: seq and how late the
storm is. What comes on stdin steers it: `rate N` (0: a crowd that stands still), `lines N`, `burst AGENT LINES`, and
`finish`, which ends the run. `--past` says how many seconds ago all of it seems to happen, `--changed` how many lines
every agent's difference has.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

from support.fake_engine import FakeEngine

from engine.api.calls import Difference
from engine.api.server import Server
from engine.core import commands as c
from engine.core.state import ROOT, Stage
from engine.core.values import AgentSpec, Change, CheckRun, Limits, TaskSpec, Tokens
from engine.runtime.sayings import Transcript

TICK = 0.01
BOOKINGS = 6
"""Bookings for each step of a task's life, so that most events are what most events are."""


class Storm(FakeEngine):
    """A crowd of `agents`, with work for all of them at any time."""

    def __init__(
        self, agents: int = 100, seed: int = 1, usd: str = "0.001", past: float = 0.0, changed: int = 100
    ) -> None:
        self.past, self.changed_lines = past, changed
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

        self.speakers = cycle([spec.name for spec in crew])
        self.words = words()

    @property
    def run(self):
        return self.mind.state.run

    def now(self):
        return time.time() - self.past

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

    def speak(self, agent: str, lines: int) -> None:
        """Have an agent print so many lines, as what it works on."""
        stage = self.run.stages.get(self.mind.state.agents[agent].stage)
        if stage is None:
            return
        name = f"{stage.task}.{stage.round}.{stage.kind}.{agent}.log"
        if agent not in self.printing or self.printing[agent].path.name != name:
            folder = self.layout.transcripts / "storm"
            folder.mkdir(exist_ok=True)
            self.printing[agent] = Transcript(agent, stage.task, stage.round, stage.kind, folder / name)
            self.sayings.begin(self.printing[agent])
        self.say(agent, "".join(next(self.words) for _ in range(lines)))

    def finish(self) -> None:
        """End the run."""
        self.do(c.StopRun(), actor="person")

    async def diff(self, *, agent, task, attempt):
        return Difference(base="b0", text=difference(self.changed_lines), at=self.now(), live=True)

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


def words() -> Iterator[str]:
    """Lines as programs print them, each its own."""
    for number in count():
        yield f"{number:>7} tests/test_piece_{number % 97}.py::test_that_it_holds[{number % 13}] PASSED  [{number % 101}%]\n"


def difference(lines: int) -> str:
    """A difference of about so many lines, in files of a hundred hunks."""
    hunk = "@@ -{0},5 +{0},5 @@ def piece():\n     kept\n-    before {0}\n+    after {0}\n     kept\n     kept\n"
    found = []
    for number in range(max(lines // 6, 1)):
        if number % 100 == 0:
            path = f"src/part_{number // 100}.py"
            found.append(f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n")
        found.append(hunk.format(1 + 20 * (number % 100)))
    return "".join(found)


class Weather:
    """How hard the storm blows, and what it is told meanwhile."""

    def __init__(self, engine: Storm, rate: int, lines: int) -> None:
        self.engine, self.rate, self.lines = engine, rate, lines

    def hear(self) -> None:
        """One line from stdin."""
        match sys.stdin.readline().split():
            case ["rate", number]:
                self.rate = int(number)
            case ["lines", number]:
                self.lines = int(number)
            case ["burst", agent, number]:
                self.engine.speak(agent, int(number))
            case ["finish"]:
                self.rate = self.lines = 0
                self.engine.finish()
            case _:
                asyncio.get_running_loop().remove_reader(sys.stdin)

    async def blow(self) -> None:
        """Go on until the engine ends; what is late is caught up with."""
        due, spoken, before, told = float(self.engine.seq), 0.0, time.monotonic(), time.monotonic()
        while not self.engine.ended.is_set():
            await asyncio.sleep(TICK)
            now = time.monotonic()
            due, spoken, before = due + (now - before) * self.rate, spoken + (now - before) * self.lines, now
            if self.rate:
                self.engine.until(int(due))
            for _ in range(int(spoken)):
                self.engine.speak(next(self.engine.speakers), 1)
            spoken %= 1
            if now - told >= 1:
                told = now
                print(self.engine.seq, round(time.monotonic() - now, 3), flush=True)


async def serve(path: Path, engine: Storm, *, rate: int, lines: int) -> None:
    """Serve a storm at `path`."""
    server = Server(engine, path)
    await server.start()
    weather = Weather(engine, rate, lines)
    asyncio.get_running_loop().add_reader(sys.stdin, weather.hear)
    print("ready", flush=True)
    await weather.blow()
    await server.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("socket", type=Path)
    for name, default in {"agents": 100, "rate": 1000, "lines": 0, "history": 0, "past": 0, "changed": 100}.items():
        options.add_argument(f"--{name}", type=int, default=default)
    given = options.parse_args()
    storm = Storm(given.agents, past=given.past, changed=given.changed)
    storm.until(given.history)
    for speaker in storm.mind.state.agents:
        storm.speak(speaker, 3)
    asyncio.run(serve(given.socket, storm, rate=given.rate, lines=given.lines))
