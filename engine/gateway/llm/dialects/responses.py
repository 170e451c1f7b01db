"""OpenAI's responses, and their compaction. Usage comes with the last event, whether it ended well or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.base import LEAST_OUT, Call, Dialect
from engine.gateway.llm.dialects.chat import refused
from engine.gateway.llm.dialects.content import SEARCHES, Found, blocks, embedded, linked, survey
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.dialects.fields import Fields, plain
from engine.gateway.llm.dialects.framed import json_bytes, named
from engine.gateway.llm.dialects.reading import Meter, understood, weigh, worded
from engine.gateway.llm.values import Kind, Spend

_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
# Tools that the vendor runs, and whose results nobody here sees before they are billed.
_FETCHING = frozenset({"file_search", "code_interpreter", "mcp", "image_generation"})
_AWAY = Found(elsewhere=True)


class Responses(Dialect):
    """`POST /v1/responses`, and `/v1/responses/compact`, which has no stream and no limit on its output."""

    kind: Kind = "openai"

    def __init__(self, *, compact: bool = False) -> None:
        self.name = "compact" if compact else "responses"
        self._compact = compact

    def parse(self, path: str, query: str, body: bytes) -> Call:  # noqa: ARG002  its query says nothing
        """See Dialect."""
        fields = Fields(body)
        if fields.true("background"):
            raise BadCall("background responses go on where nobody meters them; ask for this one without")
        most = None if self._compact else fields.whole("max_output_tokens")
        items = fields.items("input")
        others = fields.others("input")
        tools = {usage.text(plain(tool, "tools"), "type") for tool in fields.items("tools")}
        away = bool(tools & _FETCHING) or any(fields.get(name) is not None for name in _ELSEWHERE)
        return Call(
            dialect=self,
            path=path,
            model=fields.text("model"),
            stream=fields.true("stream"),
            most_out=most,
            fields=fields,
            content=survey(fields.body, items, others, _look, elsewhere=away, whole=_unedited(fields)),
            floor_out=LEAST_OUT if most is None else min(LEAST_OUT, most),
            tier=fields.text("service_tier"),
            searches=_searches(fields, tools),
            open_ended=self._compact,
        )

    def changed(self, call: Call, *, model: str, most_out: int | None, count: bool) -> tuple[str, bytes]:  # noqa: ARG002
        """See Call."""
        changes: dict[str, object] = {}
        if model and model != call.model:
            changes["model"] = model
        if most_out is not None and most_out != call.most_out and not self._compact:
            changes["max_output_tokens"] = most_out
        return call.path, call.fields.changed(changes)

    def meter(self, call: Call) -> Meter:
        """See Dialect."""
        return _Meter(call.model)

    def refusal(self, status: int, code: str, text: str) -> bytes:
        """See Dialect."""
        return refused(status, code, text)

    def graceful(self, call: Call, text: str) -> list[bytes] | None:
        """See Dialect."""
        if self._compact:
            return None
        whole = _response(call.model, text)
        return list(_told(whole, text)) if call.stream else [json_bytes(whole)]


def _response(model: str, text: str) -> dict[str, object]:
    said = {"type": "output_text", "text": text, "annotations": []}
    message = {
        "id": "msg_quarterdeck",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [said],
    }
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    told = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **details}
    return {
        "id": "resp_quarterdeck",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": model,
        "error": None,
        "output": [message],
        "usage": told,
    }


def _told(whole: dict[str, Any], text: str) -> Iterator[bytes]:
    message = whole["output"][0]
    said = message["content"][0]
    here = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    open_item = {**message, "status": "in_progress", "content": []}
    yield named("response.created", sequence_number=0, response=begun)
    yield named("response.output_item.added", sequence_number=1, output_index=0, item=open_item)
    yield named("response.content_part.added", sequence_number=2, **here, part={**said, "text": ""})
    yield named("response.output_text.delta", sequence_number=3, **here, delta=text)
    yield named("response.output_text.done", sequence_number=4, **here, text=text)
    yield named("response.content_part.done", sequence_number=5, **here, part=said)
    yield named("response.output_item.done", sequence_number=6, output_index=0, item=message)
    yield named("response.completed", sequence_number=7, response=whole)


def _unedited(fields: Fields) -> bool:
    """Whether the vendor leaves in what it is sent."""
    return fields.get("truncation") != "auto" and not fields.items("context_management")


def _searches(fields: Fields, tools: set[str]) -> int:
    """Where the request has no limit one is taken, as Codex offers the tool with every request and rarely uses it."""
    if not any(tool.startswith("web_search") for tool in tools):
        return 0
    most = fields.whole("max_tool_calls")
    return 1 if most is None else min(most, SEARCHES)


def _look(item: bytes) -> list[Found]:
    if b'"input_' not in item and b'"item_reference"' not in item and b'"computer_screenshot"' not in item:
        return []
    return [found for block in blocks(item, "content", "output") if (found := _attached(block))]


def _attached(block: dict[str, Any]) -> Found | None:
    kind = block.get("type")
    if kind in {"input_image", "computer_screenshot"}:
        return linked(block.get("image_url")) or _AWAY
    if kind == "input_file":
        data = usage.text(block, "file_data")
        return (linked(data) if data.startswith("data:") else embedded("application/pdf", data)) if data else _AWAY
    return _AWAY if kind == "item_reference" else None


class _Response(msgspec.Struct):
    usage: Any = None
    model: Any = None
    service_tier: Any = None
    error: Any = None
    status: Any = None
    output: Any = None
    object: Any = None


class _Event(_Response):
    type: Any = ""
    delta: Any = None
    item: Any = None
    response: Any = None
    message: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})
_FIRST = frozenset({"response.created", "response.in_progress", "response.queued"})


class _Meter(Meter):
    def __init__(self, model: str) -> None:
        self._model, self._tier = model, ""
        self._usage: dict[str, object] = {}
        self._searches = 0

    @property
    def spend(self) -> Spend | None:
        return usage.openai(self._usage, self._model, self._tier, self._searches) if self._usage else None

    def take(self, data: bytes) -> bool:
        event = understood(_EVENT, data)
        if event is None:
            return False
        kind = event.type if isinstance(event.type, str) else ""
        if kind.endswith(".delta"):
            self.seen += weigh(event.delta)
        elif kind == "response.output_item.done":
            self._searches += _searched(event.item)
        elif kind in _LAST or kind in _FIRST:
            self._take(msgspec.convert(event.response, _Response) if isinstance(event.response, dict) else _Response())
            self.final = kind in _LAST and usage.credible(self.spend, self.seen)
        elif kind == "error":
            self.error = worded(event.error or event.message)
        elif not kind:
            self._whole(event)
        return False

    def _whole(self, body: _Response) -> None:
        for item in body.output if isinstance(body.output, list) else ():
            self.seen += weigh(item)
            self._searches += _searched(item)
        self._take(body)
        self.final = usage.credible(self.spend, self.seen)

    def _take(self, response: _Response) -> None:
        self._model = response.model if isinstance(response.model, str) and response.model else self._model
        self._tier = response.service_tier if isinstance(response.service_tier, str) else self._tier
        self._usage = usage.merged(self._usage, response.usage)
        if response.error:
            self.error = worded(response.error)


def _searched(item: object) -> int:
    """A search is billed; opening a page that it found, or looking in it, is not."""
    if usage.part(item, "type") != "web_search_call":
        return 0
    return int(usage.part(item, "action", "type") in {None, "search"})
