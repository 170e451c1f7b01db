"""Many agents at once, with no socket between: no interleaving spends more than there is, or leaves a hold open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run
from support.gate import OnePurse

from engine.gateway.llm import attempts, health, room, way
from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.exchange import Incoming
from engine.gateway.llm.forward import forward
from engine.gateway.llm.health import FAILURES, Health
from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.load import Load
from engine.gateway.llm.parts import Keys, Parts
from engine.gateway.llm.ports import Asked, Stored
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.spool import Spool, open_holds
from engine.gateway.llm.till import Till
from engine.gateway.llm.upstreams import Answer, Lines, Lost, Played, Unsent
from engine.gateway.llm.values import Booking, Happening, Hold, Left, Upstream

VENDOR = Upstream(name="v", kind="anthropic", url="http://v", key=lambda: "sk-test")
MODEL = "claude-sonnet-5-5"


@contextmanager
def at_once() -> Iterator[None]:
    """What is waited for in real life takes no time here."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((attempts, "BACKOFF"), (attempts, "LONGEST_BACKOFF"), (way, "SETTLE"), (room, "SETTLE")):
            patch.setattr(module, name, 0.0)
        patch.setattr(way, "PROBED", 0.0)
        patch.setattr(room, "OTHERS", 0.05)
        yield


class Purse(OnePurse):
    """Looks at each step whether more is spent or held than there is, and whether the spool says the same."""

    def __init__(self, spool: Spool, path: Path, **budget: Any) -> None:
        super().__init__(**budget)
        self.spool, self.path = spool, path

    def reserve(self, hold: Hold) -> None:
        self.spool.reserve(hold)
        super().reserve(hold)
        self.looked()

    def settle(self, booking: Booking) -> None:
        assert booking.id in self.open
        super().settle(booking)
        self.spool.close(booking.id)
        self.looked()

    def release(self, hold: str) -> None:
        super().release(hold)
        self.spool.close(hold)
        self.looked()

    def looked(self) -> None:
        left = self.left("")
        assert left.usd is None or left.usd >= 0
        assert left.tokens is None or left.tokens >= 0
        assert open_holds(self.path.read_bytes()) == self.open


