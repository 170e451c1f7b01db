"""pi, headless: `--mode json`.

Every event repeats the whole message so far; only what is new is taken. It ends with status 0 also when its model
refused: how it went, is in the last message's `stopReason`. After such an end it may try again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.agents import setups
from engine.agents.base import Brief, Erred, Opened, Retries, Said, Thought, Update, Usage
from engine.agents.jsonl import tools
from engine.agents.jsonl.language import Course, Event, Table, adapter
from engine.agents.money import dollars
from engine.agents.profiles import Profile
from engine.agents.refusals import http_status
from engine.agents.talking import TalkingAdapter
from engine.core.values import Tokens

_ENDS: Final = {"length": "its turn ended at the limit of tokens", "aborted": "its turn was broken off"}


def arguments(brief: Brief) -> Sequence[str]:
    """Nothing of its own from the network."""
    resume = ("--session", brief.session) if brief.session else ()
    return ("--mode", "json", "--offline", *setups.pi_model(brief), *resume)


def _session(course: Course, event: Event) -> Iterator[Update]:
    yield Opened(session=str(event["id"]), model=course.model)


def _message_start(course: Course, event: Event) -> Iterator[Update]:
    course.messages += event["message"]["role"] == "assistant"
    yield from ()


def _message_update(course: Course, event: Event) -> Iterator[Update]:
    part = event["assistantMessageEvent"]
    match part["type"]:
        case "text_delta":
            yield Said(text=str(part["delta"]), message=str(course.messages))
        case "thinking_delta":
            yield Thought(text=str(part["delta"]))


def _message_end(course: Course, event: Event) -> Iterator[Update]:
    message = event["message"]
    if message["role"] != "assistant":
        return
    told, reason = message.get("usage") or {}, str(message.get("stopReason"))
    used = Tokens(
        input=tools.count(told, "input"),
        output=tools.count(told, "output"),
        cache_read=tools.count(told, "cacheRead"),
        cache_write=tools.count(told, "cacheWrite"),
    )
    if used != Tokens():
        usd = dollars((told.get("cost") or {}).get("total"))
        yield Usage(tokens=used, usd=usd, scope="call", model=str(message.get("model") or course.model))
    detail = str(message.get("errorMessage") or _ENDS.get(reason) or f"it ended by {reason}")
    if reason == "error":
        yield Erred(text=detail, status=http_status(detail))
    course.ends(good=reason == "stop", detail=detail, through=False)


def _tool_execution_start(course: Course, event: Event) -> Iterator[Update]:
    yield from tools.begun(course, str(event["toolName"]), str(event["toolCallId"]), event.get("args"))


def _tool_execution_end(course: Course, event: Event) -> Iterator[Update]:
    result = event.get("result") or {}
    patch = str((result.get("details") or {}).get("diff") or "")
    output, failed = tools.text_of(result.get("content")), bool(event.get("isError"))
    status = 0 if event.get("toolName") == "bash" and not failed else None
    yield from tools.ended(course, str(event["toolCallId"]), output, failed=failed, status=status, patch=patch)


def _auto_retry_start(_: Course, event: Event) -> Iterator[Update]:
    yield Retries(attempt=tools.count(event, "attempt"), seconds=tools.count(event, "delayMs") / 1000)


TABLE: Final[Table] = {
    "session": _session,
    "message_start": _message_start,
    "message_update": _message_update,
    "message_end": _message_end,
    "tool_execution_start": _tool_execution_start,
    "tool_execution_end": _tool_execution_end,
    "auto_retry_start": _auto_retry_start,
}
PROFILE: Final = Profile(
    name="pi",
    title="pi",
    program=("pi",),
    kind="openai",
    arguments=arguments,
    environment=setups.pi_environment,
    home=setups.pi_home,
)


def pi() -> TalkingAdapter:
    """The adapter."""
    return adapter(PROFILE, TABLE)
