"""A repository whose engine plays a given run behind a real socket, for the command line in this process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress

from support.fake_engine import FakeEngine
from support.plays import Play
from support.served import short_folder

from engine.api.calls import CallRefused
from engine.api.server import Server
from engine.core.events import encode
from engine.journal.writer import Journal
from workspaces import layout
from workspaces.identity import identify


class PlayedEngine(FakeEngine):
    """`start_run` publishes a play's events, up to the first of the kind `last`; or it refuses with `refusal`."""

    last = ""

    def __init__(self, play, refusal=None):
        super().__init__()
        self.play, self.refusal = play, refusal
        self.asked = []
        self.mind = Play().mind
        self.events = []

    async def start_run(self, request, *, actor):
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(request)
        if request.resume:
            return self.mind.state.run.id
        kinds = [event.kind for event in self.play.events]
        self.adopt(kinds.index(self.last) + 1 if self.last else len(kinds))
        return "01JDEMO"

    def adopt(self, count):
        """Publish the play up to so many events, and be in the state they make."""
        for event in self.play.events[self.seq : count]:
            self.mind.replay([event])
            self.events.append(encode(event))
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def submit(self, request, *, actor):
        self.asked.append(request)
        return self.do(request, actor)

    async def settled(self, agent, wanted):
        names = list(self.mind.state.agents) if agent is None else [agent]
        return [{"agent": name, "state": wanted, "proof": "all of it", "processes": 2} for name in names]

    async def kill(self, agent):
        if agent is not None and agent not in self.mind.state.agents:
            raise CallRefused(f'no agent "{agent}"', code="unknown")
        names = list(self.mind.state.agents) if agent is None else [agent]
        return [
            {
                "agent": n,
                "gone": n != "reviewer",
                "processes": 3,
                "ms": 12.4,
                "proof": "the kernel says so",
                "snapshot": None,
            }
            for n in names
        ]


class StandIn:
    """The engine of one repository, in a thread."""

    def __init__(self, root, play, refusal=None):
        self.path = layout.socket_path(identify(root).id)
        self._play, self._refusal = play, refusal
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        self.engine = PlayedEngine(self._play, self._refusal)
        server = Server(self.engine, self.path)
        await server.start()
        self._ready.set()
        await self.engine.ended.wait()
        await server.close()

    def do(self, function):
        """Run a function on the engine's loop and give what it returns."""

        async def call():
            return function(self.engine)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.engine.ended.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


def record(root, events):
    """Write these events into the repository's record, as its engine would have."""
    place = layout.Layout(root, layout.state_folder(identify(root).id))
    place.create()

    async def write():
        journal = Journal.open(place.journal)
        try:
            await journal.append(events)
        finally:
            journal.close()

    asyncio.run(write())
    return place


@contextmanager
def folders(monkeypatch):
    """State and sockets in folders of the test."""
    with short_folder() as folder:
        (folder / "run").mkdir(mode=0o700)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        yield folder
