"""OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from support.llm.words import Answer, Asked, Declared, Turn, Usage, pieces, sse

NAME = "chat"
STOPS = {"end": "stop", "tool": "tool_calls", "length": "length"}
WHOSE = {"assistant": "model", "tool": "result", "developer": "system"}


def matches(path: str) -> bool:
    return path.endswith("/chat/completions")


def read(path: str, query: Mapping[str, str], body: Mapping[str, Any], size: int) -> Asked:
    turns = [turn for message in body["messages"] for turn in _turns(message)]
    found = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    tools = {tool["name"]: Declared.of(tool["name"], tool.get("parameters")) for tool in found}
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    include = bool((body.get("stream_options") or {}).get("include_usage"))
    stream = bool(body.get("stream"))
    return Asked(NAME, body["model"], tuple(turns), tools, stream, most, size, include_usage=include or not stream)


def _turns(message: Mapping[str, Any]) -> Iterable[Turn]:
    whose: Any = WHOSE.get(message["role"], message["role"])
    content = message.get("content") or ""
    texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    yield from (Turn(whose, text) for text in texts if text or whose == "result")
    for call in message.get("tool_calls") or ():
        yield Turn("call", call["function"]["arguments"])


def usage(of: Usage) -> dict[str, Any]:
    prompt = of.input + of.cache_read + of.cache_write
    return {
        "prompt_tokens": prompt,
        "completion_tokens": of.output,
        "total_tokens": prompt + of.output,
        "prompt_tokens_details": {"cached_tokens": of.cache_read},
        "completion_tokens_details": {"reasoning_tokens": of.reasoning},
    }


def _calls(answer: Answer) -> list[dict[str, Any]]:
    if not answer.use:
        return []
    function = {"name": answer.use.tool, "arguments": answer.use.said}
    return [{"id": f"call_{answer.id}", "type": "function", "function": function}]


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{answer.id}", "object": kind, "created": 1_790_000_000, "model": answer.model}


def whole(asked: Asked, answer: Answer) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.use:
        message["tool_calls"] = _calls(answer)
    choice = {"index": 0, "message": message, "finish_reason": STOPS[answer.stop], "logprobs": None}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": usage(answer.usage)}


def stream(asked: Asked, answer: Answer, piece: int) -> list[bytes]:
    head = _head(answer, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], stop: str | None = None) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": stop}]})

    parts = [chunk({"role": "assistant", "content": ""})]
    parts += [chunk({"content": part}) for part in pieces(answer.text, piece)]
    for call in _calls(answer):
        said = call["function"]["arguments"]
        first = {**call, "index": 0, "function": {**call["function"], "arguments": ""}}
        parts.append(chunk({"tool_calls": [first]}))
        more = [{"index": 0, "function": {"arguments": part}} for part in pieces(said, piece)]
        parts += [chunk({"tool_calls": [one]}) for one in more]
    parts.append(chunk({}, STOPS[answer.stop]))
    if asked.include_usage:
        parts.append(sse({**head, "choices": [], "usage": usage(answer.usage)}))
    return [*parts, b"data: [DONE]\n\n"]


def error(status: int, kind: str, text: str) -> Any:
    known = {
        400: "invalid_request_error",
        401: "invalid_api_key",
        402: "insufficient_quota",
        429: "rate_limit_exceeded",
    }
    kind = kind or known.get(status, "server_error")
    return {"error": {"message": text, "type": kind, "param": None, "code": kind}}


def broken(text: str) -> bytes:
    return sse(error(500, "server_error", text))


def limited(seconds: float, at: float) -> dict[str, str]:
    return {
        "retry-after": f"{seconds:g}",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": f"{seconds:g}s",
    }
