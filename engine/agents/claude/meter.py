"""What Claude Code has used since we started it: call by call as its stream tells, and by its own sum at each end.

A message's own `usage` is that of its beginning: the output in it is a stand-in. The true count comes in the
`message_delta` that ends it, and for all models together in a result, there since the session's first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.agents import totals
from engine.agents.base import Usage
from engine.agents.claude.words import tokens_of
from engine.agents.totals import Total
from engine.core.values import Tokens


@dataclass(slots=True)
class _Call:
    id: str
    model: str
    usage: dict[str, Any]


class Meter:
    """Of one assignment; `session` is the one that it took up again. Threads are its own ("") and its sub-agents'."""

    def __init__(self, session: str) -> None:
        self._before = totals.before(session)
        self._calls: dict[str, _Call] = {}
        self._ended = Tokens()
        self._since: dict[str, Tokens] = {}
        self._usd = Decimal(0)
        self.context = 0

    def begins(self, thread: str, message: Mapping[str, Any]) -> None:
        """A call of a model is answered."""
        self._calls[thread] = _Call(str(message["id"]), str(message.get("model", "")), dict(message.get("usage") or {}))

    def message(self, thread: str) -> str:
        """The id of the message that is being streamed."""
        return self._calls[thread].id

    def counts(self, thread: str, usage: Mapping[str, Any]) -> Usage:
        """What it used so far, this call with it."""
        call = self._calls[thread]
        call.usage |= {name: value for name, value in usage.items() if value is not None}
        used = tokens_of(call.usage)
        self._since[call.id] = used
        if not thread:
            self.context = used.input + used.cache_read + used.cache_write
        return self._usage(call.model)

    def ends(self, session: str, total: Total) -> Usage:
        """What it used so far, by its own sum; by what was streamed where its sum holds what is not known to be new."""
        if self._before is not None:
            new = total - self._before
            self._ended, self._usd = new.tokens, new.usd
            self._since.clear()
        totals.remember(session, total)
        return self._usage("")

    def _usage(self, model: str) -> Usage:
        tokens = self._ended
        for used in self._since.values():
            tokens += used
        return Usage(tokens=tokens, usd=f"{self._usd:f}", scope="session", model=model)
