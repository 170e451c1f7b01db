"""Scripts: what the model does, chosen by the request alone, so that parallel agents and resumed ones are no trouble.

A prompt names its script by a marker: `[[steps:[{"run":"pytest"},{"answer":"done"}]]]`, `[[script:job]]`. In one whose
first line says that the role is review, `[[review:...]]` counts instead, and `[[plan:...]]` where it is plan; of several
markers in one message the last that is for this attempt: `[[steps@2:...]]` is for attempts from the second on. How far
a script has come is how often a tool was called after the message with the marker.

A step is one action: `run` LINE, `read` PATH, `write` [PATH, TEXT], `edit` [PATH, OLD, NEW], `todo` [TEXT, ...],
`tool` NAME with `input`; or it ends the turn: `answer` TEXT, `json` VALUE (fenced, as results are), `long` TOKENS of
text. Beside it may stand `say` (text before the call), `think`, `usage` (figures to force: input, output, cache_read,
cache_write, long, reasoning), `fault` (fields of `Fault`, struck there) and `loop: true` (this step for ever).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.llm.words import Asked, Turn

Step = Mapping[str, Any]
MARKER = re.compile(r"\[\[(script|steps|review|plan)(?:@(\d+))?:")
ASSIGNED = re.compile(r"Quarterdeck: task \S+, role (work|review|plan), attempt (\d+)\.")
"""The first line of what Quarterdeck tells an agent."""
OF_ROLE = {"work": ("script", "steps"), "review": ("review",), "plan": ("plan",)}
DECODER = json.JSONDecoder()

WORDS = {"approve": [{"json": {"verdict": "approve", "remarks": "Reads well."}}]}
"""Reviews by a word: `[[review:approve]]`, `[[review:reject REMARKS]]`."""

NAMED: dict[str, list[Step]] = {
    "hello": [{"answer": "Hello."}],
    "job": [
        {"write": ["notes.txt", "one\n"], "say": "I begin."},
        {"read": "notes.txt"},
        {"edit": ["notes.txt", "one", "two"]},
        {"run": "cat notes.txt && echo done > ran.txt"},
        {"answer": "Finished: notes.txt says two."},
    ],
    "loop": [{"run": "true", "loop": True}],
    "sleep": [{"run": "tail -f /dev/null"}, {"answer": "Slept."}],  # a `sleep 300` is refused by Claude Code itself
    "long": [{"long": 4000}],
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which script a request stands. `key` is the same for the same script in the same conversation."""

    key: str
    step: Step
    steps: Sequence[Step]


def assignment(turns: Sequence[Turn]) -> tuple[str, int]:
    """The role and the attempt that the prompt speaks of, by its first line; work and 1 where it does not."""
    found = [match for turn in turns if turn.whose == "user" for match in ASSIGNED.finditer(turn.text)]
    return (found[-1][1], int(found[-1][2])) if found else ("work", 1)


def find(asked: Asked, named: Mapping[str, Sequence[Step]]) -> Place:
    """The step that answers this request."""
    turns = asked.turns
    role, attempt = assignment(turns)
    for at in range(len(turns) - 1, -1, -1):
        if turns[at].whose == "user" and (steps := _marked(turns[at].text, role, attempt, named)) is not None:
            done = sum(1 for turn in turns[at + 1 :] if turn.whose == "call")
            return _at(steps, done, turns[at].text)
    usual = WORDS["approve"] if role == "review" else [{"answer": "Nothing to do."}]
    return _at(usual, 0, turns[-1].text if turns else "")


def _at(steps: Sequence[Step], done: int, key: str) -> Place:
    for number, step in enumerate(steps):
        if number == done or step.get("loop"):
            return Place(f"{hash(key)}:{number}", step, steps)
    return Place(f"{hash(key)}:end", {"answer": "Done."}, steps)


def _marked(text: str, role: str, attempt: int, named: Mapping[str, Sequence[Step]]) -> Sequence[Step] | None:
    """The steps of the marker that counts. What stands in the value of another marker is none: plans hold prompts."""
    best: tuple[int, Sequence[Step]] | None = None
    at = 0
    while match := MARKER.search(text, at):
        since = int(match[2] or 1)
        value, at = _value(text, match.end())
        if match[1] in OF_ROLE[role] and since <= attempt and (best is None or since >= best[0]):
            best = since, _steps(role, value, named)
    return best[1] if best else None


def _value(text: str, at: int) -> tuple[Any, int]:
    """What stands after the colon, JSON or words, and where it ends."""
    try:
        return DECODER.raw_decode(text, at)
    except ValueError:
        words, closed, _ = text[at:].partition("]]")
        return words.strip() if closed else "", at + len(words)


def _steps(role: str, value: Any, named: Mapping[str, Sequence[Step]]) -> Sequence[Step]:
    if not isinstance(value, str):
        return value if isinstance(value, list) else [{"json": value}]
    word, _, more = value.partition(" ")
    if role == "review":
        return WORDS.get(word) or [{"json": {"verdict": "reject", "remarks": more}}]
    return named.get(word) or [{"answer": f"There is no script {word!r}."}]
