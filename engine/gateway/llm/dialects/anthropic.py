"""Anthropic's messages. Input is told at the start, the output's running total in each `message_delta`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.base import LEAST_OUT, CacheAge, Call, Dialect
from engine.gateway.llm.dialects.content import SEARCHES, Found, blocks, embedded, survey
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.dialects.fields import Fields, plain
from engine.gateway.llm.dialects.framed import json_bytes, named
from engine.gateway.llm.dialects.reading import Meter, understood, weigh, worded
from engine.gateway.llm.values import Kind, Spend

_ELSEWHERE = ("container", "mcp_servers")
_FETCHING = ("web_fetch_", "code_execution_")
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Messages(Dialect):
    """`POST /v1/messages`."""

    name = "messages"
    kind: Kind = "anthropic"

    def parse(self, path: str, query: str, body: bytes) -> Call:  # noqa: ARG002  its query says nothing
        """See Dialect."""
        fields = Fields(body)
        most = fields.whole("max_tokens")
        if most is None:
            raise BadCall("max_tokens is missing")
        messages = [*fields.items("system"), *fields.items("messages")]
        others = fields.others("system", "messages")
        away = any(name in fields.raw for name in _ELSEWHERE) or _fetches(fields)
        return Call(
            dialect=self,
            path=path,
            model=fields.text("model"),
            stream=fields.true("stream"),
            most_out=most,
            fields=fields,
            content=survey(
                fields.body,
                messages,
                others,
                _look,
                elsewhere=away,
                first=len(fields.items("system")),
                whole=_unedited(fields),
            ),
            floor_out=min(most, _thinking(fields) + LEAST_OUT),
            cache_age=_age(fields.body),
            tier=_tier(fields),
            searches=_searches(fields),
            certain=True,
        )

    def changed(self, call: Call, *, model: str, most_out: int | None, count: bool) -> tuple[str, bytes]:  # noqa: ARG002
        """See Call."""
        changes: dict[str, object] = {}
        if model and model != call.model:
            changes["model"] = model
        if most_out is not None and most_out != call.most_out:
            changes["max_tokens"] = most_out
        return call.path, call.fields.changed(changes)

    def meter(self, call: Call) -> Meter:
        """See Dialect."""
        return _Meter(call.model)

    def refusal(self, status: int, code: str, text: str) -> bytes:
        """See Dialect."""
        kind = _ERRORS.get(status, "api_error")
        return json_bytes({"type": "error", "error": {"type": kind, "message": text}, "code": code})

    def graceful(self, call: Call, text: str) -> list[bytes] | None:
        """See Dialect."""
        nothing = {"input_tokens": 0, "output_tokens": 0}
        message: dict[str, object] = {
            "id": "msg_quarterdeck",
            "type": "message",
            "role": "assistant",
            "model": call.model,
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": nothing,
        }
        return list(_told(message, text)) if call.stream else [json_bytes(message)]


def _told(message: dict[str, object], text: str) -> Iterator[bytes]:
    begun = {**message, "content": [], "stop_reason": None}
    yield named("message_start", message=begun)
    yield named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    yield named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    yield named("content_block_stop", index=0)
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield named("message_delta", delta=ended, usage=message["usage"])
    yield named("message_stop")


def _thinking(fields: Fields) -> int:
    thinking = fields.part("thinking")
    return (thinking.whole("budget_tokens") or 0) if thinking else 0


def _tier(fields: Fields) -> str:
    """`auto` may use capacity that was paid for before; what is billed by the piece is `speed` and the place."""
    asked = ["fast" if fields.text("speed") == "fast" else "", "us" if fields.text("inference_geo") == "us" else ""]
    return "+".join(one for one in asked if one)


def _age(body: bytes) -> CacheAge:
    if b'"cache_control"' not in body:
        return ""
    return "1h" if b'"1h"' in body else "5m"


def _searches(fields: Fields) -> int:
    tools = [Fields(tool, "tools") for tool in fields.items("tools") if b"web_search_2" in tool]
    return sum(tool.whole("max_uses") or SEARCHES for tool in tools if tool.text("type").startswith("web_search_"))


def _unedited(fields: Fields) -> bool:
    """Whether the vendor leaves in what it is sent, but for thoughts, which are left out for good."""
    management = fields.part("context_management")
    edits = [plain(edit, "an edit") for edit in management.items("edits")] if management else []
    return all(usage.text(edit, "type").startswith("clear_thinking_") for edit in edits)


def _fetches(fields: Fields) -> bool:
    """Tools that the vendor runs, and whose results nobody here sees before they are billed."""
    named = [tool for tool in fields.items("tools") if b"web_fetch_2" in tool or b"code_execution_2" in tool]
    return any(Fields(tool, "tools").text("type").startswith(_FETCHING) for tool in named)


def _look(message: bytes) -> list[Found]:
    if b'"source"' not in message and b'"file_id"' not in message:
        return []
    return [found for block in blocks(message, "content", deep="content") if (found := _source(block))]


def _source(block: dict[str, Any]) -> Found | None:
    kind, source = block.get("type"), block.get("source")
    if kind == "container_upload":
        return Found(elsewhere=True)
    if kind not in {"image", "document"} or not isinstance(source, dict):
        return None
    form = source.get("type")
    if form == "base64":
        return embedded(str(source.get("media_type")), str(source.get("data")))
    return None if form in {"text", "content"} else Found(elsewhere=True)


class _Event(msgspec.Struct):
    type: Any = ""
    message: Any = None
    delta: Any = None
    usage: Any = None
    error: Any = None
    model: Any = None
    content: Any = None


_EVENT = msgspec.json.Decoder(_Event)


class _Meter(Meter):
    def __init__(self, model: str) -> None:
        self._model = model
        self._usage: dict[str, object] = {}

    @property
    def spend(self) -> Spend | None:
        return usage.anthropic(self._usage, self._model) if self._usage else None

    def take(self, data: bytes) -> bool:
        event = understood(_EVENT, data)
        if event is None:
            return False
        if event.type == "content_block_delta":
            self.seen += weigh(event.delta)
            self.final = False
        elif event.type == "message_start":
            self._begin(event.message)
        elif event.type == "message_delta":
            self._count(event.usage, last=usage.part(event.delta, "stop_reason") is not None)
        elif event.type == "message":
            self.seen += weigh(event.content)
            self._begin({"model": event.model})
            self._count(event.usage, last=True)
        elif event.error:
            self.error = worded(event.error)
        return False

    def _begin(self, message: object) -> None:
        self._model = usage.text(message, "model") or self._model
        self._usage = usage.merged(self._usage, usage.part(message, "usage"))

    def _count(self, told: object, *, last: bool) -> None:
        self._usage = usage.merged(self._usage, told)
        self.final = last and usage.credible(self.spend, self.seen)
