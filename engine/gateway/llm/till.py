"""Reserves before a request is sent and settles after it: each request that goes to a vendor is one hold, closed once.

What an answer says it cost is what is booked. Where it does not say so to its end, the whole reservation is: it may
have been billed. Of an agent that left in the middle, no more than can have been written by then.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, replace
from decimal import Decimal

from ulid import ULID

from engine.core.values import Tokens
from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.dialects.reading import Reading
from engine.gateway.llm.estimate import Estimator
from engine.gateway.llm.fitting import Fit, Lack, Need, Priced, fit, more
from engine.gateway.llm.lanes import Target
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.usage import BYTES_PER_TOKEN
from engine.gateway.llm.values import Booking, Hold, Left, Purse, Spend

DEFAULT_OUT = 32_000
"""Output tokens of a request that says no limit itself, where a budget needs one."""
COMFORT = 4096
"""Output tokens. Rather than with less a request waits for others to end, which give back what they do not use."""
FASTEST = 500
"""Tokens a second: no vendor's model writes faster, so that a request that was left after a while has a bound."""
_FREE = Decimal(0)


class Unpriced(Exception):
    """A budget in money, and nobody knows what the model costs."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"no price is known for {model}, and the budget is in money; write its prices under "
            f"[prices.{model!r}] in your own settings, or give a budget in tokens"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """There is no room now. `others`: there will be when requests end that are under way."""

    needed: Left
    others: bool


class Till:
    """The one place that moves money between the gateway and the purse."""

    def __init__(self, purse: Purse, prices: Prices, estimator: Estimator) -> None:
        self._purse, self._prices, self._estimator = purse, prices, estimator
        self._held: dict[str, Hold] = {}
        self._most: dict[tuple[str, str], int] = {}
        self._closed = asyncio.Event()

    def hold(self, agent: str, target: Target, call: Call, *, retry: int, patient: bool) -> Held | Shortage:
        """Reserve for one request to this target, or say what lacks; who is `patient` rather waits for others to end.

        Raises Unpriced, and what the purse raises.
        """
        need, left = self._need(agent, target, call), self._purse.left(agent)
        found = fit(need, left)
        if found is None:
            raise Unpriced(target.model)
        possible = fit(need, more(left, *self._sums(agent, left.scope))) if patient else found
        if isinstance(possible, Fit) and (isinstance(found, Lack) or found.out < min(COMFORT, possible.out)):
            return Shortage(needed=_needed(need, found, left), others=True)
        if isinstance(found, Lack):
            return Shortage(needed=found.needed, others=False)
        return self._reserved(agent, target, call, need, found, left, retry)

    async def changed(self, seconds: float) -> None:
        """Wait until a hold is closed, but no longer than that."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            pass

    def most(self, target: Target, tokens: int) -> None:
        """A vendor said that a model takes no larger limit on its output than this."""
        self._most[target.name] = tokens

    def saved(self, agent: str, target: Target, reading: Reading) -> None:
        """Book an answer from the cache: what it would have cost."""
        spend = replace(reading.spend or Spend(), model=target.model)
        usd, source = self._price(target, spend)
        booking = Booking(
            id=_id(), agent=agent, provider=target.upstream.name, model=target.model, spend=spend, usd=usd,
            price=source, saved=True,
        )  # fmt: skip
        self._purse.settle(booking)

    def _need(self, agent: str, target: Target, call: Call) -> Need:
        kind, model, plan = target.upstream.kind, target.model, target.upstream.plan
        window = self._prices.window(kind, model) if call.by_reference else None
        tokens_in = self._estimator.tokens(agent, call, model=model, window=window)
        fixed = plan or call.open_ended  # nothing can be lowered
        unsaid = self._estimator.answer(model) if fixed else self._most.get(target.name, DEFAULT_OUT)
        wanted = max(call.most_out if call.most_out is not None else unsaid, 1)

        def price(out: int) -> Priced:
            return (_FREE, "plan") if plan else self._prices.most(kind, model, call, tokens_in, out * call.choices)

        return Need(
            tokens_in=tokens_in,
            wanted=wanted,
            least=wanted if fixed else max(min(call.floor_out, wanted), 1),
            price=price,
            choices=call.choices,
        )

    def _reserved(  # noqa: PLR0917  all that a hold is made of
        self, agent: str, target: Target, call: Call, need: Need, found: Fit, left: Left, retry: int
    ) -> Held:
        limited = left.usd is not None or left.tokens is not None
        hold = Hold(
            id=_id(),
            agent=agent,
            provider=target.upstream.name,
            model=target.model,
            tokens=Tokens(input=need.tokens_in, output=found.out * need.choices),
            usd=found.usd,
            retry=retry,
        )
        self._purse.reserve(hold)
        self._held[hold.id] = hold
        lowered = found.out < need.wanted or (limited and call.most_out is None)
        return Held(self, hold, call, target, most_out=found.out if lowered and not target.upstream.plan else None)

    def _sums(self, agent: str, scope: str) -> tuple[Decimal, int]:
        """What is held by the requests that are under way, of those that count in that scope."""
        wide = scope in {"run", "day"}
        holds = [hold for hold in self._held.values() if wide or hold.agent == agent]
        return sum((hold.usd for hold in holds), _FREE), sum(hold.tokens.total for hold in holds)

    def _price(self, target: Target, spend: Spend) -> tuple[Decimal, str]:
        """What it cost, by the model that answered if that one is known. A plan's is only what it would have cost."""
        kind = target.upstream.kind
        found = self._prices.of(kind, spend, target.model)
        if not target.upstream.plan:
            return found or (_FREE, "unknown")
        return _FREE, f"plan, about {found[0]:.4f} usd at list price" if found else "plan"

    def _guessed(self, held: Held, spend: Spend) -> tuple[Decimal, str]:
        """Of an answer that told nothing it is not known which part came from a cache, or was written to one."""
        target = held.target
        most = self._prices.most(target.upstream.kind, target.model, held.call, spend.input, spend.output)
        return self._price(target, spend) if target.upstream.plan or most is None else most

    def _learn(self, held: Held, spend: Spend) -> None:
        self._estimator.learn(held.hold.agent, held.call, spend, model=held.target.model)

    def _book(self, held: Held, spend: Spend, *, estimated: bool, failed: bool) -> None:
        spend = spend if spend.model else replace(spend, model=held.target.model)
        usd, source = self._price(held.target, spend) if held.told else self._guessed(held, spend)
        hold = held.hold
        booking = Booking(
            id=hold.id, agent=hold.agent, provider=hold.provider, model=spend.model, spend=spend, usd=usd,
            price=source, estimated=estimated, failed=failed,
        )  # fmt: skip
        self._purse.settle(booking)
        self._close(hold)

    def _release(self, hold: Hold) -> None:
        self._purse.release(hold.id)
        self._close(hold)

    def _close(self, hold: Hold) -> None:
        del self._held[hold.id]
        self._closed.set()
        self._closed = asyncio.Event()


