"""One turn of the model: from the step that a script says to the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from support.llm import aider
from support.llm.scripts import Place, Step
from support.llm.tools import LINES, NoTool, use
from support.llm.words import Answer, Asked, Usage, Use

SENTENCE = "This is a long answer that goes on as far as it was told to. "


def answer(asked: Asked, place: Place, number: str, per: float) -> Answer:
    """What is said; its usage is counted, held to the limit of the request."""
    text, use, forced = _content(asked, place)
    thought = str(place.step.get("think", ""))
    said = Answer(number, asked.model, text, thought, use, usage=Usage(input=max(1, int(asked.size / per))))
    return said.within(asked.most, forced)


def _content(asked: Asked, place: Place) -> tuple[str, Use | None, Mapping[str, int]]:
    step, forced = place.step, place.step.get("usage", {})
    text = str(step.get("say", ""))
    if not asked.tools and (edited := aider.edits(asked, place.steps)):
        return edited, None, forced
    if (ending := _ending(step)) is not None:
        return ending, None, forced
    if not asked.tools:  # a title, a summary: asked for beside the work, which is not one of the script's turns
        return "Scripted work", None, {}
    if "tool" in step:
        return text, Use(step["tool"], step.get("input", {})), forced
    action = next(name for name in (*LINES, "run") if name in step)
    try:
        return text, use(asked, action, step[action]), forced
    except NoTool as reason:
        return f"I can not go on: {reason}", None, forced


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
