"""Looks at agents at work: one at a time, ended with the agent, given up when nobody looks."""

import asyncio
from types import SimpleNamespace

import pytest
from support.aio import run
from support.clones import bench
from support.repos import clean_environment

from engine.api.calls import CallRefused
from engine.processes import records
from engine.processes.confinement.tiers import UNCONFINED
from engine.runtime import looking
from engine.runtime.cells import Cells
from engine.runtime.looking import Looking
from workspaces.clones.rescue import Begun
from workspaces.layout import Layout


@pytest.fixture
def work(tmp_path):
    made = bench(tmp_path, {"a.txt": "one\n"})
    made.prepare()
    made.edit({"new.txt": "n\n"})
    return made


class Scene:
    """A member at work in the clone, and looks at it."""

    def __init__(self, work, folder):
        self.records = folder / "processes"
        env = clean_environment()
        cells = Cells(work.repo, Layout(work.repo.root, folder / "state"), None, env=env, tier=UNCONFINED)
        self.looking = Looking(work.repo, self.records, env, cells)
        self.member = SimpleNamespace(
            spec=SimpleNamespace(name="builder-1"),
            clone=work.clone,
            unfinished=Begun(ref="refs/x", base=work.tip),
            ending=False,
        )

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.looking.close()
        for place in self.looking.places():
            await place.close()
        assert records.read(self.records) == []

    def keepers(self):
        return [record.agent for record in records.read(self.records)]


def slow(folder):
    """A git that says that it began and does not end."""
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/began\nexec sleep 100\n")
    program.chmod(0o755)
    return f"{program.parent}:{clean_environment()['PATH']}"


async def begun(folder):
    while not (folder / "began").exists():
        await asyncio.sleep(0.005)


def test_questions_at_the_same_time_share_one_look(work, tmp_path):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            answers = await asyncio.gather(*(scene.looking.difference(scene.member) for _ in range(5)))
            assert all(answer is answers[0] for answer in answers)
            assert "+++ b/new.txt" in answers[0].text
            assert scene.keepers() == ["_look-builder-1"]
            work.edit({"new.txt": "other\n"})
            assert "+other" in (await scene.looking.difference(scene.member)).text

    run(scenario())


def test_a_look_that_is_not_waited_for_any_more_goes_on_for_the_others(work, tmp_path):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            first = asyncio.create_task(scene.looking.difference(scene.member))
            second = asyncio.create_task(scene.looking.difference(scene.member))
            await asyncio.sleep(0)
            first.cancel()
            assert "+++ b/new.txt" in (await second).text

    run(scenario())


def test_a_kill_ends_the_look_and_tells_who_asked(work, tmp_path):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            scene.looking._env = {**clean_environment(), "PATH": slow(tmp_path)}
            asked = asyncio.create_task(scene.looking.difference(scene.member))
            await begun(tmp_path)
            proof = await scene.looking.kill("builder-1")
            assert proof.gone
            with pytest.raises(CallRefused, match="was ended"):
                await asked
            assert await scene.looking.kill("nobody") is None

    run(scenario())


def test_the_end_of_the_run_ends_looks_under_way(work, tmp_path):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            scene.looking._env = {**clean_environment(), "PATH": slow(tmp_path)}
            asked = asyncio.create_task(scene.looking.difference(scene.member))
            await begun(tmp_path)
        with pytest.raises(CallRefused, match="was ended"):
            await asked

    run(scenario())


def test_the_place_is_given_up_when_nobody_looks_and_made_again(work, tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "IDLE", 0.0)

    async def scenario():
        async with asyncio.timeout(20), Scene(work, tmp_path) as scene:
            for _ in range(2):
                assert (await scene.looking.difference(scene.member)).live
                while scene.keepers():
                    await asyncio.sleep(0.005)

    run(scenario())


@pytest.mark.parametrize("change", [{"unfinished": None}, {"ending": True}])
def test_an_agent_without_work_is_not_looked_at(work, tmp_path, change):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            vars(scene.member).update(change)
            with pytest.raises(CallRefused, match="no work under way") as no:
                await scene.looking.difference(scene.member)
            assert no.value.code == "nothing"
            assert scene.keepers() == []

    run(scenario())


def test_a_look_that_fails_says_why(work, tmp_path):
    async def scenario():
        async with Scene(work, tmp_path) as scene:
            scene.member.unfinished = Begun(ref="refs/x", base="0" * 40)
            with pytest.raises(CallRefused, match="could not be told") as no:
                await scene.looking.difference(scene.member)
            assert (no.value.code, no.value.exit_code) == ("unseen", 1)

    run(scenario())
