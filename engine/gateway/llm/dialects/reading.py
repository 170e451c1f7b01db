"""One answer, read while it passes: forwarded first, understood after, and never held back but for what is dropped.

The only thing that may be dropped is the usage chunk that was asked for on the agent's behalf.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import msgspec

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.objects import Objects
from engine.gateway.llm.dialects.packed import Unpacker
from engine.gateway.llm.sse import Event, Events
from engine.gateway.llm.values import Spend

_T = TypeVar("_T")
_NOT_TEXT = frozenset(
    {"type", "id", "role", "object", "name", "index", "call_id", "status", "mime_type", "mimeType", "data"}
    | {"signature", "thoughtSignature", "thought_signature", "encrypted_content", "annotations", "logprobs"}
)


class Meter(ABC):
    """What one answer says about itself, piece by piece. `seen`: bytes of output so far. `error`: one it reported.

    `final`: the output is counted to its end, and the count is credible.
    """

    seen: int = 0
    error: str = ""
    final: bool = False

    @property
    @abstractmethod
    def spend(self) -> Spend | None:
        """The use as told so far, None before anything was told."""

    @abstractmethod
    def take(self, data: bytes) -> bool:
        """Read one piece, which need not be JSON. Says whether it has nothing in it but the usage."""


class Reading:
    """The reader of one answer: of a stream of events, of a whole body, or of a list of objects that grows."""

    def __init__(self, meter: Meter, *, events: bool, packing: str = "", drops: bool = False) -> None:
        self._meter = meter
        self._unpacker = Unpacker(packing) if packing not in {"", "identity"} else None
        self._parser: Events | Objects = Events() if events else Objects()
        self._drops = drops and events and self._unpacker is None
        self._ended = False

    @property
    def spend(self) -> Spend | None:
        """What it cost as far as it was told; only with `final` is its output more than a beginning."""
        told = self._meter.spend
        return replace(told, output=usage.least(self.seen)) if told and self.doubtful else told

    @property
    def final(self) -> bool:
        """Whether `spend` is the last word. Where it never becomes true, the reservation is what is charged."""
        return self._meter.final

    @property
    def doubtful(self) -> bool:
        """Whether less output is told than the bytes that were seen can have; `spend` has the least they can then."""
        told = self._meter.spend
        return self._meter.final and told is not None and told.output < usage.least(self.seen)

    @property
    def seen(self) -> int:
        """Bytes of output text so far."""
        return self._meter.seen

    @property
    def error(self) -> str:
        """What the answer reported as an error, in the middle of a stream too; empty without one."""
        return self._meter.error

    def feed(self, chunk: bytes) -> bytes:
        """Read a portion; returns what goes on to the agent."""
        if self._drops:
            return b"".join(self._kept(self._parser.feed(chunk)))
        for plain in self._unpacker.feed(chunk) if self._unpacker else (chunk,):
            for event in self._parser.feed(plain):
                self._meter.take(event.data)
        return chunk

    def end(self) -> bytes:
        """Nothing more comes; returns what still goes on to the agent."""
        last = None if self._ended else self._parser.end()
        self._ended = True
        if last is None:
            return b""
        rest = b"".join(self._kept([last]))
        return rest if self._drops else b""

    def _kept(self, events: Iterator[Event] | list[Event]) -> Iterator[bytes]:
        for event in events:
            if not self._meter.take(event.data):
                yield event.raw


def understood(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T | None:
    """A piece in the shape that is read here, None where it has another (the end mark, a comment, nonsense)."""
    if not data or data.isspace() or b"[DONE]" in data[:8]:
        return None
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def weigh(value: object) -> int:
    """Bytes of all texts in a piece of an answer, without names and marks."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode(errors="replace"))
    if isinstance(value, dict):
        return sum(weigh(inner) for name, inner in value.items() if name not in _NOT_TEXT)
    return sum(weigh(inner) for inner in value) if isinstance(value, list) else 0


def worded(error: object) -> str:
    """An error as an answer gives it, in words."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("type") or error.get("code") or error.get("status") or "error"
    return str(error)[:500] if error else ""
