"""Agents that loop for ever under small budgets: a vendor that honours the limits it is given is never paid more.

The vendor is the scripted one. It counts a token every 1.6 bytes of a request, which is more than any tokenizer did of
whole requests, and writes as much as it may, or a little. `pytest -s` prints the table.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from support.aio import run
from support.llm import Model, model
from support.looping import AGENTS, LINE, Ended, Looper, loop

from engine.gateway.llm import attempts, room
from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.server import Gateway
from engine.gateway.llm.values import Booking, Happening, Hold, Left, Spend, Upstream

BYTES_A_TOKEN = 1.6
RESULT = LINE * 60
SCRIPTS = {
    "greedy": [{"answer": "I go on.", "usage": {"output": 10**9}, "loop": True}],
    "short": [{"answer": "I go on.", "usage": {"output": 60}, "loop": True}],
    "writer": [{"long": 3000, "loop": True}],
    "essay": [{"long": 8000, "loop": True}],
}
MODES = ["hold", "finish", "refuse"]


@dataclass
class Purse:
    """A budget of one agent. In mode hold a person raises it so many times, by as much as it was, and then says no."""

    usd: Decimal | None = None
    tokens: int | None = None
    raises: int = 0
    holds: dict[str, Hold] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    asked: list[Left] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = Left(usd=self.usd, tokens=self.tokens, scope="a")

    def left(self, agent: str) -> Left:
        usd = sum((one.usd for one in (*self.holds.values(), *self.bookings)), Decimal(0))
        tokens = sum(one.tokens.total for one in self.holds.values()) + sum(b.spend.tokens.total for b in self.bookings)
        return Left(
            usd=None if self.limit.usd is None else self.limit.usd - usd,
            tokens=None if self.limit.tokens is None else self.limit.tokens - tokens,
            scope="a",
        )

    def reserve(self, hold: Hold) -> None:
        self.holds[hold.id] = hold

    def settle(self, booking: Booking) -> None:
        del self.holds[booking.id]
        self.bookings.append(booking)

    def release(self, hold: str) -> None:
        del self.holds[hold]

    async def short(self, agent: str, needed: Left, why: str) -> bool:
        self.asked.append(needed)
        if self.raises == 0:
            return False
        self.raises -= 1
        self.limit = Left(
            usd=None if self.limit.usd is None or self.usd is None else self.limit.usd + self.usd,
            tokens=None if self.limit.tokens is None or self.tokens is None else self.limit.tokens + self.tokens,
        )
        return True

    async def parked(self, agent: str, happening: Happening) -> None:
        raise AssertionError(f"nobody limits anything here: {happening}")

    def tell(self, happening: Happening) -> None:
        self.told.append(happening)


@asynccontextmanager
async def gateway(llm: Model, looper: Looper, purse: Purse, mode: str) -> Any:
    """A gateway for the agent `a`, and the address of it."""
    upstream = Upstream(name="v", kind=looper.kind, url=llm.url, key=lambda: "sk-test-real")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)  # noqa: FBT003  so the standard library has it
    server = Gateway({"v": upstream}, purse, prices=Prices(), at_budget=mode)
    await server.open()
    try:
        server.admit("a", Lane(token="sk-test-a"))
        await server.serve("a", listener)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v"
    finally:
        await server.close()
        listener.close()


@pytest.fixture(scope="module")
def vendor() -> Iterator[Model]:
    with model() as llm:
        llm.per = BYTES_A_TOKEN
        llm.scripts.update(SCRIPTS)
        llm.keys = {"sk-test-real"}
        yield llm


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited between tries, and for an agent that was thawed, is nothing here."""
    monkeypatch.setattr(attempts, "BACKOFF", 0.01)
    monkeypatch.setattr(room, "SETTLE", 0.0)


def looped(llm: Model, looper: Looper, purse: Purse, mode: str, script: str, *, at_once: int = 1) -> list[Ended]:
    """One agent, with so many conversations, until each stops; what the vendor counted is in `llm.calls`."""
    llm.calls.clear()

    async def scenario() -> list[Ended]:
        async with gateway(llm, looper, purse, mode) as base:
            return await asyncio.gather(*(loop(looper, base, script, RESULT) for _ in range(at_once)))

    found: list[Ended] = run(scenario())
    assert not purse.holds
    return found


def cost(llm: Model, looper: Looper) -> Decimal:
    """What the vendor would bill."""
    prices, total = Prices(), Decimal(0)
    for call in llm.calls:
        spend = Spend(input=call.true.input, output=call.true.output, model=looper.model)
        price = prices.of(looper.kind, spend)
        assert price is not None
        total += price[0]
    return total


def first_request(looper: Looper) -> int:
    """Tokens of the agent's first request as the vendor counts them, at least."""
    return int(looper.opening / BYTES_A_TOKEN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", AGENTS)
def test_no_agent_spends_more_tokens_than_its_budget_has(vendor: Model, name: str, mode: str) -> None:
    looper = AGENTS[name]
    for script in SCRIPTS:
        for times in (0.5, 2.5, 6.0):
            budget = int(first_request(looper) * times) + 4000
            purse = Purse(tokens=budget)
            [ended] = looped(vendor, looper, purse, mode, script)
            spent, booked = vendor.spent().total, sum(one.spend.tokens.total for one in purse.bookings)
            print(row(name, mode, script, ended, spent, budget))
            assert spent == booked <= budget
            assert stopped(ended, mode, purse)
            assert ended.answers > 0 or times < 1 or script != "short"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "pi"])
