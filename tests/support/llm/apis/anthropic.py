"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from support.llm.words import Answer, Asked, Declared, Turn, Usage, pieces, sse

NAME = "anthropic"
STOPS = {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"}


def matches(path: str) -> bool:
    return path.endswith("/v1/messages")


def read(path: str, query: Mapping[str, str], body: Mapping[str, Any], size: int) -> Asked:
    turns = [Turn("system", text) for text in _texts(body.get("system", ""))]
    for message in body["messages"]:
        turns += _turns(message)
    tools = {tool["name"]: Declared.of(tool["name"], tool.get("input_schema")) for tool in body.get("tools") or ()}
    return Asked(NAME, body["model"], tuple(turns), tools, bool(body.get("stream")), body["max_tokens"], size)


def _turns(message: Mapping[str, Any]) -> Iterable[Turn]:
    whose = "model" if message["role"] == "assistant" else message["role"]
    if isinstance(message["content"], str):
        yield Turn(whose, message["content"])
        return
    for block in message["content"]:
        match block["type"]:
            case "text":
                yield Turn(whose, block["text"])
            case "tool_use":
                yield Turn("call", str(block["input"]))
            case "tool_result":
                yield Turn("result", "\n".join(_texts(block.get("content", ""))))


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content] if content else []
    return [block.get("text", "") for block in content]


def usage(of: Usage) -> dict[str, Any]:
    ages = {"ephemeral_5m_input_tokens": of.cache_write - of.long, "ephemeral_1h_input_tokens": of.long}
    return {
        "input_tokens": of.input,
        "cache_creation_input_tokens": of.cache_write,
        "cache_read_input_tokens": of.cache_read,
        "cache_creation": ages,
        "output_tokens": of.output,
        "service_tier": "standard",
    }


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if answer.thought:
        found.append({"type": "thinking", "thinking": answer.thought, "signature": "c2NyaXB0ZWQ="})
    if answer.text:
        found.append({"type": "text", "text": answer.text})
    if answer.use:
        use = answer.use
        found.append({"type": "tool_use", "id": f"toolu_{answer.id}", "name": use.tool, "input": dict(use.arguments)})
    return found


def whole(asked: Asked, answer: Answer) -> Any:
    stop = {"stop_reason": STOPS[answer.stop], "stop_sequence": None}
    head = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant", "model": answer.model}
    return {**head, "content": _blocks(answer), **stop, "usage": usage(answer.usage)}


def stream(asked: Asked, answer: Answer, piece: int) -> list[bytes]:
    blank = {**whole(asked, answer), "content": [], "stop_reason": None}
    blank["usage"] = {**blank["usage"], "output_tokens": 1}  # the real API's placeholder
    parts = [_event("message_start", message=blank), _event("ping")]
    for index, block in enumerate(_blocks(answer)):
        parts += _block(index, block, answer, piece)
    stop = {"stop_reason": STOPS[answer.stop], "stop_sequence": None}
    parts.append(_event("message_delta", delta=stop, usage={"output_tokens": answer.usage.output}))
    return [*parts, _event("message_stop")]


def _block(index: int, block: dict[str, Any], answer: Answer, piece: int) -> list[bytes]:
    kind = block["type"]
    if kind == "thinking":
        empty: dict[str, Any] = {"type": kind, "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": part} for part in pieces(block["thinking"], piece)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind == "text":
        empty = {"type": kind, "text": ""}
        deltas = [{"type": "text_delta", "text": part} for part in pieces(block["text"], piece)]
    else:
        empty = {**block, "input": {}}
        said = answer.use.said if answer.use else ""
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in pieces(said, piece)]
    start = _event("content_block_start", index=index, content_block=empty)
    middle = [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
    return [start, *middle, _event("content_block_stop", index=index)]


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


def error(status: int, kind: str, text: str) -> Any:
    known = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 429: "rate_limit_error"}
    kind = kind or known.get(status, "overloaded_error" if status == 529 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": text}}


def broken(text: str) -> bytes:
    return _event("error", error={"type": "overloaded_error", "message": text})


def limited(seconds: float, at: float) -> dict[str, str]:
    reset = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return {
        "retry-after": f"{seconds:g}",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": reset,
    }
