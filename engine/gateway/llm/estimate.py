"""How many tokens a request can have at most, said before it is sent, without a tokenizer.

A first request is judged by its bytes. A later one of the same conversation by what the one before really had, and
by what was added: a token has at least one byte. Whatever turned out too low is remembered, never a mean.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass

from engine.gateway.llm.dialects.base import Call
from engine.gateway.llm.dialects.content import HIDDEN, IMAGE, SEARCH
from engine.gateway.llm.usage import BYTES_PER_TOKEN
from engine.gateway.llm.values import Spend

LEAST_ANSWER = 8192
ANSWER_MARGIN = 1.5
WINDOW = 2_000_000
"""Tokens of the largest context window there is, for models of which it is not known."""
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    """The last request of a conversation: which pieces it had, and what it had in tokens, its answer included."""

    pieces: Counter[int]
    tokens: int

    def then(self, call: Call) -> int:
        """The most a request can have that shares pieces with it. A piece that is there twice counts twice."""
        left, added = self.pieces.copy(), 0
        for piece in call.content.pieces:
            left[piece.digest] -= 1
            added += piece.weight if left[piece.digest] < 0 else 0
        return self.tokens + added


def first(call: Call) -> int:
    """Input tokens of a request by its bytes alone."""
    content = call.content
    text = math.ceil(content.plain / BYTES_PER_TOKEN) + content.dense
    return text + HIDDEN + content.images * IMAGE


class Estimator:
    """What was learned of conversations (agent, model, and how they began) and of models. In memory only."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()
        self._worst: dict[tuple[str, str], float] = {}
        self._longest: dict[str, int] = {}
        self._searched: set[tuple[str, str]] = set()

    def tokens(self, agent: str, call: Call, *, model: str = "", window: int | None = None) -> int:
        """The most input it can have, sent to that model. `window`: of the model, for what is not in the bytes."""
        model = model or call.model
        if call.by_reference:
            return window or WINDOW
        guess = math.ceil(first(call) * self._worst.get((agent, model), 1.0))
        known = self._known.get((agent, model, call.text_key)) if call.text_key else None
        found = call.searches * SEARCH if call.certain or (agent, model) in self._searched else 0
        return found + (guess if known is None else min(guess, known.then(call)))

    def answer(self, model: str) -> int:
        """The output to reserve where the request has no limit and must not be given one."""
        return max(LEAST_ANSWER, math.ceil(self._longest.get(model, 0) * ANSWER_MARGIN))

    def learn(self, agent: str, call: Call, spend: Spend, *, model: str = "") -> None:
        """What a request really had, from an answer that was counted to its end."""
        model = model or call.model
        had = spend.input + spend.cache_read + spend.cache_write
        self._longest[model] = max(self._longest.get(model, 0), spend.output)
        if spend.searches:
            self._searched.add((agent, model))
        elif not call.by_reference:
            ratio = had / first(call)
            self._worst[agent, model] = max(self._worst.get((agent, model), 1.0), ratio)
        key = (agent, model, call.text_key)
        self._known[key] = _Known(Counter(piece.digest for piece in call.content.pieces), had + spend.output)
        self._known.move_to_end(key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
