"""Qwen Code, headless: `-o stream-json`, whose events have the shape of Claude Code's.

A refused request is no error to it: it says so as the text of its last message and ends well, with status 0. The sum
at its end is the whole session's, with what was used before it was taken up again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from engine.agents import setups, totals
from engine.agents.base import Brief, Erred, Opened, Said, Thought, Update, Usage
from engine.agents.jsonl import tools
from engine.agents.jsonl.language import Course, Event, Table, adapter
from engine.agents.profiles import Profile
from engine.agents.refusals import http_status
from engine.agents.talking import TalkingAdapter
from engine.agents.totals import Total
from engine.core.values import Tokens

REFUSED: Final = "[API Error:"


def arguments(brief: Brief) -> Sequence[str]:
    """Nobody is asked, and nothing is sent anywhere."""
    resume = ("--resume", brief.session) if brief.session else ()
    return ("--output-format", "stream-json", "--approval-mode", "yolo", *resume)


def _system(course: Course, event: Event) -> Iterator[Update]:
    if event.get("subtype") == "init":
        course.model = str(event.get("model") or course.model)
        version = str(event.get("qwen_code_version") or "")
        yield Opened(session=str(event["session_id"]), version=version, model=course.model)


def _assistant(course: Course, event: Event) -> Iterator[Update]:
    message = event["message"]
    for block in message["content"]:
        match block.get("type"):
            case "text":
                yield Said(text=str(block["text"]), message=str(message.get("id") or ""))
            case "thinking":
                yield Thought(text=str(block["thinking"]))
            case "tool_use":
                yield from tools.begun(course, str(block["name"]), str(block["id"]), block.get("input"))
    if (used := _tokens(message.get("usage"))) != Tokens():
        yield Usage(tokens=used, scope="call", model=course.model)


def _user(course: Course, event: Event) -> Iterator[Update]:
    content = event["message"]["content"]
    for block in content if isinstance(content, list) else ():
        if block.get("type") == "tool_result":
            output, failed = tools.text_of(block.get("content")), bool(block.get("is_error"))
            yield from tools.ended(course, str(block["tool_use_id"]), output, failed=failed)


def _result(course: Course, event: Event) -> Iterator[Update]:
    whole, before = Total(_tokens(event.get("usage"))), totals.before(course.resumed)
    totals.remember(str(event.get("session_id") or course.resumed), whole)
    if before is not None:
        yield Usage(tokens=(whole - before).tokens, scope="session", model=course.model)
    text = str(event.get("result") or _message_of(event.get("error")) or event.get("subtype"))
    good = event.get("subtype") == "success" and not event.get("is_error") and not text.startswith(REFUSED)
    if not good:
        yield Erred(text=text, status=http_status(text))
    course.ends(good=good, detail=text)


def _tokens(usage: object) -> Tokens:
    told = usage if isinstance(usage, Mapping) else {}
    read = tools.count(told, "cache_read_input_tokens")
    return tools.tokens(tools.count(told, "input_tokens"), tools.count(told, "output_tokens"), read=read)


def _message_of(error: object) -> str:
    return str(error.get("message") or "") if isinstance(error, Mapping) else str(error or "")


TABLE: Final[Table] = {"system": _system, "assistant": _assistant, "user": _user, "result": _result}
PROFILE: Final = Profile(
    name="qwen",
    title="Qwen Code",
    program=("qwen",),
    kind="openai",
    arguments=arguments,
    environment=setups.qwen_environment,
    home=setups.qwen_home,
)


def qwen() -> TalkingAdapter:
    """The adapter."""
    return adapter(PROFILE, TABLE)
