"""Tools as these programs call them, whatever program it is: their names, fields and results mean the same in all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from engine.agents.base import Edited, Intends, Kind, Step, Tool, Update
from engine.agents.jsonl.language import Course
from engine.agents.lines import encode
from engine.agents.paths import inside
from engine.core.values import Tokens

MOST_SHOWN: Final = 4000
"""Characters of what went into a tool, or came out of it."""
MOST_COUNT: Final = 10**15
KINDS: Final[Mapping[str, Kind]] = {
    "bash": "execute", "shell": "execute", "runshellcommand": "execute", "monitor": "execute",
    "read": "read", "readfile": "read", "readmanyfiles": "read", "ls": "read", "list": "read", "listdirectory": "read",
    "write": "edit", "writefile": "edit", "edit": "edit", "replace": "edit", "multiedit": "edit", "patch": "edit",
    "applypatch": "edit",
    "glob": "search", "grep": "search", "grepsearch": "search", "searchfilecontent": "search", "find": "search",
    "codesearch": "search", "toolsearch": "search",
    "webfetch": "fetch", "websearch": "fetch", "googlewebsearch": "fetch",
    "todowrite": "think", "writetodos": "think", "todoread": "think", "task": "think", "agent": "think",
}  # fmt: skip
"""By the name in lower case, letters only."""
_PATHS: Final = ("file_path", "filePath", "absolute_path", "path", "dir_path")
_LISTS: Final = ("todos", "tasks", "items")
_MARKS: Final[Mapping[str, Literal["running", "done"]]] = {
    "in_progress": "running",
    "completed": "done",
    "done": "done",
}
_EXIT: Final = re.compile(r"Command exited with code:? (\d{1,3})\b")


def begun(course: Course, name: str, id_: str, given: object) -> Iterator[Update]:
    """It calls a tool with this."""
    fields = given if isinstance(given, Mapping) else {}
    kind = KINDS.get(re.sub(r"[^a-z]", "", name.lower()), "other")
    paths = tuple(inside(course.clone, fields[key]) for key in _PATHS if isinstance(fields.get(key), str))
    line = str(fields.get("command", "")) if kind == "execute" else ""
    title = line or f"{name} {paths[0] if paths else ''}".strip()
    shown = line or encode(fields).decode().strip()
    yield Tool(id=id_, title=title, kind=kind, paths=paths, input=shown[:MOST_SHOWN])
    if kind == "think" and (steps := _steps(fields)):
        yield Intends(steps=steps)


def ended(
    course: Course, id_: str, output: str, *, failed: bool, status: int | None = None, patch: str = ""
) -> Iterator[Update]:
    """A tool came to its end. What it changed is told, where it is one that changes files.

    Gemini CLI and Qwen Code say that a command did well whatever its exit status was, and tell that only of one that
    printed nothing: where it is not told, it is not known.
    """
    tool = course.known(id_)
    kind = tool.kind if tool else "other"
    if kind == "execute" and status is None:
        found = _EXIT.search(output)
        status = int(found[1]) if found else None
    yield Tool(id=id_, status="failed" if failed else "done", output=output[:MOST_SHOWN], exit=status)
    if tool and kind == "edit" and not failed:
        yield from (Edited(path=path, patch=patch) for path in tool.paths)


def text_of(content: object) -> str:
    """The text of a result: a text itself, or what is text in a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block["text"]) for block in blocks if isinstance(block, Mapping) and "text" in block)


def count(found: Mapping[str, Any], name: str) -> int:
    """A number of tokens; 0 where it is not said, or not believable."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNT else 0


def tokens(given: int, output: int, *, read: int = 0, written: int = 0) -> Tokens:
    """Tokens of which `given` holds what was read from the cache."""
    return Tokens(input=max(0, given - read), output=output, cache_read=read, cache_write=written)


def _steps(fields: Mapping[str, Any]) -> tuple[Step, ...]:
    """The entries of a list of things to do."""
    lists = (fields[name] for name in _LISTS if isinstance(fields.get(name), list))
    entries = [entry for entry in next(lists, ()) if isinstance(entry, Mapping)]
    return tuple(Step(text=_words(entry), status=_MARKS.get(str(entry.get("status")), "pending")) for entry in entries)


def _words(entry: Mapping[str, Any]) -> str:
    return next((str(entry[name]) for name in ("content", "description", "text", "title") if entry.get(name)), "")
