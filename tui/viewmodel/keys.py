"""Keys of rows: what kind of thing it is and its name, such as `agent/builder-1` or `ask/RUN/task/ask.1.0`."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A key taken apart. `kind` is agent, task, ask (an approval), event, file or action; both empty: nothing."""

    kind: str
    name: str


def key(kind: str, name: str) -> str:
    """The key of a thing."""
    return f"{kind}/{name}"


def split(text: str | None) -> Key:
    """Take a key apart."""
    kind, _, name = (text or "").partition("/")
    return Key(kind, name) if name else Key("", "")
