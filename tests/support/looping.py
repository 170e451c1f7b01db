"""Agents that never end: the requests of each, as large as the real one's, sent until somebody says no.

They are what a budget has to stop. Each repeats a refused request as often as the real one was seen to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from engine.gateway.llm.values import Kind

LINE = "-rw-r--r-- 1 root root 4096 Nov 23 10:00 notes.txt\n"
MOST_CALLS = 40


@dataclass(frozen=True, kw_only=True)
class Looper:
    """One kind of agent. `opening`: bytes of its first request; `most`: the limit on output that it sends, if any."""

    kind: Kind
    api: str
    model: str
    opening: int
    most: int | None = None
    stream: bool = True
    repeats: int = 0

    @property
    def path(self) -> str:
        """Where it asks."""
        verb = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        paths = {"messages": "/v1/messages", "chat": "/v1/chat/completions"}
        paths |= {"responses": "/v1/responses", "compact": "/v1/responses/compact"}
        return paths.get(self.api, f"/v1beta/models/{self.model}:{verb}")

    def body(self, script: str, results: list[str]) -> dict[str, Any]:
        """The request after that many calls of its tool; each made it send the whole conversation again."""
        fill = LINE * (self.opening // len(LINE))
        first = f"[[script:{script}]] go on for ever"
        build = getattr(self, f"_{self.api}")
        body: dict[str, Any] = build(fill, first, results)
        return body

    def _messages(self, fill: str, first: str, results: list[str]) -> dict[str, Any]:
        system = [{"type": "text", "text": fill, "cache_control": {"type": "ephemeral"}}]
        turns: list[dict[str, Any]] = [{"role": "user", "content": first}]
        for number, result in enumerate(results):
            use = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": "ls"}}
            turns.append({"role": "assistant", "content": [use]})
            done = {"type": "tool_result", "tool_use_id": f"t{number}", "content": result}
            turns.append({"role": "user", "content": [done]})
        tools = [{"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}]
        head = {"model": self.model, "max_tokens": self.most, "stream": self.stream}
        return {**head, "system": system, "tools": tools, "messages": turns}

    def _chat(self, fill: str, first: str, results: list[str]) -> dict[str, Any]:
        turns: list[dict[str, Any]] = [{"role": "system", "content": fill}, {"role": "user", "content": first}]
        for number, result in enumerate(results):
            call = {
                "id": f"c{number}",
                "type": "function",
                "function": {"name": "bash", "arguments": '{"command":"ls"}'},
            }
            turns.append({"role": "assistant", "content": None, "tool_calls": [call]})
            turns.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
        limit = {"max_completion_tokens": self.most} if self.most else {}
        function = {"name": "bash", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}}}
        tools = [{"type": "function", "function": function}]
        return {"model": self.model, "messages": turns, "stream": self.stream, "tools": tools, **limit}

    def _responses(self, fill: str, first: str, results: list[str]) -> dict[str, Any]:
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": first}]}
        items: list[dict[str, Any]] = [said]
        for number, result in enumerate(results):
            call = {"type": "function_call", "call_id": f"c{number}", "name": "shell", "arguments": '{"command":"ls"}'}
            items += [call, {"type": "function_call_output", "call_id": f"c{number}", "output": result}]
        schema = {"type": "object", "properties": {"command": {"type": "string"}}}
        tools = [{"type": "function", "name": "shell", "parameters": schema}, {"type": "web_search"}]
        head = {"model": self.model, "stream": self.stream, "store": False}
        return {**head, "instructions": fill, "input": items, "tools": tools}

    def _compact(self, fill: str, first: str, results: list[str]) -> dict[str, Any]:
        return self._responses(fill, first, results)

    def _generate(self, fill: str, first: str, results: list[str]) -> dict[str, Any]:
        turns: list[dict[str, Any]] = [{"role": "user", "parts": [{"text": first}]}]
        for result in results:
            turns.append({"role": "model", "parts": [{"functionCall": {"name": "shell", "args": {"command": "ls"}}}]})
            done = {"name": "shell", "response": {"output": result}}
            turns.append({"role": "user", "parts": [{"functionResponse": done}]})
        schema = {"type": "OBJECT", "properties": {"command": {"type": "STRING"}}}
        tools = [{"functionDeclarations": [{"name": "shell", "parameters": schema}]}]
        config = {"thinkingConfig": {"thinkingBudget": 8192}}
        told = {"systemInstruction": {"parts": [{"text": fill}]}, "generationConfig": config}
        return {**told, "contents": turns, "tools": tools}


AGENTS: Mapping[str, Looper] = {
    "claude": Looper(kind="anthropic", api="messages", model="claude-opus-5", opening=116_000, most=32_000, repeats=1),
    "claude --bare": Looper(kind="anthropic", api="messages", model="claude-haiku-4-5", opening=4_400, most=32_000),
    "codex": Looper(kind="openai", api="responses", model="gpt-5.5", opening=40_000, repeats=2),
    "opencode": Looper(kind="openai", api="chat", model="gpt-5.5", opening=31_000, most=32_000),
    "gemini": Looper(kind="gemini", api="generate", model="gemini-2.5-pro", opening=49_000),
    "pi": Looper(kind="openai", api="chat", model="gpt-5.5", opening=5_600, most=16_384),
    "qwen": Looper(kind="openai", api="chat", model="gpt-5.5", opening=79_000, repeats=1),
    "aider": Looper(kind="openai", api="chat", model="gpt-5.5", opening=10_000, stream=False, repeats=4),
}
"""Sizes as they were measured of the real ones; how often they repeat a request that was answered 402 too."""


@dataclass
class Ended:
    """What a looping agent saw: how many answers were good, and what it got at the end."""

    answers: int = 0
    statuses: list[int] = field(default_factory=list)
    last: bytes = b""


async def loop(looper: Looper, base: str, script: str, result: str) -> Ended:
    """Until it is refused as often as it repeats, or is told that this is the end, or nobody stops it."""
    seen, results, refused = Ended(), list[str](), 0
    keys = {"x-api-key": "sk-test-a", "authorization": "Bearer sk-test-a", "x-goog-api-key": "sk-test-a"}
    async with aiohttp.ClientSession(headers=keys) as session:
        while len(seen.statuses) < MOST_CALLS and refused <= looper.repeats:
            raw = json.dumps(looper.body(script, results)).encode()
            headers = {"content-type": "application/json"}
            async with session.post(f"{base}{looper.path}", data=raw, headers=headers) as answer:
                seen.statuses.append(answer.status)
                try:
                    seen.last = await answer.read()
                except aiohttp.ClientPayloadError:
                    continue  # it broke off: the same again
            if answer.status != 200:
                refused += 1
                continue
            seen.answers += 1
            if b"budget" in seen.last:
                return seen
            results.append(result)
    return seen
