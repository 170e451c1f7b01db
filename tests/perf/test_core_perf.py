"""Figures of the core.

Settle: a run of 10,000 tasks in a random graph (pipeline, 16 builders and 2 reviewers, one work in ten crashes, one
check or review in ten is red), each report answered at once; CPU time of every decision but the one that starts the
run. Replay: the lines of that run, told as often as makes 1,000,000 events, decoded and folded in one pass. Snapshot:
the state of the run at its end and half-way through, MessagePack, decoded and indexed. No journal, no disk; the garbage
collector is on. CPU time, because the machines that run this are shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from time import process_time

import msgspec
import pytest

from engine.core import commands as c
from engine.core import events as e
from engine.core.decide import Mind
from engine.core.state import Run, Stage, State
from engine.core.values import AgentSpec, Change, CheckRun, Limits, TaskSpec

pytestmark = [pytest.mark.perf, pytest.mark.timeout(600)]
TASKS = 10_000
MILLION = 1_000_000


@dataclass
class Measured:
    lines: list[bytes]
    seconds: list[float]  # CPU, one a decision, without the first
    half: bytes
    whole: bytes


class Driver:
    """Answers whatever the mind assigns, until the run is over."""

    def __init__(self, tasks: int, seed: int) -> None:
        self.rng, self.mind = Random(seed), Mind()
        self.lines: list[bytes] = []
        self.seconds: list[float] = []
        self.half = b""
        self._open: dict[str, None] = {}
        self._decide(c.CameUp(epoch=1, pid=1, version="0", confinement="unconfined"))
        self._decide(self._start(tasks))
        self.seconds.clear()

    def _start(self, count: int) -> c.StartRun:
        crew = [AgentSpec(name=f"b-{n}", pool="b", runtime="command", does=("implement",)) for n in range(16)]
        crew += [AgentSpec(name=f"r-{n}", pool="r", runtime="command", does=("review",)) for n in range(2)]
        tasks = [TaskSpec(id="t0", title="t0")]
        for n in range(1, count):
            after = {f"t{self.rng.randrange(n)}" for _ in range(self.rng.randrange(3))}
            tasks.append(TaskSpec(id=f"t{n}", title=f"t{n}", after=tuple(sorted(after))))
        return c.StartRun(
            run="r1",
            goal="g",
            pattern="pipeline",
            target="main",
            base="b",
            crew=tuple(crew),
            limits=Limits(agents=18, attempts=50),
            check=("true",),
            tasks=tuple(tasks),
        )

    def _decide(self, command: c.Command) -> None:
        start = process_time()
        events = self.mind.decide(command, at=float(len(self.lines)))
        self.seconds.append(process_time() - start)
        self.lines += map(e.encode, events)
        for event in events:
            match event.data:
                case e.StageAssigned(stage=name):
                    self._open[name] = None
                case e.StageOpened(stage=name, kind="wait"):
                    self._open[name] = None
                case e.StageClosed(stage=name) | e.StageCancelled(stage=name):
                    self._open.pop(name, None)

    def run(self, half: int) -> Run:
        run = self.mind.state.run
        assert run is not None
        while run.outcome is None:
            stage = run.stages[self.rng.choice(list(self._open))]
            if stage.kind == "merge":
                self._decide(c.GatePassed(stage=stage.id, lease=stage.lease, runs=(self._passed(stage, "M"),)))
            self._decide(c.Finished(stage=stage.id, lease=stage.lease, result=self._result(run, stage)))
            if not self.half and len(self.lines) > half:
                self.half = msgspec.msgpack.encode(self.mind.state)
        return run

    def _passed(self, stage: Stage, tree: str) -> CheckRun:
        return CheckRun(command="true", tree=f"{tree}{stage.task}.{stage.round}", env="e", passed=True, exit=0)

    def _result(self, run: Run, stage: Stage) -> c.Result:
        key, bad = f"{stage.task}.{stage.round}", stage.task != "_" and self.rng.random() < 0.1
        match stage.kind:
            case "work" if bad:
                return c.Broke(reason="it crashed", blame="agent")
            case "work":
                return c.Worked(change=Change(commit=f"c{key}", tree=f"T{key}", base="b", patch=f"p{key}"))
            case "check":
                return c.Checked(runs=(self._passed(stage, "T"),), reason="red" if bad else "")
            case "review":
                return c.Reviewed(verdict="reject" if bad else "approve", patch=f"p{key}")
            case "merge":
                return c.MergeMade(commit=f"m{key}", tree=f"M{key}", parent="p")
            case _:
                return c.Waited()


@pytest.fixture(scope="module")
def measured() -> Measured:
    driver = Driver(TASKS, seed=1)
    run = driver.run(half=110_000)
    assert run.outcome == "verified", run.reason
    return Measured(driver.lines, sorted(driver.seconds), driver.half, msgspec.msgpack.encode(driver.mind.state))


def test_a_decision_with_ten_thousand_tasks(measured, capsys):
    p50, p99, most = (measured.seconds[int(len(measured.seconds) * share)] * 1e3 for share in (0.5, 0.99, 0.99999))
    with capsys.disabled():
        print(
            f"\nsettle, {TASKS} tasks, {len(measured.seconds)} decisions: p50 {p50:.3f}, p99 {p99:.3f}, max {most:.1f} ms"
        )
    assert p99 <= 1.0


def test_a_million_events_are_folded(measured, capsys):
    laps = -(-MILLION // len(measured.lines))
    mind = Mind()
    start = process_time()
    for _ in range(laps):
        mind.replay(e.decode(line) for line in measured.lines)
    seconds = (process_time() - start) * MILLION / (laps * len(measured.lines))
    with capsys.disabled():
        print(f"\nstate from {MILLION} events: {seconds:.2f} s (decode and fold, {len(measured.lines)} lines x {laps})")
    assert seconds <= 8.0


@pytest.mark.parametrize("which", ["half", "whole"])
def test_a_state_is_back_from_a_snapshot(measured, capsys, which):
    packed = getattr(measured, which)
    start = process_time()
    mind = Mind(msgspec.msgpack.decode(packed, type=State))
    seconds = process_time() - start
    with capsys.disabled():
        print(f"\nstate from a snapshot ({which} of the run, {len(packed) / 1e6:.1f} MB): {seconds:.3f} s")
    assert mind.state.run is not None
    assert seconds <= 0.5
