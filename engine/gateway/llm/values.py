"""What passes between the parts of the models' gateway, and the port through which it asks for leave to spend.

Nothing here has a secret in it but `Upstream.key`, which is left out of its `repr`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from engine.core.values import Tokens

Kind = Literal["anthropic", "openai", "gemini"]
"""An API family, as `[gateway.NAME] kind` names it. OpenAI's has two dialects: chat completions and responses."""
Happened = Literal["retry", "limited", "opened", "probing", "closed", "fallback", "cache_hit", "refused", "estimated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Real or reserved use of one request. `input` is without what came from a cache; `cache_write` is of both ages.

    `reasoning` is a part of `output`. `long_write` is the part of `cache_write` that is kept for an hour. `searches`
    are server tools that are billed by the piece. `tier` is the service tier that the answer names.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    long_write: int = 0
    reasoning: int = 0
    searches: int = 0
    tier: str = ""
    model: str = ""

    @property
    def tokens(self) -> Tokens:
        """As the record counts them."""
        return Tokens(input=self.input, output=self.output, cache_read=self.cache_read, cache_write=self.cache_write)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where one configured gateway leads. `key` gives the secret anew each time it is asked (a file, a command).

    `plan`: no key of ours; the agent's own log-in passes through untouched, and money is only notional.
    """

    name: str
    kind: Kind
    url: str
    key: Callable[[], str] | None = field(default=None, repr=False)
    plan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What may still be spent, of the tightest budget of each sort; None: that is not limited.

    `scope` says whose money that is, `of_tokens` whose tokens, where those are another's.
    """

    usd: Decimal | None = None
    tokens: int | None = None
    scope: str = ""
    of_tokens: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reservation: the most that one upstream request can cost. `id` is its request's, unique for ever."""

    id: str
    agent: str
    provider: str
    model: str
    tokens: Tokens
    usd: Decimal
    retry: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one upstream request cost. `price` says where it is from; `estimated`: the stream ended without usage.

    `failed`: the answer was an error that was billed, or a broken stream. `saved`: this came from the cache, and is
    what it would have cost.
    """

    id: str
    agent: str
    provider: str
    model: str
    spend: Spend
    usd: Decimal
    price: str = ""
    estimated: bool = False
    failed: bool = False
    saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something about a provider that people should see. `until` is Unix time, 0 where there is none; `to` a model.

    Of what was `refused` for want of budget, `needed` is what would have done.
    """

    what: Happened
    agent: str
    provider: str
    model: str
    why: str = ""
    until: float = 0.0
    to: str = ""
    attempt: int = 0
    needed: Left | None = None


class Purse(Protocol):
    """Leave to spend. The one who implements it knows the budgets; the gateway knows what a request may cost."""

    def left(self, agent: str) -> Left:
        """What the agent may still spend now, open holds taken off."""
        ...

    def reserve(self, hold: Hold) -> None:
        """Note it, so that a crash does not lose it, before the request is sent. Synchronous: `left` stays true."""
        ...

    def settle(self, booking: Booking) -> None:
        """What it cost after all; closes the hold of that id."""
        ...

    def release(self, hold: str) -> None:
        """It was not sent, or certainly not billed."""
        ...

    async def short(self, agent: str, needed: Left, why: str) -> bool:
        """It does not fit. Returns when that may have changed (True: try again), or is not to (False: refuse it)."""
        ...

    async def parked(self, agent: str, happening: Happening) -> None:
        """A provider takes nothing until `happening.until`; returns when that is over. The agent stands still."""
        ...

    def tell(self, happening: Happening) -> None:
        """Show it."""
        ...
