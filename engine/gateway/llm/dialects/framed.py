"""How answers of our own are written: JSON, and server-sent events with and without a name."""

from __future__ import annotations

import msgspec

DONE = b"data: [DONE]\n\n"


def json_bytes(value: object) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)


def event(value: object) -> bytes:
    """An event without a name."""
    return b"data: " + json_bytes(value) + b"\n\n"


def named(name: str, **members: object) -> bytes:
    """An event that says its name twice, as two vendors do it: on its own line, and as `type`."""
    return f"event: {name}\n".encode() + event({"type": name, **members})
