"""What is particular to a session over the unix socket: nobody there, death, hanging."""

import asyncio
import os
import signal

import pytest
from support.aio import run
from support.served import Served, own_process

from engine.api import inbox
from engine.api import session as sessions
from engine.api.calls import RunRequest
from engine.api.errors import EngineGone, NoEngine
from engine.api.link import unix
from engine.api.session import Session


def test_no_engine(folder):
    with pytest.raises(NoEngine, match="no engine runs here"):
        run(unix(folder / "nobody"))


def test_a_killed_engine_ends_iteration_and_calls_at_once(folder):
    async def scenario(engine):
        async with asyncio.timeout(10), await Session.open(await unix(folder / "s")) as session:
            await session.start_run(RunRequest(goal="g"))
            await session.subscribe(0)
            assert (await anext(session)).kind == "engine_started"
            waiting = asyncio.create_task(session.settled("builder", "paused"))
            await session.status()
            engine.kill()
            with pytest.raises(EngineGone, match="gone"):
                await waiting
            with pytest.raises(EngineGone, match="gone"):
                async for _ in session:
                    pass
            with pytest.raises(EngineGone, match="gone"):
                await session.status()

    with own_process(folder / "s") as engine:
        run(scenario(engine))


def test_an_engine_that_hangs_is_found_out_though_nobody_asks_anything(folder, monkeypatch):
    monkeypatch.setattr(sessions, "SILENCE", 0.2)
    monkeypatch.setattr(sessions, "PATIENCE", 0.3)

    async def scenario(engine):
        async with asyncio.timeout(10), await Session.open(await unix(folder / "s")) as session:
            engine.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, engine.pid, os.WSTOPPED | os.WNOWAIT)
            with pytest.raises(EngineGone, match="hangs") as gone:
                await anext(session)
            assert gone.value.hung
            with pytest.raises(EngineGone, match="hangs"):
                await Session.open(await unix(folder / "s"))

    with own_process(folder / "s") as engine:
        run(scenario(engine))


def test_a_quiet_engine_is_asked_and_not_given_up(served, monkeypatch):
    monkeypatch.setattr(sessions, "SILENCE", 0.01)

    class Counted:
        """A link that counts what is sent."""

        def __init__(self, link):
            self.link, self.pings, self.enough = link, 0, asyncio.Event()
            self.receive, self.close = link.receive, link.close

        async def send(self, frame):
            self.pings += b'"ping"' in frame
            if self.pings == 3:
                self.enough.set()
            await self.link.send(frame)

    async def scenario():
        link = Counted(await unix(served.path))
        async with asyncio.timeout(10), await Session.open(link) as session:
            await session.subscribe(served.seq())
            await link.enough.wait()
            served.notice("at last")
            assert (await anext(session)).data.text == "at last"

    run(scenario())


def test_a_client_that_leaves_is_forgotten(served):
    async def scenario():
        async with await Session.open(await unix(served.path)) as session:
            await session.follow(["builder"], others=True)
            await session.subscribe(0)
            served.wait_for_clients(1)
            assert served.do(lambda engine: len(engine.sayings._ears)) == 1

    run(scenario())
    served.wait_for_clients(0)
    assert served.do(lambda engine: len(engine.sayings._ears)) == 0


def test_what_came_before_the_end_is_taken_first_however_much_it_is(folder):
    async def scenario(served):
        async with asyncio.timeout(20), await Session.open(await unix(served.path)) as session:
            session._inbox = inbox.Inbox(most=50)
            await session.subscribe(0)
            served.notice(*map(str, range(200)))
            while len(session._inbox._items) < 50:
                await asyncio.sleep(0)
            served.do(lambda engine: engine.end(kill=False))
            while session._gone is None:
                await asyncio.sleep(0)
            assert [(await anext(session)).seq for _ in range(50)] == list(range(1, 51))
            with pytest.raises(EngineGone):
                await anext(session)

    with Served(folder / "s") as served:
        run(scenario(served))
