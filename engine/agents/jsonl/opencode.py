"""opencode, headless: `run --format json`.

It tells tokens and money of each request, and of a tool only once it has ended. A run that was stopped by a refused
permission ends with status 0 after a step that says it goes on: only a last step that says `stop` is a good end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.agents import setups
from engine.agents.base import Brief, Erred, Opened, Said, Thought, Update, Usage
from engine.agents.jsonl import tools
from engine.agents.jsonl.language import Course, Event, Table, adapter
from engine.agents.money import dollars
from engine.agents.profiles import Profile
from engine.agents.talking import TalkingAdapter
from engine.core.values import Tokens

MOST_STATUS: Final = 999


def arguments(brief: Brief) -> Sequence[str]:
    """Nobody is asked; thoughts are shown."""
    resume = ("--session", brief.session) if brief.session else ()
    return ("run", "--format", "json", "--auto", "--thinking", *resume)


def _step_start(course: Course, event: Event) -> Iterator[Update]:
    if course.messages == 0:
        yield Opened(session=str(event["sessionID"]), model=course.model)
    course.messages += 1


def _text(_: Course, event: Event) -> Iterator[Update]:
    yield Said(text=str(event["part"]["text"]), message=str(event["part"].get("messageID") or ""))


def _reasoning(_: Course, event: Event) -> Iterator[Update]:
    yield Thought(text=str(event["part"]["text"]))


def _tool_use(course: Course, event: Event) -> Iterator[Update]:
    part = event["part"]
    state, id_ = part["state"], str(part["callID"])
    more = state.get("metadata") or {}
    status = more.get("exit")
    yield from tools.begun(course, str(part["tool"]), id_, state.get("input"))
    yield from tools.ended(
        course,
        id_,
        str(state.get("output") or state.get("error") or ""),
        failed=state.get("status") != "completed",
        status=status if type(status) is int and abs(status) <= MOST_STATUS else None,
        patch=str(more.get("diff") or ""),
    )


def _step_finish(course: Course, event: Event) -> Iterator[Update]:
    part = event["part"]
    told, cache, reason = part["tokens"], part["tokens"].get("cache") or {}, part.get("reason")
    used = Tokens(
        input=tools.count(told, "input"),
        output=tools.count(told, "output") + tools.count(told, "reasoning"),
        cache_read=tools.count(cache, "read"),
        cache_write=tools.count(cache, "write"),
    )
    yield Usage(tokens=used, usd=dollars(part.get("cost")), scope="call", model=course.model)
    detail = "it was stopped in the middle of its work" if reason == "tool-calls" else f"it ended by {reason}"
    course.ends(good=reason == "stop", detail=detail, through=False)


def _error(course: Course, event: Event) -> Iterator[Update]:
    data = event["error"].get("data") or {}
    text, status = str(data.get("message") or event["error"].get("name")), data.get("statusCode")
    yield Erred(text=text, status=status if type(status) is int and 0 < status <= MOST_STATUS else 0)
    course.ends(good=False, detail=text, through=False)


TABLE: Final[Table] = {
    "step_start": _step_start,
    "text": _text,
    "reasoning": _reasoning,
    "tool_use": _tool_use,
    "step_finish": _step_finish,
    "error": _error,
}
PROFILE: Final = Profile(
    name="opencode",
    title="opencode",
    program=("opencode",),
    kind="openai",
    arguments=arguments,
    environment=setups.opencode_environment,
)


def opencode() -> TalkingAdapter:
    """The adapter."""
    return adapter(PROFILE, TABLE)
