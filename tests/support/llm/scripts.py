"""Scripts: what the model does, chosen by the request alone, so that parallel agents and resumed ones are no trouble.

A prompt names its script by a marker: `[[steps:[{"run":"pytest"},{"answer":"done"}]]]`, `[[script:job]]`. In a prompt
that asks for a review `[[review:...]]` counts instead, in one that asks for a plan `[[plan:...]]`; of several markers in
one message the last that is for this attempt: `[[steps@2:...]]` is for attempts from the second on. How far a script has
come is how often a tool was called after the message with the marker.

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
    "sleep": [{"run": "sleep 300"}, {"answer": "Slept."}],
    "long": [{"long": 4000}],
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which script a request stands. `key` is the same for the same script in the same conversation."""

    key: str
    step: Step
    number: int


def attempt(turns: Sequence[Turn]) -> int:
    """Which attempt the prompt speaks of; 1 where it does not."""
    found = [
        int(match) for turn in turns if turn.whose == "user" for match in re.findall(r"(?i)attempt:? (\d+)", turn.text)
    ]
    return found[-1] if found else 1


def role(turns: Sequence[Turn]) -> str:
    """What the prompt asks for: work, review or plan, told by the form of the answer that it wants."""
    text = "\n".join(turn.text for turn in turns if turn.whose == "user")
    if '"verdict"' in text or re.search(r"\[\[role:review\]\]", text):
        return "review"
    if re.search(r'"task"\s*:|"tasks"\s*:|\[\[role:plan\]\]', text):
        return "plan"
    return "work"


def find(asked: Asked, named: Mapping[str, Sequence[Step]]) -> Place:
    """The step that answers this request."""
    turns = asked.turns
    what, number = role(turns), attempt(turns)
    for at in range(len(turns) - 1, -1, -1):
        if turns[at].whose == "user" and (steps := _marked(turns[at].text, what, number, named)) is not None:
            done = sum(1 for turn in turns[at + 1 :] if turn.whose == "call")
            return _at(steps, done, turns[at].text)
    usual = WORDS["approve"] if what == "review" else [{"answer": "Nothing to do."}]
    return _at(usual, 0, turns[-1].text if turns else "")


def _at(steps: Sequence[Step], done: int, key: str) -> Place:
    for number, step in enumerate(steps):
        if number == done or step.get("loop"):
            return Place(f"{hash(key)}:{number}", step, number)
    return Place(f"{hash(key)}:end", {"answer": "Done."}, len(steps))


def _marked(text: str, what: str, number: int, named: Mapping[str, Sequence[Step]]) -> Sequence[Step] | None:
    wanted = {"work": ("script", "steps"), "review": ("review",), "plan": ("plan",)}[what]
    best: tuple[int, int] | None = None
    for match in MARKER.finditer(text):
        since = int(match[2] or 1)
        if match[1] in wanted and since <= number and (best is None or since >= best[0]):
            best = since, match.start()
    return None if best is None else _steps(text[best[1] :], named)


def _steps(text: str, named: Mapping[str, Sequence[Step]]) -> Sequence[Step]:
    match = MARKER.match(text)
    assert match is not None
    what, rest = match[1], text[match.end() :].lstrip()
    if rest[:1] in "[{":
        value, _ = json.JSONDecoder().raw_decode(rest)
        return value if isinstance(value, list) else [{"json": value}]
    word, _, more = rest.partition("]]")[0].strip().partition(" ")
    if what == "review" and word == "reject":
        return [{"json": {"verdict": "reject", "remarks": more}}]
    if what == "review":
        return WORDS[word]
    return named[word]
