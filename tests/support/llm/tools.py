"""Actions of a script as calls of the tools that an agent declares, so that one script drives every agent."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.llm.words import Asked, Declared, Turn, Use

NAMES = {
    "run": ("bash", "execcommand", "shellcommand", "shell", "runshellcommand", "localshell", "terminal", "execute"),
    "read": ("read", "readfile", "view"),
    "write": ("write", "writefile", "create"),
    "edit": ("edit", "editfile", "replace", "strreplace"),
    "todo": ("updateplan", "todowrite", "writetodos", "taskcreate"),
}
PATHS = ("file_path", "filePath", "absolute_path", "path", "filename")
CWD = re.compile(r"(?i)(?:working directory|working in the directory|<cwd>)[^/\n<]{0,20}(/[^\n<`'\"]*)")


class NoTool(Exception):
    """The agent declares nothing that the action could be done with."""


def use(asked: Asked, action: str, given: Any) -> Use:
    """The call that does it; a shell line where no tool of its own is declared."""
    if (tool := _named(asked, action)) is not None:
        return MAKERS[action](tool, given, folder(asked.turns))
    if (patch := asked.tools.get("apply_patch")) is not None and action in ("write", "edit"):
        return _patch(patch, given)
    if action != "run" and (shell := _named(asked, "run")) is not None:
        return _run(shell, LINES[action](given), "")
    raise NoTool(f"{action}: the agent declares {', '.join(asked.tools) or 'no tools'}")


def folder(turns: Sequence[Turn]) -> str:
    """The folder that the agent says it works in; "" if it does not say."""
    found = [
        match[1].rstrip(" .") for turn in turns if turn.whose in ("system", "user") for match in CWD.finditer(turn.text)
    ]
    return next((path for path in found if Path(path).is_dir()), found[0] if found else "")


def _named(asked: Asked, action: str) -> Declared | None:
    plain = {re.sub(r"[^a-z]", "", name.lower()): tool for name, tool in asked.tools.items() if not tool.freeform}
    return next((plain[name] for name in NAMES[action] if name in plain), None)


def _filled(tool: Declared, **given: Any) -> Use:
    """Its arguments, with something for what it requires beside them."""
    arguments = dict(given)
    for name in tool.required:
        kind = tool.properties.get(name, {}).get("type", "string")
        blank: Any = {"boolean": False, "number": 0, "integer": 0, "array": [], "object": {}}.get(
            kind, "as the script says"
        )
        arguments.setdefault(name, blank)
    return Use(tool.name, arguments)


def _first(tool: Declared, *names: str) -> str:
    return next((name for name in names if name in tool.properties), names[0])


def _file(tool: Declared, path: str, cwd: str) -> dict[str, str]:
    whole = path if path.startswith("/") or not cwd else f"{cwd}/{path}"
    return {_first(tool, *PATHS): whole}


def _run(tool: Declared, line: str, cwd: str) -> Use:
    name = _first(tool, "command", "cmd")
    wants = tool.properties.get(name, {}).get("type")
    return _filled(tool, **{name: ["bash", "-lc", line] if wants == "array" else line})


def _read(tool: Declared, path: str, cwd: str) -> Use:
    return _filled(tool, **_file(tool, path, cwd))


def _write(tool: Declared, given: Sequence[str], cwd: str) -> Use:
    return _filled(tool, **_file(tool, given[0], cwd), **{_first(tool, "content", "file_text"): given[1]})


def _edit(tool: Declared, given: Sequence[str], cwd: str) -> Use:
    path, old, new = given
    if "edits" in tool.properties:
        inside = tool.properties["edits"].get("items", {}).get("properties", {})
        names = ("oldText", "newText") if "oldText" in inside else ("old_string", "new_string")
        return _filled(tool, **_file(tool, path, cwd), edits=[dict(zip(names, (old, new), strict=True))])
    before, after = (
        _first(tool, "old_string", "oldString", "oldText"),
        _first(tool, "new_string", "newString", "newText"),
    )
    return _filled(tool, **_file(tool, path, cwd), **{before: old, after: new})


def _todo(tool: Declared, texts: Sequence[str], cwd: str) -> Use:
    name = _first(tool, "todos", "plan", "subject")
    if name == "subject":
        return _filled(tool, subject=texts[0], description=texts[0])
    inside = tool.properties.get(name, {}).get("items", {}).get("properties", {})
    label = next((one for one in ("content", "step", "description") if one in inside), "content")
    numbers = "id" in inside
    entry = {"status": "pending"} | ({"activeForm": "working"} if "activeForm" in inside else {})
    entry |= {"priority": "medium"} if "priority" in inside else {}
    numbered = [{label: text, **entry, **({"id": str(at)} if numbers else {})} for at, text in enumerate(texts, 1)]
    return _filled(tool, **{name: numbered})


def _patch(tool: Declared, given: Sequence[str]) -> Use:
    """Codex's own way of editing; others have taken it over, under another name of its one field."""
    path, *texts = given
    if len(texts) == 1:
        body = [f"*** Add File: {path}", *(f"+{line}" for line in texts[0].splitlines())]
    else:
        old, new = (text.splitlines() for text in texts)
        body = [f"*** Update File: {path}", "@@", *(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    text = "\n".join(("*** Begin Patch", *body, "*** End Patch", ""))
    return Use(tool.name, {_first(tool, "input", "patchText"): text}, text, tool.freeform)


def _write_line(given: Sequence[str]) -> str:
    path, text = shlex.quote(given[0]), shlex.quote(given[1])
    return f'mkdir -p "$(dirname {path})" && printf %s {text} > {path}'


def _edit_line(given: Sequence[str]) -> str:
    program = "import pathlib,sys;p=pathlib.Path(sys.argv[1]);p.write_text(p.read_text().replace(*sys.argv[2:],1))"
    return shlex.join(["python3", "-c", program, *given])


MAKERS: Mapping[str, Callable[[Declared, Any, str], Use]] = {
    "run": _run, "read": _read, "write": _write, "edit": _edit, "todo": _todo,
}  # fmt: skip
LINES: Mapping[str, Callable[[Any], str]] = {
    "read": lambda path: f"cat {shlex.quote(path)}",
    "write": _write_line,
    "edit": _edit_line,
    "todo": lambda texts: "true",
}
