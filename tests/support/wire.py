"""Answers of the four APIs as they come over the wire, with the use that each of them tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.gateway.llm import dialects
from engine.gateway.llm.dialects.base import Call, Dialect
from engine.gateway.llm.dialects.reading import Reading
from engine.gateway.llm.values import Kind, Spend

EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
WHOLE = {"content-type": "application/json"}
TEXT = 'Grüße: "usage": {"input_tokens": 9} \\ {[ \U0001f980\n'


@dataclass(frozen=True)
class Sample:
    """One answer: what asked for it, its bytes, what they say."""

    kind: Kind
    path: str
    ask: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes
    spend: Spend
    seen: int

    def call(self, **more: Any) -> Call:
        return parsed(self.kind, self.path, {**self.ask, **more})

    def reading(self, **more: str) -> Reading:
        call = self.call()
        return call.dialect.reading(call, {**self.headers, **more}, count=False)


def dialect(kind: Kind, path: str) -> Dialect:
    found = dialects.of(kind, "POST", path.partition("?")[0])
    assert isinstance(found, Dialect), (kind, path, found)
    return found


def parsed(kind: Kind, path: str, body: Mapping[str, Any] | bytes) -> Call:
    place, _, query = path.partition("?")
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return dialect(kind, place).parse(place, query, raw)


def event(value: Any, name: str = "") -> bytes:
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + json.dumps(value).encode() + b"\n\n"


def _size(*texts: str) -> int:
    return sum(len(text.encode()) for text in texts)


def _messages() -> Sample:
    start_usage = {
        "input_tokens": 25,
        "cache_creation_input_tokens": 400,
        "cache_read_input_tokens": 7000,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-20260901", "content": []}
    last = {"output_tokens": 57, "input_tokens": None, "cache_read_input_tokens": 7000, "cache_creation": None}
    parts: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**begun, "usage": start_usage}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a": '}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 20}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
        {"type": "message_stop"},
    ]
    return Sample(
        "anthropic",
        "/v1/messages",
        {"model": "claude-opus-5", "max_tokens": 100, "stream": True, "messages": []},
        EVENTS,
        b"".join(event(part, part["type"]) for part in parts),
        Spend(
            input=25,
            output=57,
            cache_read=7000,
            cache_write=400,
            long_write=100,
            tier="standard",
            model="claude-opus-5-20260901",
        ),
        _size(TEXT, '{"a": ', "hm"),
    )


CHAT_USAGE = {
    "prompt_tokens": 900,
    "completion_tokens": 70,
    "total_tokens": 970,
    "prompt_tokens_details": {"cached_tokens": 500, "cache_write_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
CHAT_SPEND = Spend(
    input=300, output=70, cache_read=500, cache_write=100, reasoning=30, tier="priority", model="gpt-5.5-2026-04-23"
)
CHAT_ASK = {"model": "gpt-5.5", "messages": [], "stream": True, "stream_options": {"include_usage": True}}


def chat_parts(*, usage: bool = True) -> list[bytes]:
    head = {"id": "c1", "object": "chat.completion.chunk", "model": "gpt-5.5-2026-04-23", "service_tier": "priority"}
    nothing = {"usage": None} if usage else {}
    filtered = {**head, "choices": [], "prompt_filter_results": [{"prompt_index": 0}], **nothing}  # of one vendor
    said = [
        {"role": "assistant", "content": ""},
        {"content": TEXT},
        {"reasoning_content": "hm"},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": '}}]},
    ]
    deltas = [{**head, "choices": [{"index": 0, "delta": one, "finish_reason": None}], **nothing} for one in said]
    stop = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **nothing}
    last = [{**head, "choices": [], "usage": CHAT_USAGE}] if usage else []
    return [*(event(one) for one in [filtered, *deltas, stop, *last]), b"data: [DONE]\n\n"]


def _chat() -> Sample:
    body = b"".join(chat_parts())
    return Sample("openai", "/v1/chat/completions", CHAT_ASK, EVENTS, body, CHAT_SPEND, _size(TEXT, "hm", '{"a": '))


RESPONSE_USAGE = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 500},
    "output_tokens": 70,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 970,
}


def response_parts(last: str = "response.completed") -> list[dict[str, Any]]:
    whole = {"id": "r1", "object": "response", "model": "gpt-5.5-2026-04-23", "service_tier": "default"}
    done = {"type": "message", "content": [{"type": "output_text", "text": TEXT}]}
    search = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    opened = {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "u"}}
    return [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "usage": None, "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": search},
        {"type": "response.output_item.done", "output_index": 1, "item": opened},
        {"type": "response.output_text.delta", "delta": TEXT},
        {"type": "response.output_text.done", "text": TEXT},
        {"type": "response.function_call_arguments.delta", "delta": '{"a": '},
        {"type": "response.output_item.done", "output_index": 2, "item": done},
        {"type": last, "response": {**whole, "status": "completed", "usage": RESPONSE_USAGE, "output": [search, done]}},
    ]


def _responses() -> Sample:
    return Sample(
        "openai",
        "/v1/responses",
        {"model": "gpt-5.5", "input": [], "stream": True},
        EVENTS,
        b"".join(event(part, part["type"]) for part in response_parts()),
        Spend(
            input=400,
            output=70,
            cache_read=500,
            reasoning=30,
            searches=1,
            tier="default",
            model="gpt-5.5-2026-04-23",
        ),
        _size(TEXT, '{"a": '),
    )


def gemini_parts() -> list[dict[str, Any]]:
    def told(output: int, thoughts: int) -> dict[str, int]:
        kinds = {"candidatesTokenCount": output, "thoughtsTokenCount": thoughts, "toolUsePromptTokenCount": 40}
        return {"promptTokenCount": 900, "cachedContentTokenCount": 500, **kinds}

    def candidate(text: str, **more: Any) -> list[dict[str, Any]]:
        return [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}]

    grounding = {"webSearchQueries": ["a", "b"]}
    head = {"modelVersion": "gemini-2.5-pro", "responseId": "g1"}
    return [
        {"candidates": candidate(TEXT), "usageMetadata": told(3, 10), **head},
        {"candidates": candidate("hm"), "usageMetadata": told(30, 20), **head},
        {
            "candidates": candidate('{"a": ', finishReason="STOP", groundingMetadata=grounding),
            "usageMetadata": told(50, 20),
            **head,
        },
    ]


GEMINI_SPEND = Spend(input=440, output=70, cache_read=500, reasoning=20, searches=2, model="gemini-2.5-pro")


def _gemini_events() -> Sample:
    body = b"".join(event(part) for part in gemini_parts()).replace(b"\n", b"\r\n")
    path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
    return Sample("gemini", path, {"contents": []}, EVENTS, body, GEMINI_SPEND, _size(TEXT, "hm", '{"a": '))


def _gemini_list() -> Sample:
    body = b"[" + b",\r\n".join(json.dumps(part, indent=1).encode() for part in gemini_parts()) + b"\n]\n"
    path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
    return Sample("gemini", path, {"contents": []}, WHOLE, body, GEMINI_SPEND, _size(TEXT, "hm", '{"a": '))


def _whole() -> dict[str, Sample]:
    """The same use, told in answers that are not streamed."""
    messages, chat, responses = _messages(), _chat(), _responses()
    message = {
        "type": "message",
        "model": messages.spend.model,
        "content": [{"type": "text", "text": TEXT}],
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 400,
            "cache_read_input_tokens": 7000,
            "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 57,
            "service_tier": "standard",
        },
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    completion = {"model": chat.spend.model, "service_tier": "priority", "choices": [choice], "usage": CHAT_USAGE}
    response = {**response_parts()[-1]["response"]}
    generated = {**gemini_parts()[-1]}
    generated["candidates"][0]["content"]["parts"][0]["text"] = TEXT
    size = _size(TEXT)
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    ask = {"model": "claude-opus-5", "max_tokens": 100, "messages": []}
    return {
        "messages whole": Sample("anthropic", "/v1/messages", ask, WHOLE, _json(message), messages.spend, size),
        "chat whole": Sample("openai", chat.path, {"model": "gpt-5.5"}, WHOLE, _json(completion), chat.spend, size),
        "responses whole": Sample(
            "openai", responses.path, {"model": "gpt-5.5"}, WHOLE, _json(response), responses.spend, size + len("q")
        ),
        "gemini whole": Sample("gemini", path, {"contents": []}, WHOLE, _json(generated), GEMINI_SPEND, size),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


SAMPLES: dict[str, Sample] = {
    "messages": _messages(),
    "chat": _chat(),
    "responses": _responses(),
    "gemini events": _gemini_events(),
    "gemini list": _gemini_list(),
    **_whole(),
}
