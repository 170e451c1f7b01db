"""Gemini's generateContent, as a document, as events (`alt=sse`) and as a JSON array that grows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from support.llm.words import Answer, Asked, Declared, Turn, Usage, pieces

NAME = "gemini"
STOPS = {"end": "STOP", "tool": "STOP", "length": "MAX_TOKENS"}
PATH = re.compile(r"/models/([^/:]+):(generateContent|streamGenerateContent)$")


def matches(path: str) -> bool:
    return PATH.search(path) is not None


def read(path: str, query: Mapping[str, str], body: Mapping[str, Any], size: int) -> Asked:
    found = PATH.search(path)
    assert found is not None
    system = (body.get("systemInstruction") or body.get("system_instruction") or {}).get("parts", ())
    turns = [Turn("system", part.get("text", "")) for part in system]
    turns += [turn for content in body["contents"] for turn in _turns(content)]
    functions = [function for tool in body.get("tools") or () for function in tool.get("functionDeclarations") or ()]
    tools = {one["name"]: Declared.of(one["name"], _schema(one)) for one in functions}
    most = (body.get("generationConfig") or {}).get("maxOutputTokens")
    streams = found[2] == "streamGenerateContent"
    return Asked(NAME, found[1], tuple(turns), tools, streams, most, size, array=query.get("alt") != "sse")


def _schema(function: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return function.get("parametersJsonSchema") or function.get("parameters")


def _turns(content: Mapping[str, Any]) -> Iterator[Turn]:
    for part in content.get("parts") or ():
        if "functionCall" in part:
            yield Turn("call", json.dumps(part["functionCall"].get("args")))
        elif "functionResponse" in part:
            yield Turn("result", json.dumps(part["functionResponse"].get("response")))
        elif not part.get("thought"):
            yield Turn("model" if content.get("role") == "model" else "user", part.get("text", ""))


def usage(of: Usage) -> dict[str, Any]:
    prompt = of.input + of.cache_read + of.cache_write
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": of.output - of.reasoning,
        "thoughtsTokenCount": of.reasoning,
        "cachedContentTokenCount": of.cache_read,
        "totalTokenCount": prompt + of.output,
    }


def _chunk(answer: Answer, parts: list[dict[str, Any]], spent: Usage, stop: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if stop:
        candidate["finishReason"] = stop
    head = {"modelVersion": answer.model, "responseId": answer.id}
    return {"candidates": [candidate], "usageMetadata": usage(spent), **head}


def _call(answer: Answer) -> list[dict[str, Any]]:
    return [{"functionCall": {"name": answer.use.tool, "args": dict(answer.use.arguments)}}] if answer.use else []


def whole(asked: Asked, answer: Answer) -> Any:
    parts: list[dict[str, Any]] = [{"text": answer.text}] if answer.text else []
    return _chunk(answer, [*parts, *_call(answer)], answer.usage, STOPS[answer.stop])


def stream(asked: Asked, answer: Answer, piece: int) -> list[bytes]:
    said = [{"text": answer.thought, "thought": True}] if answer.thought else []
    portions: list[list[dict[str, Any]]] = [
        [one] for one in [*said, *({"text": p} for p in pieces(answer.text, piece))]
    ]
    portions.append(_call(answer))
    chunks = []
    for number, parts in enumerate(portions, 1):  # cumulative, as the real one counts: the last is the truth
        last = number == len(portions)
        so_far = answer.usage if last else Usage(answer.usage.input, min(number, answer.usage.output))
        chunks.append(_chunk(answer, parts, so_far, STOPS[answer.stop] if last else ""))
    if not asked.array:
        return [f"data: {json.dumps(chunk)}\r\n\r\n".encode() for chunk in chunks]
    texts = [json.dumps(chunk).encode() for chunk in chunks]
    return [b"[" + texts[0], *(b",\r\n" + text for text in texts[1:]), b"]"]


def error(status: int, kind: str, text: str) -> Any:
    known = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED"}
    return {"error": {"code": status, "message": text, "status": kind or known.get(status, "UNAVAILABLE")}}


def broken(text: str) -> bytes:
    return f"data: {json.dumps(error(500, 'INTERNAL', text))}\r\n\r\n".encode()


def limited(seconds: float, at: float) -> dict[str, str]:
    return {}  # it stands in the document: `details`


def retry_info(document: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The document of a 429 that says when it is over."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}
    return {"error": {**document["error"], "details": [detail]}}
