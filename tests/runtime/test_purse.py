"""The purse over a real record and a real spool: nothing is overspent and nothing is lost, whatever comes in between."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run

from engine.core import commands as c
from engine.core import events as e
from engine.core.state import State
from engine.core.values import AgentSpec, Amount, Limits, TaskSpec, Tokens
from engine.gateway.llm.spool import Spool
from engine.gateway.llm.values import Booking, Happening, Hold, Left, Spend
from engine.journal.keys import KeyRing
from engine.journal.writer import Journal
from engine.runtime.purse import RunPurse, book_left_open
from engine.runtime.record import Record

BUDGET = Amount(usd="1", tokens=1000)


class Desk:
    """An engine as far as money goes: up, with a run in which `amy` and `bob` are each at a task."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.epoch = 0
        self.up()

    def up(self) -> None:
        """Take the record up, as an engine does."""
        signer = KeyRing(self.folder / "keys").signer("engine")
        self.journal = Journal.open(self.folder / "journal", signer=signer)
        self.record = Record(self.journal)
        self.spool = Spool(self.folder / "holds")
        self.purse = RunPurse(self.record, self.spool)
        self.epoch += 1
        self.record.report(c.CameUp(epoch=self.epoch, pid=1, version="0", confinement="unconfined"))
        book_left_open(self.record, self.spool, self.booked())

    @property
    def state(self) -> State:
        return self.record.state

    def begin(self, **budgets: Amount) -> None:
        crew = tuple(
            AgentSpec(name=name, runtime="command", does=("implement",), budget=budgets.get(name))
            for name in ("amy", "bob")
        )
        self.record.submit(
            c.StartRun(
                run="r1", goal="g", pattern="solo", target="main", base="b" * 40, crew=crew, review=False,
                limits=Limits(budget=budgets.get("run", BUDGET)), check=("true",),
                tasks=(TaskSpec(id="a", title="a", agent="amy"), TaskSpec(id="b", title="b", agent="bob")),
            )
        )  # fmt: skip
        checked = next(stage for stage in self.state.run.stages.values() if stage.kind == "check")
        self.record.report(c.Finished(stage=checked.id, lease=checked.lease, result=c.Checked(runs=())))
        assert self.state.agents["amy"].stage
        assert self.state.agents["bob"].stage

    def booked(self) -> list[str]:
        since = self.record.since(0, 10_000)
        facts = [e.decode(line).data for line in since]
        return [fact.request for fact in facts if isinstance(fact, e.UsageBooked) and fact.request]

    async def durable(self) -> None:
        await self.record.changed(self.state.seq - 1)
        await asyncio.sleep(0)  # who waits for a booking hears of it after those who wait for the record

    def down(self) -> None:
        self.journal.close()
        self.spool.end()


@contextmanager
def desk(**budgets: Amount):
    folder = Path(tempfile.mkdtemp(prefix="qd-purse-"))
    here = Desk(folder)
    try:
        here.begin(**budgets)
        yield here
    finally:
        here.down()
        shutil.rmtree(folder)


def hold(name: str, *, agent: str = "amy", usd: str = "0.1", tokens: int = 100) -> Hold:
    return Hold(id=name, agent=agent, provider="anthropic", model="m", tokens=Tokens(input=tokens), usd=Decimal(usd))


