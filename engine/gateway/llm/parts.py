"""What all requests share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.gateway.llm.health import Health
from engine.gateway.llm.ports import Cache
from engine.gateway.llm.till import Till
from engine.gateway.llm.upstreams import Sender
from engine.gateway.llm.values import Purse, Upstream

AtBudget = Literal["hold", "finish", "refuse"]
"""What a request meets that does not fit: it waits for the person, ends the agent's turn, or is an error."""
KEY_SECONDS = 60.0
"""A key is asked for again after this long, and at once after it was refused."""


class Keys:
    """Keys of gateways. Where they come from may block, so it is asked in a thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    async def of(self, upstream: Upstream) -> str:
        """The key, "" where there is none. Raises what its source raises."""
        if upstream.key is None:
            return ""
        key, until = self._known.get(upstream.name, ("", 0.0))
        if time.monotonic() >= until:
            key = await asyncio.to_thread(upstream.key)
            self._known[upstream.name] = key, time.monotonic() + KEY_SECONDS
        return key

    def refused(self, upstream: Upstream) -> None:
        """It was not taken: it may have been changed since."""
        self._known.pop(upstream.name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One of each, for one gateway."""

    upstreams: Mapping[str, Upstream]
    purse: Purse
    till: Till
    health: Health
    sender: Sender
    keys: Keys
    at_budget: AtBudget
    cache: Cache | None
    wall: Callable[[], float]
