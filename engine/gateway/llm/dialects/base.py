"""What the dialects of the vendors have in common: a request that was understood, and what reads its answer.

A dialect knows bytes: where a model, a limit and a price class stand in a request, and what an answer says it cost.
It sends nothing, and decides nothing about money.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.gateway.llm.dialects.content import Content
from engine.gateway.llm.dialects.fields import Fields
from engine.gateway.llm.dialects.reading import Meter, Reading
from engine.gateway.llm.values import Kind

LEAST_OUT = 1024
"""Output tokens below which an answer is not worth its input."""
CacheAge = Literal["", "5m", "1h"]
Headers = dict[str, str]
JSON: Headers = {"content-type": "application/json"}
SSE: Headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Plain:
    """A path that costs nothing and passes unmetered: what models there are, how many tokens a text has."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that would cost what nobody could meter, and why."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that costs. `most_out`: the output it allows each of its `choices`, None where it says nothing.

    `floor_out`: the least that a smaller limit may be. `cache_age`: the dearest write to a cache that it asks for.
    `by_reference`: something in it is not in its bytes (a file's id, an earlier answer), so they bound nothing.
    `tier`: the service tier it asks for, with `+us` where it asks for that place. `searches`: how many it may make,
    `certain` where it hardly does without. `open_ended`: its API has no limit on the output.
    """

    dialect: Dialect
    path: str
    model: str
    stream: bool
    most_out: int | None
    fields: Fields = field(repr=False)
    content: Content = field(repr=False)
    floor_out: int = LEAST_OUT
    choices: int = 1
    cache_age: CacheAge = ""
    tier: str = ""
    searches: int = 0
    certain: bool = False
    sse: bool = True
    open_ended: bool = False

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return self.content.size

    @property
    def by_reference(self) -> bool:
        """See the class."""
        return self.content.by_reference

    @property
    def text_key(self) -> str:
        """The conversation, by what it began with; empty where one request says nothing about the next."""
        return self.content.key

    def changed(self, *, model: str = "", most_out: int | None = None, count: bool = True) -> tuple[str, bytes]:
        """Path and body to send: for that model, with that limit, told to count where that must be asked for.

        Byte by byte what came, where nothing of that changes it.
        """
        return self.dialect.changed(self, model=model, most_out=most_out, count=count)


class Dialect(ABC):
    """One API. Its objects have no state."""

    name: str
    kind: Kind

    @abstractmethod
    def parse(self, path: str, query: str, body: bytes) -> Call:
        """Understand a request; the body as plain JSON (see `packed`). Raises BadCall."""

    @abstractmethod
    def changed(self, call: Call, *, model: str, most_out: int | None, count: bool) -> tuple[str, bytes]:
        """See `Call.changed`."""

    @abstractmethod
    def meter(self, call: Call) -> Meter:
        """What understands the pieces of an answer."""

    @abstractmethod
    def refusal(self, status: int, code: str, text: str) -> bytes:
        """The body of an error, in the shape of this API. `code` is a short name of the reason."""

    @abstractmethod
    def graceful(self, call: Call, text: str) -> list[bytes] | None:
        """An answer that says this and asks for no tool; None where this path has no such answer."""

    def reading(self, call: Call, headers: Mapping[str, str], *, count: bool = True) -> Reading:
        """The reader of one answer with these headers; `count` as it was given to `changed`."""
        small = {name.lower(): value for name, value in headers.items()}
        kind, packing = small.get("content-type", ""), small.get("content-encoding", "")
        events = "event-stream" in kind or (not kind and call.stream and call.sse)
        return Reading(self.meter(call), events=events, packing=packing, drops=count and self.injects(call))

    def injects(self, call: Call) -> bool:  # noqa: ARG002  most dialects count without being asked
        """Whether `changed` asked for a usage chunk of which the agent knows nothing."""
        return False
