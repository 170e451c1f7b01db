"""What the gateway may be given beside vendors and a purse: a memory of answers, and a tape of all that passed.

Both hold answers as the vendor sent them, not as the agent got them: what an answer cost is read from it anew. Neither
ever sees a key: headers come without them, and a path without what stands in its query as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.gateway.llm.values import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it goes to a vendor: `path` with its query, `body` as sent, `model` as named in either."""

    agent: str
    provider: str
    kind: Kind
    method: str
    path: str
    model: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer as it came, in the portions it came in. `cut`: it broke off, or nothing came (then `status` is 0)."""

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[bytes, ...]
    cut: bool = False


class Cache(Protocol):
    """Answers to identical requests. Called in a thread: it may block; it must be safe to call from several."""

    def get(self, asked: Asked) -> Stored | None:
        """The answer to the same question, of whichever agent that shares; None where there is none."""
        ...

    def put(self, asked: Asked, answer: Stored) -> None:
        """Keep a whole, good answer. One that does not fit is dropped in silence."""
        ...


class Tape(Protocol):
    """All that passed between agents and vendors. Either it records, or it plays and no vendor is asked."""

    @property
    def plays(self) -> bool:
        """Whether answers come from here."""
        ...

    def play(self, asked: Asked) -> Stored:
        """The next answer to this request. Raises TapeMiss, which says what differs."""
        ...

    def record(self, asked: Asked, answer: Stored) -> None:
        """Append it, durable when this returns. Called in the order in which requests were sent."""
        ...


class TapeMiss(Exception):
    """What was asked is not on the tape. The text says what differs, for the agent's person; it has no secret in it."""
