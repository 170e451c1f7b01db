"""A stream of events with the crumbs of one text put together, so that what was cut in two can be found in it.

Pure, and the same for every dialect: two events in a row that differ in one piece of text only become one event with
both pieces. What agents make of it stays the same; only how it is cut differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from engine.gateway.llm.sse import Event, Events

_PIECES = frozenset({
    "text", "thinking", "partial_json", "arguments", "content", "reasoning_content", "refusal", "delta", "input",
})  # fmt: skip
_COUNTERS = frozenset({"sequence_number", "obfuscation", "usage", "usageMetadata"})
Path = tuple[str | int, ...]


def merged(stream: bytes) -> bytes:
    """The whole stream again, in as few events as possible."""
    return b"".join(_written(event, data) for event, data in _merged(_events(stream)))


def _events(stream: bytes) -> Iterator[Event]:
    events = Events()
    yield from events.feed(stream)
    last = events.end()
    if last is not None:
        yield last


def _merged(events: Iterable[Event]) -> Iterator[tuple[Event, Any]]:
    before: tuple[Event, Any] | None = None
    for event in events:
        data = _data(event)
        if before is not None and _joined(before[1], data):
            continue
        if before is not None:
            yield before
        before = (event, data)
    if before is not None:
        yield before


def _joined(before: Any, data: Any) -> bool:  # noqa: ANN401  JSON
    """Add the piece of `data` to `before`, if that is all that they differ in."""
    pieces = [path for path, _ in _texts(data)] if isinstance(data, dict) and isinstance(before, dict) else []
    if len(pieces) != 1:
        return False
    path = pieces[0]
    first, more = _at(before, path), _at(data, path)
    if not isinstance(first, str) or _without(before, path) != _without(data, path):
        return False
    _at(before, path[:-1])[path[-1]] = first + more
    before.update({name: value for name, value in data.items() if name in _COUNTERS})
    return True


def _texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:  # noqa: ANN401
    """Where pieces of text are in an event, by the path to them."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if key in _PIECES and isinstance(one, str):
            yield (*path, key), one
        elif key not in _COUNTERS:
            yield from _texts(one, (*path, key))


def _at(value: Any, path: Path) -> Any:  # noqa: ANN401
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _without(value: dict[str, Any], path: Path) -> str:
    """All of an event but the piece at `path`, and what only counts."""
    rest = json.loads(json.dumps({name: one for name, one in value.items() if name not in _COUNTERS}))
    _at(rest, path[:-1])[path[-1]] = ""
    return json.dumps(rest, sort_keys=True)


def _data(event: Event) -> Any:  # noqa: ANN401
    try:
        return json.loads(event.data)
    except (ValueError, RecursionError):
        return None


def _written(event: Event, data: Any) -> bytes:  # noqa: ANN401
    """As it came, where it is as it came."""
    if not isinstance(data, dict) or data == _data(event):
        return event.raw
    heads = [line for line in event.raw.splitlines() if line and not line.startswith(b"data")]
    return b"\n".join([*heads, b"data: " + json.dumps(data).encode(), b"", b""])