def test_no_agent_spends_more_money_than_its_budget_has(vendor: Model, name: str, mode: str) -> None:
    looper = AGENTS[name]
    for script in SCRIPTS:
        for budget in (Decimal("0.05"), Decimal("0.5"), Decimal("1.2")):
            purse = Purse(usd=budget)
            [ended] = looped(vendor, looper, purse, mode, script)
            spent, booked = cost(vendor, looper), sum((one.usd for one in purse.bookings), Decimal(0))
            print(row(name, mode, script, ended, spent, budget))
            assert spent == booked <= budget
            assert stopped(ended, mode, purse)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["claude --bare", "codex", "pi"])
def test_several_conversations_at_once_share_one_budget(vendor: Model, name: str, mode: str) -> None:
    looper = AGENTS[name]
    for script in SCRIPTS:
        budget = first_request(looper) * 8 + 9000
        purse = Purse(tokens=budget)
        found = looped(vendor, looper, purse, mode, script, at_once=4)
        spent = vendor.spent().total
        print(row(f"{name} x4", mode, script, found[-1], spent, budget))
        assert spent == sum(one.spend.tokens.total for one in purse.bookings) <= budget
        assert all(stopped(ended, mode, purse) for ended in found)


TROUBLES: list[dict[str, Any]] = [
    {"what": "cut", "at": 0.3},
    {"what": "cut", "at": 0.9},
    {"what": "no_usage"},
    {"what": "error_event", "at": 0.6},
    {"what": "hang_up"},
    {"what": "status", "status": 503},
    {"what": "garbage"},
    {"what": "gzip"},
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: "-".join(str(value) for value in trouble.values()))
@pytest.mark.parametrize("name", ["claude --bare", "codex", "gemini", "pi"])
def test_answers_that_go_wrong_are_paid_out_of_the_budget(vendor: Model, name: str, trouble: dict[str, Any]) -> None:
    looper = AGENTS[name]
    budget = first_request(looper) * 6 + 40_000
    purse = Purse(tokens=budget)
    fault = vendor.fault(**trouble, times=2, after=1)
    looped(vendor, looper, purse, "refuse", "short")
    vendor.faults.clear()
    spent, booked = vendor.spent().total, sum(one.spend.tokens.total for one in purse.bookings)
    assert fault.struck > 0
    assert spent <= booked <= budget


@pytest.mark.parametrize("name", ["claude --bare", "gemini"])
def test_a_budget_that_a_person_raises_is_spent_in_the_same_conversation_and_no_further(
    vendor: Model, name: str
) -> None:
    looper = AGENTS[name]
    budget = first_request(looper) * 2 + 6000
    purse = Purse(tokens=budget, raises=2)
    [ended] = looped(vendor, looper, purse, "hold", "short")
    once = Purse(tokens=budget)
    [short] = looped(vendor, looper, once, "hold", "short")
    assert purse.limit.tokens == 3 * budget
    assert sum(one.spend.tokens.total for one in purse.bookings) <= 3 * budget
    assert ended.answers > short.answers
    assert set(ended.statuses[:-1]) == {200}


def test_a_compaction_whose_output_can_not_be_limited_is_sent_only_with_room_for_the_longest(vendor: Model) -> None:
    looper = replace(AGENTS["codex"], api="compact", stream=False)
    for script in ("short", "essay"):
        answers = []
        for budget in range(26_000, 140_000, 4000):
            [ended] = looped(vendor, looper, Purse(tokens=budget), "refuse", script)
            assert vendor.spent().total <= budget
            answers.append(ended.answers)
        assert answers[0] == 0 < answers[-1]


@pytest.mark.parametrize("what", ["hang_up", "garbage", "no_usage"])
def test_an_answer_that_tells_nothing_is_booked_in_the_dearest_class_it_may_have_had(vendor: Model, what: str) -> None:
    looper = replace(AGENTS["claude"], stream=False)
    purse = Purse(usd=Decimal(5))
    vendor.fault(what=what, times=1)
    looped(vendor, looper, purse, "refuse", "greedy")
    vendor.faults.clear()
    lost = next(one for one in purse.bookings if one.estimated)
    assert (
        lost.usd
        == Prices().of("anthropic", Spend(cache_write=lost.spend.input, output=lost.spend.output, model=looper.model))[
            0
        ]
    )


def test_a_vendor_that_tells_less_than_it_wrote_is_booked_by_what_was_seen(vendor: Model) -> None:
    purse = Purse(tokens=80_000)
    vendor.fault(what="lie", times=1, factor=1.0, usage={"output": 1})
    looped(vendor, AGENTS["pi"], purse, "refuse", "essay")
    vendor.faults.clear()
    assert (purse.bookings[0].estimated, purse.bookings[1].estimated) == (True, False)
    assert purse.bookings[0].spend.output >= 2000


def row(name: str, mode: str, script: str, ended: Ended, spent: Decimal | int, budget: Decimal | int) -> str:
    """A line of the table."""
    over = max(spent - budget, 0)
    said = f"{name:14} {mode:7} {script:7} {ended.answers:3} answers, then {ended.statuses[-1]}"
    return f"{said}; spent {spent:>9} of {budget:>7}, over by {over}"


def stopped(ended: Ended, mode: str, purse: Purse) -> bool:
    """In the way of that mode: held until a person said no, a good last answer, or a refusal."""
    last = ended.statuses[-1]
    if mode == "finish":
        return last == 200 and b"budget" in ended.last
    return last == 402 and b"budget" in ended.last and bool(purse.asked) == (mode == "hold")