@dataclass
class Vendor:
    """Answers in its time, as `says` gives it for each request; keeps to the limit it is given. `true` is its bill."""

    says: Callable[[], tuple[str, float]]
    sent: int = 0
    true: int = 0
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
        self.sent += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(asked)
        finally:
            self.at_once -= 1

    async def _answer(self, asked: Asked) -> Answer:
        what, part = self.says()
        for _ in range(int(part * 5)):
            await asyncio.sleep(0)
        if what == "unsent":
            raise Unsent("v", "away")
        body = json.loads(asked.body)
        used = {"input_tokens": len(asked.body) // 3, "output_tokens": int(body["max_tokens"] * part)}
        if what.isdigit():
            return Played(
                "v", Stored(status=int(what), headers=(("retry-after", "0.01"),) * (what == "429"), chunks=(b"{}",))
            )
        self.true += sum(used.values())
        if what == "lost":
            raise Lost("v", "broke")
        events = [
            {"type": "message_start", "message": {"model": MODEL, "usage": used | {"output_tokens": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": used},
            {"type": "message_stop"},
        ]
        chunks = tuple(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)
        cut = what == "cut"
        head = (("content-type", "text/event-stream"),)
        return Played("v", Stored(status=200, headers=head, chunks=chunks[:1] if cut else chunks, cut=cut))

    async def close(self) -> None:
        pass


@dataclass
class Out:
    """What an agent got. One that leaves does so at its first byte."""

    leaves: bool = False
    status: int = 0
    body: bytes = b""
    was_cut: bool = False
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self, status: int, headers: Lines) -> None:
        self.status = status
        if self.leaves:
            raise ConnectionResetError

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.body += data

    def cut(self) -> None:
        self.was_cut = True


def parts(purse: OnePurse, vendor: Vendor, wall: Callable[[], float] = lambda: 0.0) -> Parts:
    return Parts(
        upstreams={"v": VENDOR}, purse=purse, till=Till(purse, Prices({}), Estimator()), health=Health(), sender=vendor,
        keys=Keys(), at_budget="hold", cache=None, wall=wall,
    )  # fmt: skip


async def ask(shared: Parts, agent: str, out: Out, *, size: int = 100, most: int = 2000) -> Out:
    body = {"model": MODEL, "max_tokens": most, "stream": True, "messages": [{"role": "user", "content": "x " * size}]}
    load = Load()
    incoming = Incoming(
        agent=agent, lane=Lane(token="t"), upstream=VENDOR, method="POST", path="/v1/messages", query="", headers=[],
        body=json.dumps(body).encode(), share=await load.turn(),
    )  # fmt: skip
    try:
        await forward(shared, incoming, out)
    except ConnectionError:
        assert out.leaves
    return out


ENDS = ["ok", "ok", "ok", "cut", "lost", "unsent", "503", "429", "400"]
REQUEST = st.tuples(
    st.sampled_from("abc"), st.integers(1, 3000), st.integers(1, 9000), st.booleans(), st.integers(-1, 9)
)
BUDGET = st.one_of(
    st.builds(dict, tokens=st.integers(500, 60_000)),
    st.builds(dict, usd=st.integers(1, 60).map(lambda cents: Decimal(cents) / 100)),
)


INTERLEAVINGS = given(
    st.lists(REQUEST, min_size=1, max_size=9),
    st.lists(st.tuples(st.sampled_from(ENDS), st.floats(0, 1)), min_size=1, max_size=20),
    BUDGET,
    st.lists(st.none() | st.just(Left(usd=Decimal("0.2"), tokens=5000)), max_size=3),
)


@settings(max_examples=15, deadline=None)
@INTERLEAVINGS
def test_no_interleaving_spends_more_than_there_is_or_leaves_a_hold_open(requests, ends, budget, raises):
    interleaved(requests, ends, budget, raises)


@pytest.mark.soak
@settings(max_examples=600, deadline=None)
@INTERLEAVINGS
def test_none_of_many_interleavings_does(requests, ends, budget, raises):
    interleaved(requests, ends, budget, raises)


def interleaved(requests, ends, budget, raises):
    """These requests at once, ending like that."""

    async def scenario(path):
        spool = Spool(path)
        purse = Purse(spool, path, **budget, says=list(raises))
        order = iter(ends)
        vendor = Vendor(lambda: next(order, ("ok", 0.5)))
        clock = [0.0]

        async def parked(agent: str, happening: Happening) -> None:
            await asyncio.sleep(0)
            clock[0] = max(clock[0], happening.until)

        def wall() -> float:
            clock[0] += 0.01
            return clock[0]

        purse.parked = parked
        shared = parts(purse, vendor, wall)
        tasks = []
        for agent, size, most, leaves, cancelled in requests:
            tasks.append((asyncio.create_task(ask(shared, agent, Out(leaves), size=size, most=most)), cancelled))
        for step in range(10):
            await asyncio.sleep(0)
            for task, cancelled in tasks:
                if cancelled == step:
                    task.cancel()
        found = await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        spool.end()
        assert not [error for error in found if isinstance(error, Exception)]
        assert not purse.open
        assert not shared.till._held
        if not any(leaves or cancelled >= 0 for _, _, _, leaves, cancelled in requests):  # then it stops writing
            assert vendor.true <= sum(one.spend.tokens.total for one in purse.booked)
        ids = [hold.id for hold in purse.holds]
        closed = [one.id for one in purse.booked] + purse.released
        assert sorted(ids) == sorted(closed)

    with at_once(), TemporaryDirectory() as folder:
        run(scenario(Path(folder) / "holds"))


def test_a_storm_of_limits_parks_each_agent_once_and_lets_one_go_first(monkeypatch):
    monkeypatch.setattr(health, "PACE", 0.02)
    agents = [f"agent-{number}" for number in range(10)]

    async def scenario():
        now, says = [1000.0], ["429"] * 11
        began = asyncio.get_running_loop().time()
        vendor = Vendor(lambda: (says.pop() if says else "ok", 0.0))
        purse, over, here = OnePurse(), asyncio.Event(), set()

        async def parked(agent: str, happening: Happening) -> None:
            purse.parks.append(happening)
            here.add(agent)
            if len(here) == len(agents):
                here.clear()
                now[0] = happening.until + 1
                over.set()
            await over.wait()
            await asyncio.sleep(0)
            over.clear()

        purse.parked = parked
        shared = parts(purse, vendor, lambda: now[0] + asyncio.get_running_loop().time() - began)
        monkeypatch.setattr(attempts, "judged", lambda reply, at, _: attempts.Limited(at + 3600))
        outs = await asyncio.gather(*(ask(shared, agent, Out()) for agent in agents))
        assert [out.status for out in outs] == [200] * len(agents)
        each = [sum(1 for one in purse.parks if one.agent == agent) for agent in agents]
        assert each == [2] * len(agents)  # the vendor said no once more to the one that went first
        assert vendor.sent == len(agents) + 1 + len(agents)
        assert len(purse.heard("limited")) == len(agents) + 1
        assert not purse.open

    with at_once():
        run(scenario())


def test_failures_of_several_agents_count_together_and_one_of_them_probes_for_all():
    async def scenario():
        now, says = [1000.0], ["503"] * FAILURES
        vendor = Vendor(lambda: (says.pop() if says else "ok", 1.0))
        purse, parked_at = OnePurse(), []

        async def parked(agent: str, happening: Happening) -> None:
            parked_at.append(vendor.sent)
            now[0] = max(now[0], happening.until)
            await asyncio.sleep(0)

        purse.parked = parked
        shared = parts(purse, vendor, lambda: now[0])
        outs = await asyncio.gather(*(ask(shared, f"agent-{number}", Out()) for number in range(FAILURES)))
        assert [out.status for out in outs] == [200] * FAILURES
        assert len(purse.heard("opened")) == 1
        assert len(purse.heard("closed")) == 1
        assert len(purse.heard("retry")) == FAILURES - 1
        assert vendor.sent == 2 * FAILURES
        assert min(parked_at, default=FAILURES) >= FAILURES

    with at_once():
        run(scenario())
