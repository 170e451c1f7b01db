"""What the model says to a program that declares no tools: edits as blocks of text, which aider reads."""

from __future__ import annotations

from typing import Any

FENCE = "```"


def edits(action: str, given: Any, text: str) -> str:
    """The action as a block, where it is an edit; else words only."""
    match action:
        case "write":
            return _block(given[0], "", given[1], text)
        case "edit":
            return _block(*given, text)
        case "run":
            return f"{text}\nI would run `{given}`."
    return text or "Very well."


def _block(path: str, old: str, new: str, text: str) -> str:
    ended = [part if not part or part.endswith("\n") else f"{part}\n" for part in (old, new)]
    body = f"<<<<<<< SEARCH\n{ended[0]}=======\n{ended[1]}>>>>>>> REPLACE"
    return f"{text or 'I change this.'}\n\n{path}\n{FENCE}\n{body}\n{FENCE}\n"
