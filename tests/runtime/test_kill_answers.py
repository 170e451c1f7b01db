"""The answer to a kill waits for the work to be put aside, but not for long; then that is told when it is done."""

import asyncio
from types import SimpleNamespace

import pytest
from support.aio import run

from engine.core import commands as c
from engine.core.values import AgentSpec
from engine.processes.values import Proof
from engine.runtime import supervisor
from engine.runtime.member import Member
from engine.runtime.supervisor import Supervisor
from workspaces.clones.rescue import Begun, Kept
from workspaces.layout import Layout

LEFT = Begun(ref="refs/quarterdeck/kept/R/it/1-9", run="R", task="it", attempt=1, lease=9)


class Record:
    def __init__(self):
        self.told = []

    def report(self, report):
        self.told.append(report)
        done = asyncio.get_running_loop().create_future()
        done.set_result([])
        return done


class Clone:
    """Keeping takes until it is let go."""

    def __init__(self, folder):
        self.folder, self.goes_on = folder, asyncio.Event()

    async def keep(self, begun, why):
        await self.goes_on.wait()
        return Kept(commit="c", size=1, files=("a",))


class Scene:
    def __init__(self, tmp_path):
        self.record, self.clone = Record(), Clone(tmp_path / "builder")
        layout = Layout(tmp_path, tmp_path / "state")
        self.supervisor = Supervisor(self.record, layout)

        async def gone():
            return Proof(gone=True, processes=1, ms=1.0, text="gone")

        async def nothing(_):
            return None

        spec = AgentSpec(name="builder", runtime="command", does=())
        self.member = Member(spec, clone=self.clone, place=SimpleNamespace(kill=gone))
        self.member.unfinished = LEFT
        self.member.leavings.tell = self.record.report
        self.world = SimpleNamespace(members={"builder": self.member}, looking=SimpleNamespace(kill=nothing))

    async def kill(self):
        (found,) = await self.supervisor.kill(["builder"], self.world)
        return found

    def reports(self, kind):
        return [report for report in self.record.told if isinstance(report, kind)]


def test_work_that_is_kept_in_time_is_in_the_answer(tmp_path):
    async def scenario():
        scene = Scene(tmp_path)
        scene.clone.goes_on.set()
        found = await scene.kill()
        assert (found["gone"], found["snapshot"], found["keeping"]) == (True, LEFT.ref, False)

    run(scenario())


def test_an_answer_does_not_wait_for_work_that_takes_long(tmp_path, monkeypatch):
    async def scenario():
        monkeypatch.setattr(supervisor, "KEEPING", 0.01)
        scene = Scene(tmp_path)
        found = await scene.kill()
        assert (found["gone"], found["snapshot"], found["keeping"]) == (True, None, True)
        assert [report.keeping for report in scene.reports(c.Killed)] == [True]
        assert scene.reports(c.PutAside) == []
        scene.clone.goes_on.set()
        assert await scene.member.leavings.put_aside(LEFT, "again") == LEFT.ref
        assert [report.ref for report in scene.reports(c.PutAside)] == [LEFT.ref]

    run(scenario())


def test_what_is_prepared_next_waits_until_it_is_kept(tmp_path, monkeypatch):
    async def scenario():
        monkeypatch.setattr(supervisor, "KEEPING", 0.01)
        scene = Scene(tmp_path)
        await scene.kill()
        next_ = asyncio.create_task(scene.member.leavings.clear_up())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(next_), 0.02)
        scene.clone.goes_on.set()
        await next_
        assert len(scene.reports(c.PutAside)) == 1

    run(scenario())
