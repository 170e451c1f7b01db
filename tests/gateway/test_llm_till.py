"""Reservations against a vendor that honours limits: whatever comes in between, it is never owed more than the budget."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.values import Tokens
from engine.gateway.llm import dialects, till
from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.lanes import Target
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.till import Held, Shortage, Till, Unpriced
from engine.gateway.llm.values import Booking, Hold, Left, Upstream

BYTES_A_TOKEN = 1.6
PRICES = Prices({"m": {"input": 2, "output": 10}})
TARGET = Target(Upstream(name="v", kind="anthropic", url="http://127.0.0.1:1"), "m")
PLAN = Target(Upstream(name="v", kind="anthropic", url="http://127.0.0.1:1", plan=True), "m")
UNKNOWN = Target(TARGET.upstream, "unheard-of-model")
MESSAGES = dialects.of("anthropic", "POST", "/v1/messages")
AGENTS = ("ann", "bob")


@dataclass
class Purse:
    """One budget for everybody."""

    limit: Left
    holds: dict[str, Hold] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    reserved: set[str] = field(default_factory=set)

    def left(self, agent):
        usd = sum((each.usd for each in (*self.holds.values(), *self.bookings)), Decimal(0))
        tokens = sum(each.tokens.total for each in (*self.holds.values(), *(each.spend for each in self.bookings)))
        return Left(
            usd=None if self.limit.usd is None else self.limit.usd - usd,
            tokens=None if self.limit.tokens is None else self.limit.tokens - tokens,
            scope="run",
        )

    def reserve(self, hold):
        assert hold.id not in self.reserved
        self.reserved.add(hold.id)
        self.holds[hold.id] = hold

    def settle(self, booking):
        del self.holds[booking.id]
        self.bookings.append(booking)

    def release(self, hold):
        del self.holds[hold]

    def tell(self, happening):
        raise AssertionError(happening)


def request(size, most):
    body = {"model": "m", "max_tokens": most, "messages": [{"role": "user", "content": "word " * size}]}
    return MESSAGES.parse("/v1/messages", "", json.dumps(body).encode())


def answer(call, tokens_in, out, *, told):
    """What reads an answer of that many tokens; `told` says how much of its figures came before it broke."""
    reading = call.dialect.reading(call, {"content-type": "text/event-stream"})
    usage = {"input_tokens": tokens_in, "output_tokens": 1}
    begin = {"type": "message_start", "message": {"model": "m", "usage": usage}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a bc" * out}}
    final = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": out}}
    for event in [begin, delta, final, {"type": "message_stop"}][:told]:
        reading.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    reading.end()
    return reading


budgets = st.sampled_from([Left(usd=Decimal("0.05")), Left(tokens=20_000), Left(usd=Decimal("0.2"), tokens=9_000)])
requests = st.tuples(st.just("ask"), st.sampled_from(AGENTS), st.integers(0, 800), st.integers(1, 8000))
ends = st.tuples(
    st.sampled_from(["ended", "broken", "left", "released"]), st.integers(0, 7), st.floats(0, 1), st.integers(0, 4)
)


@given(limit=budgets, todo=st.lists(requests | ends, max_size=40))
def test_in_any_order_of_requests_and_ends_the_vendor_is_owed_no_more_than_is_booked_or_held(limit, todo):
    purse = Purse(limit)
    desk, open_requests, owed, sent = Till(purse, PRICES, Estimator()), [], [], 0
    for what, *how in todo:
        if what == "ask":
            agent, size, most = how
            call = request(size, most)
            held = desk.hold(agent, TARGET, call, retry=0, patient=False)
            if isinstance(held, Held):
                sent += 1
                open_requests.append((held, call, min(most, held.most_out or most)))
        elif open_requests:
            number, part, told = how
            held, call, most = open_requests.pop(number % len(open_requests))
            owed.extend(close(held, call, most, what, part, told))
        check(purse, owed, limit)
    assert len(purse.bookings) + len(purse.holds) <= sent
    assert {each.id for each in purse.bookings} <= purse.reserved


def close(held, call, most, what, part, told):
    """End it that way, and what the vendor is owed: it wrote a part of what it might."""
    tokens_in, out = int(call.size / BYTES_A_TOKEN), int(part * most)
    if what == "released":
        held.released()
        held.left()  # as it is called after everything: of no effect
        return []
    if what == "left":
        out = min(out, 1)  # it left at once, and the vendor stopped
    held.reading = answer(call, tokens_in, out, told=told) if told else None
    getattr(held, what)()
    held.left()
    return [(tokens_in, out)]


def check(purse, owed, limit):
    tokens = sum(tokens_in + out for tokens_in, out in owed)
    usd = sum((Decimal(2 * tokens_in + 10 * out) / 1_000_000 for tokens_in, out in owed), Decimal(0))
    assert tokens <= sum(each.spend.tokens.total for each in purse.bookings)
    assert usd <= sum((each.usd for each in purse.bookings), Decimal(0))
    left = purse.left("ann")
    assert limit.usd is None or left.usd >= 0
    assert limit.tokens is None or left.tokens >= 0


def test_one_waits_for_others_rather_than_take_a_little_but_not_for_ever():
    purse, call = Purse(Left(tokens=14_000)), request(0, 8000)
    desk = Till(purse, PRICES, Estimator())
    first = desk.hold("ann", TARGET, call, retry=0, patient=True)
    assert isinstance(first, Held)
    waits = desk.hold("bob", TARGET, call, retry=0, patient=True)
    assert isinstance(waits, Shortage)
    assert waits.others
    at_last = desk.hold("bob", TARGET, call, retry=0, patient=False)
    assert isinstance(at_last, Held)
    assert 1024 <= at_last.most_out < 4096
    at_last.released()
    first.released()
    assert desk.hold("bob", TARGET, call, retry=0, patient=True).most_out is None


def test_who_would_be_short_with_all_the_others_gone_is_short_now():
    desk = Till(Purse(Left(tokens=1500)), PRICES, Estimator())
    found = desk.hold("ann", TARGET, request(2000, 8000), retry=0, patient=True)
    assert isinstance(found, Shortage)
    assert not found.others
    assert found.needed.tokens > 1500
    assert found.needed.usd is None


def test_a_price_that_nobody_knows_stops_a_budget_in_money_only():
    call = request(1, 10)
    with pytest.raises(Unpriced, match=r"no price is known for unheard-of-model"):
        Till(Purse(Left(usd=Decimal(1))), PRICES, Estimator()).hold("ann", UNKNOWN, call, retry=0, patient=True)
    held = Till(Purse(Left(tokens=9999)), PRICES, Estimator()).hold("ann", UNKNOWN, call, retry=0, patient=True)
    assert isinstance(held, Held)


def test_on_a_plan_nothing_is_lowered_and_money_is_not_counted():
    purse, call = Purse(Left(usd=Decimal(0), tokens=10_000)), request(0, 8000)
    held = Till(purse, PRICES, Estimator()).hold("ann", PLAN, call, retry=0, patient=True)
    assert (held.most_out, held.hold.usd) == (None, 0)
    held.reading = answer(call, 50, 100, told=4)
    held.ended()
    (booking,) = purse.bookings
    assert (booking.usd, booking.spend.tokens) == (0, Tokens(input=50, output=100))
    assert booking.price == "plan, about 0.0011 usd at list price"
    assert isinstance(
        Till(purse, PRICES, Estimator()).hold("ann", PLAN, request(0, 9999), retry=0, patient=True), Shortage
    )


def test_of_one_that_left_no_more_is_booked_than_can_have_been_written_by_then(monkeypatch):
    seconds = count(100.0, 2.0)
    monkeypatch.setattr(till.time, "monotonic", lambda: next(seconds))
    purse, call = Purse(Left()), request(0, 8000)
    Till(purse, PRICES, Estimator()).hold("ann", TARGET, call, retry=0, patient=True).left()
    (booking,) = purse.bookings
    assert booking.spend.output == 2 * till.FASTEST
    assert booking.estimated


def test_of_one_that_left_all_that_was_seen_is_booked_however_fast_it_came(monkeypatch):
    monkeypatch.setattr(till.time, "monotonic", lambda: 100.0)
    purse, call = Purse(Left()), request(0, 8000)
    held = Till(purse, PRICES, Estimator()).hold("ann", TARGET, call, retry=0, patient=True)
    held.reading = answer(call, 50, 3000, told=2)
    held.left()
    (booking,) = purse.bookings
    assert booking.spend.input == 50
    assert booking.spend.output == 4 * 3000 / 1.5
