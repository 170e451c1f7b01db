"""One turn of the model: from the step that a script says to the answer."""

from __future__ import annotations

import json
from typing import Any

from support.llm.aider import edits
from support.llm.scripts import Step
from support.llm.tools import LINES, NoTool, use
from support.llm.words import Answer, Asked, Usage, Use

SENTENCE = "This is a long answer that goes on as far as it was told to. "
WORD = "tokens "


def answer(asked: Asked, step: Step, number: str, per: float) -> Answer:
    """What is said; its usage is counted, held to the limit of the request."""
    said = Answer(number, asked.model, text=str(step.get("say", "")), thought=str(step.get("think", "")))
    said = Answer(
        said.id, said.model, *_content(asked, step, said.text), usage=Usage(input=max(1, int(asked.size / per)))
    )
    return said.within(asked.most, step.get("usage", {}))


def _content(asked: Asked, step: Step, text: str) -> tuple[str, str, Use | None]:
    thought = str(step.get("think", ""))
    if (ending := _ending(step)) is not None:
        return ending, thought, None
    if "tool" in step:
        return text, thought, Use(step["tool"], step.get("input", {}))
    action = next(name for name in LINES.keys() | {"run"} if name in step)
    if not asked.tools:
        return edits(action, step[action], text), thought, None
    try:
        return text, thought, use(asked, action, step[action])
    except NoTool as reason:
        return f"I can not go on: {reason}", thought, None


def _ending(step: Step) -> str | None:
    """The text of a step that ends the turn; None: it does not."""
    if "answer" in step:
        return str(step["answer"])
    if "json" in step:
        return fenced(step["json"])
    if "long" in step:
        return (SENTENCE * (int(step["long"]) * 4 // len(SENTENCE) + 1))[: int(step["long"]) * 4]
    return None


def fenced(value: Any) -> str:
    """As results end: a block of JSON."""
    return f"Here it is.\n\n```json\n{json.dumps(value, indent=2)}\n```"
