"""What Codex's items mean, one by one: commands, patches, plans, its counts of tokens. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from engine.agents.base import Status, Step, Tool
from engine.core.values import Tokens

Item = Mapping[str, Any]

MOST_SHOWN: Final = 4000
"""Characters of a command's output that are passed on."""
_STATUS: Final[Mapping[object, Status]] = {"in_progress": "running", "completed": "done"}
_HTTP: Final = re.compile(r"\bstatus:? (\d{3})\b")


def command(item: Item) -> Tool:
    """A command that it executes."""
    line, code = _line(str(item["command"])), item.get("exit_code")
    return Tool(
        id=str(item["id"]),
        title=line,
        kind="execute",
        status=status_of(item),
        input=line,
        output=str(item.get("aggregated_output") or "")[:MOST_SHOWN],
        exit=code if isinstance(code, int) else None,
    )


def _line(command: str) -> str:
    """The shell line in `/bin/bash -lc '...'`."""
    try:
        parts = shlex.split(command)
    except ValueError:
        return command
    return parts[2] if len(parts) == 3 and parts[1] in ("-c", "-lc") else command


def other(item: Item, kind: str, *, ended: bool) -> Tool:
    """A search, or a tool of a server; some tell no status."""
    search = kind == "web_search"
    title = f"search {item.get('query', '')}" if search else f"{item.get('server', '')} {item.get('tool', '')}"
    status = status_of(item) if "status" in item else ("done" if ended else "running")
    return Tool(id=str(item["id"]), title=title.strip(), kind="fetch" if search else "other", status=status)


def steps(items: Sequence[Item]) -> Iterable[Step]:
    """The entries of its plan."""
    return (Step(text=str(item["text"]), status="done" if item.get("completed") else "pending") for item in items)


def status_of(item: Item) -> Status:
    """How far an item is; what is not known has failed."""
    return _STATUS.get(item.get("status"), "failed")


def tokens_of(usage: Item) -> Tokens:
    """As the record counts them: its input holds what came from a cache, or went there."""
    read, written = _count(usage, "cached_input_tokens"), _count(usage, "cache_write_input_tokens")
    fresh = max(0, _count(usage, "input_tokens") - read - written)
    return Tokens(input=fresh, output=_count(usage, "output_tokens"), cache_read=read, cache_write=written)


def _count(usage: Item, name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def http(text: str) -> int:
    """HTTP's status in an error, 0 where there is none."""
    status = _HTTP.search(text)
    return int(status[1]) if status else 0
