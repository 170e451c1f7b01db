"""The tools an agent uses, by id: each update completes what is known, and at the end none is left open.

Agents tell of the same tool in pieces, ask leave before they tell of it at all, and forget open ones when they end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from engine.agents.base import Status, Tool

ENDED: Final[frozenset[Status]] = frozenset({"done", "failed"})


class Tools:
    """Those of one assignment."""

    def __init__(self) -> None:
        self._known: dict[str, Tool] = {}

    def put(self, tool: Tool) -> Tool:
        """The tool as it stands after this; what is empty in the update leaves what was there.

        What has ended stays so, whatever comes late.
        """
        known = self._known.get(tool.id)
        now = tool if known is None else _merged(known, tool)
        self._known[tool.id] = now
        return now

    def get(self, name: str) -> Tool | None:
        """What is known of the one with this id."""
        return self._known.get(name)

    def close(self) -> Iterable[Tool]:
        """End what is open, as failed: nobody said that it is done."""
        open_ones = [tool for tool in self._known.values() if tool.status not in ENDED]
        for tool in open_ones:
            yield self.put(Tool(id=tool.id, status="failed"))


def _merged(known: Tool, new: Tool) -> Tool:
    return replace(
        known,
        title=new.title or known.title,
        kind=new.kind if new.kind != "other" else known.kind,
        status=known.status if known.status in ENDED else new.status,
        paths=new.paths or known.paths,
        input=new.input or known.input,
        output=new.output or known.output,
        exit=known.exit if new.exit is None else new.exit,
    )
