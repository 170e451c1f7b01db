"""Gemini CLI, headless: `-o stream-json`.

Tokens come at the end only, also of a run that failed; it has no figures of money. A request that was refused ends it
with a status that is HTTP's modulo 256.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.agents import setups
from engine.agents.base import Brief, Erred, Notice, Opened, Said, Update, Usage
from engine.agents.jsonl import tools
from engine.agents.jsonl.language import Course, Event, Table, adapter
from engine.agents.profiles import Profile
from engine.agents.refusals import http_status
from engine.agents.talking import TalkingAdapter


def arguments(brief: Brief) -> Sequence[str]:
    """Without `yolo` the model has no tools that change anything."""
    resume = ("--resume", brief.session) if brief.session else ()
    return ("--output-format", "stream-json", "--approval-mode", "yolo", *setups.gemini_model(brief), *resume)


def _init(course: Course, event: Event) -> Iterator[Update]:
    course.model = str(event.get("model") or course.model)
    yield Opened(session=str(event["session_id"]), model=course.model)


def _message(_: Course, event: Event) -> Iterator[Update]:
    if event.get("role") == "assistant" and event.get("content"):
        yield Said(text=str(event["content"]))


def _tool_use(course: Course, event: Event) -> Iterator[Update]:
    yield from tools.begun(course, str(event["tool_name"]), str(event["tool_id"]), event.get("parameters"))


def _tool_result(course: Course, event: Event) -> Iterator[Update]:
    error = event.get("error")
    output = str(event.get("output") or (error.get("message") if isinstance(error, dict) else "") or "")
    yield from tools.ended(course, str(event["tool_id"]), output, failed=event.get("status") != "success")


def _error(_: Course, event: Event) -> Iterator[Update]:
    text = str(event.get("message"))
    yield Erred(text=text) if event.get("severity") == "error" else Notice(text=text)


def _result(course: Course, event: Event) -> Iterator[Update]:
    stats, error = event.get("stats") or {}, event.get("error") or {}
    given, whole = tools.count(stats, "input_tokens"), tools.count(stats, "total_tokens")
    used = tools.tokens(given, max(0, whole - given), read=tools.count(stats, "cached"))
    yield Usage(tokens=used, scope="session", model=course.model)
    good = event.get("status") == "success"
    detail = str(error.get("message") or "it says that it failed")
    if not good:
        yield Erred(text=detail, status=http_status(detail))
    course.ends(good=good, detail=detail)


TABLE: Final[Table] = {
    "init": _init,
    "message": _message,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "error": _error,
    "result": _result,
}
PROFILE: Final = Profile(
    name="gemini",
    title="Gemini CLI",
    program=("gemini",),
    kind="gemini",
    arguments=arguments,
    environment=setups.gemini_environment,
    home=setups.gemini_home,
)


def gemini() -> TalkingAdapter:
    """The adapter."""
    return adapter(PROFILE, TABLE)
