"""From an agent's last message to a result: a summary of work, the verdict of a review, the tasks of a plan.

A review and a plan end with a fenced block of JSON; the last one counts. It is read as a stranger's, within the limits
of a `result.json`, and a `result.json` in the outbox wins over it (see `outcome.py`).
"""

from __future__ import annotations

import re
from typing import Any, Final

from engine.agents.base import Role
from engine.agents.lines import encode
from engine.core.text import clean_lines
from engine.messages.errors import Refused, ResultRefused
from engine.messages.hostile import load
from engine.messages.result import Result, parse_result

MOST_SUMMARY: Final = 4000
"""Characters of a last message that are kept as what it says of its work."""
_BLOCK: Final = re.compile(
    r"""^[ \t]*(`{3,}|~{3,}) [ \t]* (?:json[c5]?)? [ \t]*\r?\n
        (.*?)
        ^[ \t]*\1[`~]* [ \t]*\r?$""",
    re.MULTILINE | re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_VERDICTS: Final = {"approve": "approve", "approved": "approve", "reject": "reject", "rejected": "reject"}


def result_of(role: Role, text: str) -> Result:
    """What the last message of an agent comes to.

    Raises `ResultRefused` where a review has no verdict in it or a plan no tasks.
    """
    if role == "work":
        return Result(summary=summary(text))
    said = _object(role, text)
    around = summary(_BLOCK.sub("", text))
    given = {"review": _review(said)} if role == "review" else {"plan": _plan(said)}
    return parse_result(encode({"summary": around, **given}))


def summary(text: str) -> str:
    """A message as something to show and to keep: harmless, and no longer than is read."""
    shown = clean_lines(text).strip()
    return shown if len(shown) <= MOST_SUMMARY else f"{shown[: MOST_SUMMARY - 1]}…"


def _object(role: Role, text: str) -> dict[str, Any]:
    """The object in the last block, or in the whole text where it has no block."""
    blocks = [found.group(2) for found in _BLOCK.finditer(text)]
    wanted = "a verdict" if role == "review" else "tasks"
    if not blocks and not text.strip().startswith("{"):
        raise ResultRefused(f"a {role} without {wanted}: its last message ends with no fenced block of JSON")
    try:
        said = load((blocks[-1] if blocks else text).strip().encode("utf-8", "replace"))
    except Refused as error:
        raise ResultRefused(f"a {role} without {wanted}: the block at its end is {error.reason}") from None
    if not isinstance(said, dict):
        raise ResultRefused(f"a {role} without {wanted}: the block at its end is no object")
    return said


def _review(said: dict[str, Any]) -> dict[str, Any]:
    given = said["review"] if isinstance(said.get("review"), dict) else said
    verdict = _VERDICTS.get(str(given.get("verdict", "")).strip().lower())
    if verdict is None:
        raise ResultRefused('a review without a verdict: it must be "approve" or "reject"', "verdict")
    remarks = given.get("remarks", "")
    lines = remarks if isinstance(remarks, list) else [remarks]
    return {"verdict": verdict, "remarks": clean_lines("\n".join(str(line) for line in lines if line is not None))}


def _plan(said: dict[str, Any]) -> dict[str, Any]:
    given = said["plan"] if isinstance(said.get("plan"), dict) else said
    if not isinstance(given.get("task"), list) or not given["task"]:
        raise ResultRefused("a plan without tasks: the block at its end has no `task`, a list", "task")
    return given
