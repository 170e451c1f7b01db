"""What Claude Code's events mean, piece by piece: its tools, its counts of tokens, why it ended. Pure.

Everything is read as a stranger's: what is not of the expected type raises or counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from engine.agents.base import Edited, Kind, Tool
from engine.agents.lines import encode
from engine.agents.paths import inside
from engine.agents.totals import Total
from engine.core.values import Tokens

MOST_SHOWN: Final = 4000
"""Characters of what went into a tool, or came out of it, that are passed on."""
KINDS: Final[Mapping[str, Kind]] = {
    "Bash": "execute", "BashOutput": "execute", "KillShell": "execute", "TaskStop": "execute",
    "Read": "read", "NotebookRead": "read", "LS": "read",
    "Edit": "edit", "MultiEdit": "edit", "Write": "edit", "NotebookEdit": "edit",
    "Glob": "search", "Grep": "search", "ToolSearch": "search",
    "WebFetch": "fetch", "WebSearch": "fetch",
    "Task": "think", "Agent": "think", "TodoWrite": "think", "TaskCreate": "think", "TaskUpdate": "think",
}  # fmt: skip
_PATHS: Final = ("file_path", "notebook_path", "path")
_EXIT: Final = re.compile(r"Exit code (\d{1,3})\b")


def tool_of(id_: str, name: str, given: Mapping[str, Any], clone: Path) -> Tool:
    """A tool that is called with this."""
    kind = KINDS.get(name, "other")
    paths = tuple(inside(clone, given[key]) for key in _PATHS if isinstance(given.get(key), str))
    line = str(given.get("command", "")) if kind == "execute" else ""
    shown = line or encode(given).decode().strip()
    about = line or (paths[0] if paths else _about(given))
    title = about if line else f"{name} {about}".strip()
    return Tool(id=id_, title=title, kind=kind, paths=paths, input=shown[:MOST_SHOWN])


def _about(given: Mapping[str, Any]) -> str:
    """The first short text it is called with."""
    return next((value for value in given.values() if isinstance(value, str) and len(value) <= 200), "")


def ended_tool(result: Mapping[str, Any], known: Tool | None) -> Tool:
    """A tool whose result came: the block of it in a message."""
    failed, output = bool(result.get("is_error")), text_of(result.get("content"))
    status = _EXIT.match(output) if failed else None
    code = int(status[1]) if status else None
    if known is not None and known.kind == "execute" and not failed:
        code = 0
    return Tool(
        id=str(result["tool_use_id"]), status="failed" if failed else "done", output=output[:MOST_SHOWN], exit=code
    )


def text_of(content: object) -> str:
    """The text of a result: a text itself, or what is text in a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block["text"]) for block in blocks if isinstance(block, dict) and block.get("type") == "text")


def edited(details: object, clone: Path) -> Edited | None:
    """The change that a tool tells of beside its result, if it made one."""
    if not isinstance(details, dict) or not isinstance(details.get("structuredPatch"), list):
        return None
    hunks = [_hunk(hunk) for hunk in details["structuredPatch"]]
    return Edited(path=inside(clone, str(details["filePath"])), patch="\n".join(hunks))


def _hunk(hunk: Mapping[str, Any]) -> str:
    head = f"@@ -{hunk['oldStart']},{hunk['oldLines']} +{hunk['newStart']},{hunk['newLines']} @@"
    return "\n".join((head, *map(str, hunk["lines"])))


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Tokens as the API counts them, of one call."""
    return Tokens(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_write=_count(usage, "cache_creation_input_tokens"),
    )


def total_of(result: Mapping[str, Any]) -> Total:
    """All that a session has used, of every model: `usage` beside it leaves calls out."""
    tokens, usd = Tokens(), Decimal(0)
    for used in _models(result):
        tokens += Tokens(
            input=_count(used, "inputTokens"),
            output=_count(used, "outputTokens"),
            cache_read=_count(used, "cacheReadInputTokens"),
            cache_write=_count(used, "cacheCreationInputTokens"),
        )
        usd += Decimal(str(used.get("costUSD") or 0))
    return Total(tokens, usd)


def window_of(result: Mapping[str, Any], model: str) -> int:
    """How much context a model has, 0 where that is not said."""
    used = result.get("modelUsage", {}).get(model)
    return _count(used, "contextWindow") if isinstance(used, dict) else 0


def why(result: Mapping[str, Any]) -> str:
    """Why a turn ended badly; empty when it ended well. `subtype` alone says success of a refused request, too."""
    if not result.get("is_error") and result.get("subtype") == "success":
        return "the model refused to go on" if result.get("stop_reason") == "refusal" else ""
    errors = [str(error) for error in result.get("errors") or ()]
    if result.get("subtype") == "error_during_execution" and str(result.get("terminal_reason")).startswith("aborted"):
        return "interrupted"
    return "; ".join(errors) or str(result.get("result") or "") or str(result.get("subtype") or "an error")


def _models(result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (used for used in result.get("modelUsage", {}).values() if isinstance(used, dict))


def _count(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