def booking(of: Hold, *, part: int = 100) -> Booking:
    return Booking(
        id=of.id, agent=of.agent, provider=of.provider, model=of.model,
        spend=Spend(input=of.tokens.input * part // 100), usd=of.usd * part / 100, price="a list",
    )  # fmt: skip


def test_what_is_under_way_is_taken_off_what_is_left_of_every_budget_it_is_under():
    async def scenario():
        with desk(amy=Amount(usd="0.5"), run=Amount(usd="1", tokens=1000)) as here:
            assert here.purse.left("amy") == Left(usd=Decimal("0.5"), tokens=1000, scope="amy", of_tokens="run")
            here.purse.reserve(hold("1", usd="0.4"))
            assert here.purse.left("amy") == Left(usd=Decimal("0.1"), tokens=900, scope="amy", of_tokens="run")
            assert here.purse.left("bob") == Left(usd=Decimal("0.6"), tokens=900, scope="run")
            here.purse.settle(booking(hold("1", usd="0.4"), part=50))
            assert here.purse.left("amy") == Left(usd=Decimal("0.3"), tokens=950, scope="amy", of_tokens="run")
            here.purse.reserve(hold("2"))
            here.purse.release("2")
            assert here.purse.left("amy").tokens == 950

    run(scenario())


def test_what_is_not_limited_has_no_line():
    async def scenario():
        with desk(run=Amount()) as here:
            assert here.purse.left("amy") == Left()

    run(scenario())


def test_a_booking_has_all_that_was_found_out_about_it():
    async def scenario():
        with desk() as here:
            one = hold("1")
            here.purse.reserve(one)
            here.purse.settle(booking(one))
            await here.durable()
            [fact] = [e.decode(line).data for line in here.record.since(0, 1000) if b"usage_booked" in line]
            assert (fact.source, fact.request, fact.price, fact.provider) == ("gateway", "1", "a list", "anthropic")
            assert here.state.run.task("a").usd == "0.1"
            assert here.spool.holds == ()

    run(scenario())


def test_what_an_engine_left_open_is_booked_by_the_next_one_and_only_once():
    async def scenario():
        with desk() as here:
            here.purse.reserve(hold("booked"))
            here.purse.reserve(hold("open", usd="0.2", tokens=7))
            here.purse.settle(booking(hold("booked")))
            await here.durable()
            for _ in range(3):
                here.down()
                here.up()
                await here.durable()
            assert here.booked() == ["booked", "open"]
            assert here.state.run.usd == "0.3"
            assert here.spool.holds == ()

    run(scenario())


def test_a_request_that_does_not_fit_waits_until_its_budget_is_raised():
    async def scenario():
        with desk(amy=Amount(tokens=50)) as here:
            waiting = asyncio.create_task(here.purse.short("amy", Left(tokens=80, scope="amy"), "it needs 80 tokens"))
            while not here.state.agents["amy"].pause:
                await asyncio.sleep(0)
            assert here.state.agents["amy"].waits == "budget"
            assert not waiting.done()
            here.record.submit(c.RaiseBudget(scope="amy", amount=Amount(tokens=10)))  # still too little
            await here.durable()
            assert here.state.agents["amy"].pause
            here.record.submit(c.RaiseBudget(scope="amy", amount=Amount(tokens=40)))
            assert await waiting
            assert not here.state.agents["amy"].pause

    run(scenario())


def test_a_request_of_an_agent_that_a_person_stops_is_refused():
    async def scenario():
        with desk(amy=Amount(tokens=50)) as here:
            waiting = asyncio.create_task(here.purse.short("amy", Left(tokens=80, scope="amy"), "it needs 80 tokens"))
            while not here.state.agents["amy"].pause:
                await asyncio.sleep(0)
            here.record.submit(c.StopAgent(agent="amy"))
            assert not await waiting

    run(scenario())


def test_an_agent_whose_provider_takes_nothing_stands_still_until_then():
    async def scenario():
        with desk() as here:
            until = here.record._clock() + 0.05
            limited = Happening(what="limited", agent="amy", provider="anthropic", model="m", until=until)
            waiting = asyncio.create_task(here.purse.parked("amy", limited))
            while not here.state.agents["amy"].pause:
                await asyncio.sleep(0)
            assert here.state.agents["amy"].waits == "provider"
            await waiting
            assert here.record._clock() >= until
            assert not here.state.agents["amy"].pause

    run(scenario())


def test_a_person_lets_a_parked_agent_go_on_before_its_time():
    async def scenario():
        with desk() as here:
            limited = Happening(what="limited", agent="amy", provider="anthropic", model="m", until=4e9)
            waiting = asyncio.create_task(here.purse.parked("amy", limited))
            while not here.state.agents["amy"].pause:
                await asyncio.sleep(0)
            here.record.submit(c.ResumeAgent(agent="amy"))
            await waiting

    run(scenario())


def test_an_agent_that_was_refused_is_given_nothing_more_until_there_is_more():
    async def scenario():
        with desk(amy=Amount(tokens=50)) as here:
            needed = Left(usd=Decimal("0.1"), tokens=51)
            here.purse.tell(
                Happening(what="refused", agent="amy", provider="anthropic", model="m", why="too much", needed=needed)
            )
            assert not here.state.run.spent_out
            assert here.state.agents["amy"].spent_out
            assert not here.state.agents["amy"].pause

    run(scenario())


@pytest.mark.parametrize("scope", ["amy", "run"])
def test_a_budget_that_is_raised_is_raised_for_the_purse(scope):
    async def scenario():
        with desk(**{scope: Amount(usd="0.1"), "run": Amount(usd="0.1")}) as here:
            here.record.submit(c.RaiseBudget(scope="run", amount=Amount(usd="0.4")))
            here.record.submit(c.RaiseBudget(scope=scope, amount=Amount(usd="0.4")))
            assert here.purse.left("amy").usd >= Decimal("0.5")

    run(scenario())


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["amy", "bob"]), st.integers(1, 400), st.integers(1, 60)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 100), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0), st.just(0)),
        st.tuples(st.just("crash"), st.just(0), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_whatever_happens_in_between_no_budget_is_overspent_and_every_booking_is_of_a_request(steps):
    async def scenario():
        with desk(amy=Amount(usd="0.6"), run=BUDGET) as here:
            under_way: dict[str, Hold] = {}
            asked: dict[str, Hold] = {}
            for step in steps:
                await _one(here, step, under_way, asked)
                run_, amy = here.state.run, here.state.agents["amy"]
                assert Decimal(run_.usd) + sum((one.usd for one in under_way.values()), Decimal(0)) <= 1
                assert run_.tokens.total + sum(one.tokens.total for one in under_way.values()) <= 1000
                assert Decimal(amy.usd) <= Decimal("0.6")
            here.down()
            here.up()
            await here.durable()
            booked = here.booked()
            assert len(booked) == len(set(booked))
            assert set(booked) <= set(asked)
            assert Decimal(here.state.run.usd) <= 1
            assert here.spool.holds == ()

    run(scenario())


async def _one(here: Desk, step: tuple, under_way: dict[str, Hold], asked: dict[str, Hold]) -> None:
    """One thing that happens, as the gateway does it: it asks what is left and takes no more."""
    kind, who, much, cents = step
    if kind == "ask":
        left = here.purse.left(who)
        usd = Decimal(cents) / 100
        if much <= left.tokens and usd <= left.usd:
            one = hold(f"{len(asked)}", agent=who, usd=str(usd), tokens=much)
            here.purse.reserve(one)
            asked[one.id] = under_way[one.id] = one
    elif kind == "crash":
        here.down()
        here.up()
        under_way.clear()  # what it may have cost is booked now
    elif under_way:
        one = under_way.pop(list(under_way)[who % len(under_way)])
        if kind == "settle":
            here.purse.settle(booking(one, part=much))
            await here.durable()
        else:
            here.purse.release(one.id)