class Held:
    """A reservation that is open, and is closed by the first of these that is called. `reading` is of its answer."""

    def __init__(self, till: Till, hold: Hold, call: Call, target: Target, *, most_out: int | None) -> None:
        self._till, self.hold, self.call, self.target = till, hold, call, target
        self.most_out = most_out
        self.reading: Reading | None = None
        self._began = time.monotonic()
        self._open = True

    def released(self) -> None:
        """It was not sent, or certainly not billed."""
        if self._closing():
            self._till._release(self.hold)  # noqa: SLF001  one idea in two classes

    def ended(self) -> None:
        """Its answer came to an end. What it said is booked, if it said so to the end; or else all that is held."""
        if not self._closing():
            return
        told = self._told
        if told is not None:
            self._till._learn(self, told)  # noqa: SLF001
        self._book(told or self._most, estimated=told is None or self._doubtful, failed=self._error)

    def broken(self) -> None:
        """It was sent, and the answer broke off or never came: all that is held, as it may have been billed."""
        if self._closing():
            told = self._told
            self._book(told or self._most, estimated=told is None or self._doubtful, failed=True)

    def left(self) -> None:
        """The agent left. The vendor stopped there, so that no more was written than was seen, or fits in the time."""
        if not self._closing():
            return
        told = self._told
        self._book(told or self._by_now, estimated=told is None or self._doubtful)

    @property
    def told(self) -> bool:
        """Whether its answer told anything of what it used."""
        return self.reading is not None and self.reading.spend is not None

    @property
    def _told(self) -> Spend | None:
        """What the answer said to its end."""
        return self.reading.spend if self.reading and self.reading.final else None

    @property
    def _doubtful(self) -> bool:
        return self.reading is not None and self.reading.doubtful

    @property
    def _error(self) -> bool:
        return self.reading is not None and bool(self.reading.error)

    @property
    def _most(self) -> Spend:
        """All that is held; of the input, what was told if it was."""
        tokens, told = self.hold.tokens, self.reading.spend if self.reading else None
        if told is None:
            return Spend(input=tokens.input, output=tokens.output, model=self.target.model)
        return replace(told, output=max(told.output, tokens.output))

    @property
    def _by_now(self) -> Spend:
        seen = math.ceil((self.reading.seen if self.reading else 0) / BYTES_PER_TOKEN)
        written = max(seen, math.ceil((time.monotonic() - self._began) * FASTEST))
        told = self.reading.spend.output if self.reading and self.reading.spend else 0
        return replace(self._most, output=max(told, min(written, self.hold.tokens.output)))

    def _book(self, spend: Spend, *, estimated: bool, failed: bool = False) -> None:
        self._till._book(self, spend, estimated=estimated, failed=failed)  # noqa: SLF001

    def _closing(self) -> bool:
        was, self._open = self._open, False
        return was


def _needed(need: Need, found: Fit | Lack, left: Left) -> Left:
    if isinstance(found, Lack):
        return found.needed
    return Left(
        usd=None if left.usd is None else found.usd,
        tokens=None if left.tokens is None else need.tokens(found.out),
        scope=left.scope,
    )


def _id() -> str:
    return str(ULID())
