"""What the model says to aider, which declares no tools: every edit of a script at once, as blocks of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from support.llm.words import Asked

FENCE = "```"
SIGN = "SEARCH/REPLACE"
"""What aider's instructions speak of, and no other agent's."""


def edits(asked: Asked, steps: Sequence[Mapping[str, Any]]) -> str:
    """The edits of these steps; "" if it is not aider that asks, or there are none."""
    if not any(SIGN in turn.text for turn in asked.turns):
        return ""
    blocks = [_block(step) for step in steps if "write" in step or "edit" in step]
    return "\n".join(("I change this.", "", *blocks)) if blocks else ""


def _block(step: Mapping[str, Any]) -> str:
    path, *texts = step.get("write") or step["edit"]
    old, new = (text if not text or text.endswith("\n") else f"{text}\n" for text in ("", *texts)[-2:])
    return f"{path}\n{FENCE}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n{FENCE}\n"
