"""What the scripted model reads in a request and says in an answer, whichever API carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Whose = Literal["system", "user", "model", "call", "result"]
Stop = Literal["end", "tool", "length"]

BYTES_A_TOKEN = 4
"""What this model's tokens are, whatever the text. A script that needs another measure names its `usage`."""


def count(text: str) -> int:
    """Tokens of a text."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of the conversation: a text, a tool's call (its arguments as JSON) or what the tool returned."""

    whose: Whose
    text: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool that the agent offers. `properties` is its schema's; freeform tools take one text and have none."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    freeform: bool = False

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any] | None, *, freeform: bool = False) -> Declared:
        """From JSON Schema, as all four APIs carry it."""
        schema = schema or {}
        return cls(name, schema.get("properties") or {}, tuple(schema.get("required") or ()), freeform)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `most` is the limit of output tokens that it sets."""

    api: str
    model: str
    turns: tuple[Turn, ...]
    tools: Mapping[str, Declared] = field(default_factory=dict)
    stream: bool = False
    most: int | None = None
    size: int = 0
    include_usage: bool = True
    array: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, each class apart: `input` is without what came from the cache. `long` is the part written for an hour."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    long: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """What a budget in tokens counts."""
        return self.input + self.output + self.cache_read + self.cache_write

    def __add__(self, other: Usage) -> Usage:
        mine, theirs = (tuple(getattr(one, name) for name in Usage.__slots__) for one in (self, other))
        return Usage(*(a + b for a, b in zip(mine, theirs, strict=True)))

    def times(self, factor: float) -> Usage:
        """A lie of that size."""
        return Usage(*(int(getattr(self, name) * factor) for name in Usage.__slots__))


@dataclass(frozen=True, slots=True)
class Use:
    """The call of a tool: `arguments`, or `text` where the tool is freeform."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    freeform: bool = False

    @property
    def said(self) -> str:
        """As it goes over the wire."""
        return self.text if self.freeform else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, and what that counts for."""

    id: str
    model: str
    text: str = ""
    thought: str = ""
    use: Use | None = None
    stop: Stop = "end"
    usage: Usage = Usage()

    def within(self, most: int | None, forced: Mapping[str, int]) -> Answer:
        """The same with its output counted, and cut where it is longer than the request allows.

        A tool's call that does not fit is not made: what is left of the text is all that is said. `forced` are figures
        that a script names; its `output` is held to the limit like any other.
        """
        said = self.thought, self.text, self.use.said if self.use else ""
        output = forced.get("output", max(1, sum(count(part) for part in said)))
        usage = replace(self.usage, **{**forced, "output": output})
        if most is None or output <= most:
            return replace(self, usage=usage, stop="tool" if self.use else "end")
        text = self.text.encode()[: most * BYTES_A_TOKEN].decode("utf-8", "ignore")
        return replace(self, text=text, thought="", use=None, stop="length", usage=replace(usage, output=most))


def pieces(text: str, size: int) -> list[str]:
    """The text in portions, as a stream brings it."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def sse(event: Mapping[str, Any], name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()
