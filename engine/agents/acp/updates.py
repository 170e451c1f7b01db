"""From the protocol's updates to ours, one after the other. The SDK's models have read them, leniently."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from acp import schema

from engine.agents.acp.leave import command_of
from engine.agents.base import Context, Edited, Intends, Kind, Said, Status, Step, Thought, Tool, Update
from engine.agents.closing import ENDED
from engine.agents.money import exact
from engine.agents.paths import inside
from engine.core.values import Tokens

MOST_TEXT: Final = 8000
"""Characters of what went into a tool or came out of it."""
MOST_LINES: Final = 500
"""Of a file whose change is shown as a patch; to compare longer ones would keep everybody waiting."""
MOST_TOKENS: Final = 10**15

_STATUS: Final[Mapping[str, Status]] = {
    "pending": "pending",
    "in_progress": "running",
    "completed": "done",
    "failed": "failed",
}
_PLAN: Final[Mapping[str, Any]] = {"pending": "pending", "in_progress": "running", "completed": "done"}
_EXITS: Final = ("exit_code", "exitCode", "exit")
_OUTPUTS: Final = ("formatted_output", "aggregated_output", "output", "stdout")

Call = schema.ToolCall | schema.ToolCallUpdate
T = TypeVar("T")


class Updates:
    """Of one session. A tool's changes of files are told once it is done."""

    def __init__(self, clone: Path) -> None:
        self._clone = clone
        self._status: dict[str, Status] = {}
        self._input: dict[str, Any] = {}
        self._printed: dict[str, str] = {}
        self._diffs: dict[str, list[schema.FileEditToolCallContent]] = {}

    def of(self, update: object) -> Iterator[Update]:
        """What one update comes to; nothing for what nobody needs."""
        match update:
            case schema.AgentMessageChunk() if text := _text(update.content):
                yield Said(text=text, message=update.message_id or "")
            case schema.AgentThoughtChunk() if text := _text(update.content):
                yield Thought(text=text)
            case schema.ToolCallStart() | schema.ToolCallProgress():
                yield from self._tool(update)
            case schema.AgentPlanUpdate():
                yield Intends(
                    steps=tuple(Step(text=entry.content, status=_PLAN[entry.status]) for entry in update.entries)
                )
            case schema.UsageUpdate():
                yield Context(used=min(update.used, MOST_TOKENS), size=min(update.size, MOST_TOKENS))

    def tool(self, call: Call) -> Tool:
        """A tool as a message tells of it; what the message does not say is empty, or as it was."""
        status = _STATUS.get(call.status or "", self._status.get(call.tool_call_id, "pending"))
        self._status[call.tool_call_id] = status
        self._input[call.tool_call_id] = call.raw_input or self._input.get(call.tool_call_id)
        found = [place.path for place in call.locations or ()] + [diff.path for diff in _diffs(call)]
        kind: Kind = call.kind if call.kind and call.kind != "switch_mode" else "other"
        return Tool(
            id=call.tool_call_id,
            title=call.title or "",
            kind=kind,
            status=status,
            paths=tuple(dict.fromkeys(inside(self._clone, path) for path in found)),
            input=_input(call.raw_input),
            output=self._output(call),
            exit=_status(call),
        )

    def input(self, tool: str) -> object:
        """What went into a tool that is not done, as the agent has it; None where it has not said."""
        return self._input.get(tool)

    def _output(self, call: Call) -> str:
        """What a tool gave out: what is to be shown of it, else what it printed so far, else what it returned."""
        shown = [_text(item.content) for item in call.content or () if isinstance(item, schema.ContentToolCallContent)]
        if text := "\n".join(part for part in shown if part):
            return text[:MOST_TEXT]
        if more := _first(_terminal(call, "output_delta"), ("data",), str):
            self._printed[call.tool_call_id] = (self._printed.get(call.tool_call_id, "") + more)[:MOST_TEXT]
            return self._printed[call.tool_call_id]
        raw = call.raw_output
        return (raw if isinstance(raw, str) else _first(raw, _OUTPUTS, str) or "")[:MOST_TEXT]

    def _tool(self, call: Call) -> Iterator[Update]:
        tool = self.tool(call)
        yield tool
        if diffs := _diffs(call):
            self._diffs[tool.id] = diffs
        if tool.status in ENDED:
            self._input.pop(tool.id, None)
            self._printed.pop(tool.id, None)
            for diff in self._diffs.pop(tool.id, ()):
                if tool.status == "done":
                    yield Edited(path=inside(self._clone, diff.path), patch=_patch(diff))


def dollars(cost: schema.Cost | None) -> Decimal | None:
    """What a session cost; None where it is not said, or in another currency."""
    return None if cost is None or cost.currency != "USD" else exact(cost.amount)


def tokens(usage: schema.Usage | None) -> Tokens | None:
    """The tokens of a turn; None where they are not said."""
    if usage is None:
        return None
    counts = (usage.input_tokens, usage.output_tokens, usage.cached_read_tokens or 0, usage.cached_write_tokens or 0)
    given, out, read, written = (min(count, MOST_TOKENS) for count in counts)
    return Tokens(input=given, output=out, cache_read=read, cache_write=written)


def _diffs(call: Call) -> list[schema.FileEditToolCallContent]:
    return [item for item in call.content or () if isinstance(item, schema.FileEditToolCallContent)]


def _text(block: object) -> str:
    """A portion of a message as text; what is none is named."""
    match block:
        case schema.TextContentBlock():
            return block.text
        case schema.ResourceContentBlock():
            return f"[{block.uri}]"
        case _:
            return f"[{getattr(block, 'type', 'something else')}]"


def _input(raw: object) -> str:
    if not raw:
        return ""
    return (command_of(raw) or (raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)))[:MOST_TEXT]


def _status(call: Call) -> int | None:
    for told in (call.raw_output, _terminal(call, "exit")):
        if (code := _first(told, _EXITS, int)) is not None and abs(code) < 1 << 31:
            return code
    return None


def _terminal(call: Call, what: str) -> object:
    """What an agent tells beyond the protocol of a command that it runs in a terminal of its own."""
    return (call.field_meta or {}).get(f"terminal_{what}")


def _first(raw: object, names: Sequence[str], kind: type[T]) -> T | None:
    """The first of these fields that is there and of this type, one level deep too."""
    parts = (raw, raw.get("metadata")) if isinstance(raw, Mapping) else ()
    values = (part.get(name) for part in parts if isinstance(part, Mapping) for name in names)
    return next((value for value in values if isinstance(value, kind) and not isinstance(value, bool)), None)


def _patch(diff: schema.FileEditToolCallContent) -> str:
    old, new = (diff.old_text or "").splitlines(), diff.new_text.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        return ""
    return "\n".join(difflib.unified_diff(old, new, diff.path, diff.path, lineterm=""))
