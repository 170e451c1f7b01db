"""The session contract over the unix socket, by the fake and by the real engine."""

import asyncio
from contextlib import suppress

import pytest
from support.served import ServedReal
from support.session_contract import SessionContract, until

from engine.api.calls import CallRefused
from engine.api.link import unix


@pytest.fixture
def link(served):
    return lambda: unix(served.path)


class TestASessionOfTheFakeEngine(SessionContract):
    """Fixtures are those of this folder."""


class TestASessionOfTheRealEngine(SessionContract):
    """The same, with agents that are programs."""

    @pytest.fixture
    def served(self, folder):
        with ServedReal(folder / "engine.sock") as engine:
            yield engine

    def test_what_was_claimed_and_left_can_be_read_when_the_work_is_done(self, play, served):
        async def scenario(new):
            session = await new()
            await session.subscribe(0)
            await session.start_run(served.request)
            await asyncio.to_thread(served.say, "at work")
            await asyncio.to_thread(served.write, "new.txt", "hello")
            await asyncio.to_thread(served.finish)
            await until(session, lambda event: event.kind == "run_ended")
            (task,) = (await session.state()).run.tasks
            claimed = await session.diff(task=task)
            assert ("+hello" in claimed.text, claimed.live, claimed.cut) == (True, False, 0)
            assert await session.diff(task=task, attempt=1) == claimed
            with pytest.raises(CallRefused, match="no work under way"):
                await session.diff(agent="builder")
            assert {"change.diff", "check-1.log"} <= {each.name for each in await session.artifacts(task)}
            assert (await session.artifact(task, 1, "change.diff")).text == claimed.text
            assert (await session.transcript(task=task)).text == "at work\n"

        play(scenario)

    def test_a_kill_of_an_agent_that_is_looked_at_is_proven(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            await asyncio.to_thread(served.write, "new.txt", "hello")
            looking = asyncio.create_task(session.diff(agent="builder"))
            (killed,) = await session.kill("builder")
            assert killed["gone"]
            with suppress(CallRefused):
                assert "+hello" in (await looking).text

        play(scenario)
