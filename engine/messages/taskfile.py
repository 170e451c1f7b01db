"""`tasks/ID.md`: what a person writes to add a task, and the state file that the engine writes beside it.

The fields of the head are those of a plan's task, by the plan's own schema; the id is the file's name. The person's
file itself is only ever read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.config.errors import ConfigError
from engine.config.plan import PlanTask
from engine.config.strict import Spot, validate
from engine.core import plans
from engine.core.values import TaskSpec
from engine.messages import files
from engine.messages.errors import TaskFileRefused
from engine.messages.files import Found
from engine.messages.frontmatter import Parts, split
from engine.messages.hostile import MOST_BYTES
from workspaces.watch.droppings import is_dropping

SUFFIX: Final = ".md"
STATE: Final = ".state"
LONGEST_TITLE: Final = 120

_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")


def task_files(tasks: Path) -> list[Found]:
    """The Markdown files in `tasks/`, by name. Folders, other suffixes and editors' droppings are passed over."""
    return files.look(tasks, lambda name: name.endswith(SUFFIX) and not is_dropping(name), limit=MOST_BYTES)


def parse_task_file(file: Path, raw: bytes) -> TaskSpec:
    """The task in a file with this name and content.

    Raises `TaskFileRefused`, and nothing else.
    """
    shown = f"tasks/{file.name}"
    task = _id(file.name, shown)
    try:
        parts = split(_text(raw, shown), shown)
        spec = validate(PlanTask, _fields(task, parts, shown), (parts.head,), _placed).to_spec()
    except ConfigError as error:
        reason = f"{error.reason}; {error.way_out}" if error.way_out else error.reason
        raise TaskFileRefused(shown, error.line, error.field, reason) from error
    for problem in plans.problems([spec], known=set(spec.after) - {task}):
        raise TaskFileRefused(shown, parts.head.line((problem.field,)), problem.field, problem.text)
    return spec


def state_file(tasks: Path, task: str, data: Mapping[str, Any]) -> Path:
    """Write what the engine knows of a task to `tasks/.state/ID.json`, whole or not at all."""
    path = tasks / STATE / f"{task}.json"
    with files.folder(path.parent, create=True) as here:
        files.write_new(path.name, here, json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n")
    return path


def _id(name: str, shown: str) -> str:
    stem = name.removesuffix(SUFFIX)
    if plans.is_id(stem):
        return stem
    proposed = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[: plans.LONGEST_ID] or "task"
    raise TaskFileRefused(shown, None, "", f"the name is the task's id: a-z, 0-9 and -; call it {proposed}{SUFFIX}")


def _text(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8 text", file=shown, line=line) from None


def _fields(task: str, parts: Parts, shown: str) -> dict[str, Any]:
    """The head's fields with what the name and the text say."""
    head, body = parts.head, parts.body.strip()
    fields = dict(head.data)
    if fields.setdefault("id", task) != task:
        raise ConfigError(f'must be "{task}", as the file\'s name', file=shown, line=head.line(("id",)), field="id")
    if body and "prompt" in fields:
        reason = "is given twice: here and as the text below the head"
        raise ConfigError(reason, file=shown, line=head.line(("prompt",)), field="prompt")
    if body:
        fields["prompt"] = body
        fields.setdefault("title", _title(body))
    if not any(fields.get(name) for name in ("prompt", "title")):
        raise ConfigError("says nothing: neither a title nor a text", file=shown, line=1)
    return fields


def _title(body: str) -> str:
    """The first heading, or else the first line, cut to be shown in a list."""
    lines = [line for line in body.split("\n") if line.strip()]
    title = _heading(lines) or lines[0].strip()
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"


def _heading(lines: list[str]) -> str:
    in_code = False
    for line in lines:
        if _FENCE.match(line):
            in_code = not in_code
        elif not in_code and (heading := _HEADING.fullmatch(line)) and heading[1].strip():
            return heading[1].strip()
    return ""


def _placed(path: tuple[str | int, ...]) -> Spot:
    return Spot("", str(path[0]) if path else "")
