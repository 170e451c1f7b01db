"""OpenAI's responses, with function tools and freeform ones, as Codex uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from support.llm.apis import chat
from support.llm.words import Answer, Asked, Declared, Turn, Usage, pieces, sse

NAME = "responses"
error, limited = chat.error, chat.limited


def matches(path: str) -> bool:
    return path.endswith(("/responses", "/responses/compact"))


def read(path: str, query: Mapping[str, str], body: Mapping[str, Any], size: int) -> Asked:
    turns = [Turn("system", body["instructions"])] if body.get("instructions") else []
    given = body.get("input") or []
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
    turns += [turn for item in items for turn in _turns(item)]
    tools = {tool["name"]: tool for tool in body.get("tools") or () if tool.get("type") in ("function", "custom")}
    declared = {name: _declared(tool) for name, tool in tools.items()}
    return Asked(
        NAME, body["model"], tuple(turns), declared, bool(body.get("stream")), body.get("max_output_tokens"), size
    )


def _declared(tool: Mapping[str, Any]) -> Declared:
    return Declared.of(tool["name"], tool.get("parameters"), freeform=tool["type"] == "custom")


def _turns(item: Mapping[str, Any]) -> Iterator[Turn]:
    match item.get("type", "message"):
        case "message":
            whose: Any = chat.WHOSE.get(item["role"], item["role"])
            content = item["content"]
            texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
            yield from (Turn(whose, text) for text in texts)
        case "function_call" | "custom_tool_call":
            yield Turn("call", str(item.get("arguments") or item.get("input") or ""))
        case "function_call_output" | "custom_tool_call_output":
            yield Turn("result", str(item.get("output", "")))


def usage(of: Usage) -> dict[str, Any]:
    given = of.input + of.cache_read + of.cache_write
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": of.cache_read},
        "output_tokens": of.output,
        "output_tokens_details": {"reasoning_tokens": of.reasoning},
        "total_tokens": given + of.output,
    }


def _items(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if answer.thought:
        summary = [{"type": "summary_text", "text": answer.thought}]
        found.append({"type": "reasoning", "id": f"rs_{answer.id}", "summary": summary, "encrypted_content": None})
    if answer.text or not answer.use:
        part = {"type": "output_text", "text": answer.text, "annotations": []}
        status = "incomplete" if answer.stop == "length" else "completed"
        message = {"type": "message", "id": f"msg_{answer.id}", "role": "assistant", "status": status}
        found.append({**message, "content": [part]})
    if answer.use:
        custom = answer.use.freeform
        head = {
            "type": "custom_tool_call" if custom else "function_call",
            "id": f"fc_{answer.id}",
            "status": "completed",
        }
        said = {"input" if custom else "arguments": answer.use.said}
        found.append({**head, "call_id": f"call_{answer.id}", "name": answer.use.tool, **said})
    return found


def whole(asked: Asked, answer: Answer) -> Any:
    cut = answer.stop == "length"
    head = {"id": f"resp_{answer.id}", "object": "response", "created_at": 1_790_000_000, "model": answer.model}
    return {
        **head,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "output": _items(answer),
        "usage": usage(answer.usage),
    }


def stream(asked: Asked, answer: Answer, piece: int) -> list[bytes]:
    done = whole(asked, answer)
    open_ = {**done, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    events = [{"type": "response.created", "response": open_}, {"type": "response.in_progress", "response": open_}]
    for index, item in enumerate(done["output"]):
        events += [{**event, "output_index": index} for event in _item(item, piece)]
    events.append({"type": f"response.{done['status']}", "response": done})
    return [sse({**event, "sequence_number": number}, event["type"]) for number, event in enumerate(events)]


def _item(item: dict[str, Any], piece: int) -> Iterator[dict[str, Any]]:
    def event(kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", "item_id": item["id"], **fields}

    yield {"type": "response.output_item.added", "item": _empty(item)}
    match item["type"]:
        case "message":
            text = item["content"][0]["text"]
            yield event("content_part.added", content_index=0, part={**item["content"][0], "text": ""})
            for part in pieces(text, piece):
                yield event("output_text.delta", content_index=0, delta=part)
            yield event("output_text.done", content_index=0, text=text)
            yield event("content_part.done", content_index=0, part=item["content"][0])
        case "reasoning":
            yield event("reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""})
            for part in pieces(item["summary"][0]["text"], piece):
                yield event("reasoning_summary_text.delta", summary_index=0, delta=part)
            yield event("reasoning_summary_text.done", summary_index=0, text=item["summary"][0]["text"])
        case "function_call":
            for part in pieces(item["arguments"], piece):
                yield event("function_call_arguments.delta", delta=part)
            yield event("function_call_arguments.done", arguments=item["arguments"])
        case "custom_tool_call":
            for part in pieces(item["input"], piece):
                yield event("custom_tool_call_input.delta", delta=part)
            yield event("custom_tool_call_input.done", input=item["input"])
    yield {"type": "response.output_item.done", "item": item}


def _empty(item: dict[str, Any]) -> dict[str, Any]:
    blank = {"content": [], "summary": [], "arguments": "", "input": ""}
    started = {"status": "in_progress"} if "status" in item else {}
    return {**item, **{name: value for name, value in blank.items() if name in item}, **started}


def broken(text: str) -> bytes:
    failed = {
        "id": "resp_failed",
        "object": "response",
        "status": "failed",
        "error": {"code": "server_error", "message": text},
    }
    return sse({"type": "response.failed", "response": failed}, "response.failed")
