"""What an answer that is an error means: pass it on, wait, or try again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.gateway.llm.heads import value_of
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.resets import reset_of, retry_after

AGAIN = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""The provider's trouble, not the request's."""
_NUMBER = re.compile(rb"\d[\d,]{2,}")
_ABOUT_OUTPUT = re.compile(rb"max_(completion_|output_)?tokens|maxOutputTokens")


@dataclass(frozen=True, slots=True)
class Passed:
    """The agent gets it as it is."""


@dataclass(frozen=True, slots=True)
class Limited:
    """The provider takes nothing before `until`, in Unix seconds."""

    until: float


@dataclass(frozen=True, slots=True)
class Broke:
    """A failure that another try may mend; `until`: not before then, if it says so."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Capped:
    """The limit that was put on the output is above what the model takes; `most` would do."""

    most: int


def judged(reply: Reply, now: float, injected: int | None) -> Passed | Limited | Broke | Capped:
    """Of a status from 400 on. `injected` is the limit on output that the agent did not ask for itself."""
    if reply.status == 400 and injected and (most := _cap(reply.body, injected)):
        return Capped(most)
    if value_of(reply.headers, "x-should-retry") == "false" or b"insufficient_quota" in reply.body:
        return Passed()
    if reply.status == 429:
        until = reset_of(reply.headers, reply.body, now)
        return Broke() if until is None else Limited(until)
    return Broke(retry_after(reply.headers, now)) if reply.status in AGAIN else Passed()


def _cap(body: bytes, injected: int) -> int:
    """The largest number in the text that is smaller than the limit it complains about; 0 where it does not."""
    if not _ABOUT_OUTPUT.search(body):
        return 0
    numbers = [int(found.replace(b",", b"")) for found in _NUMBER.findall(body)]
    return max((number for number in numbers if 256 <= number < injected), default=0)
