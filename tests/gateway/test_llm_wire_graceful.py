"""Each dialect reads its own words: a graceful answer, refused, changed, counted."""

from __future__ import annotations

import json

import pytest

from engine.gateway.llm import dialects
from engine.gateway.llm.dialects.base import Dialect

CASES = {
    "messages": ("anthropic", "/v1/messages", {"model": "claude-opus-5", "max_tokens": 100, "messages": []}),
    "chat": ("openai", "/v1/chat/completions", {"model": "gpt-5.5", "max_tokens": 100, "messages": []}),
    "responses": ("openai", "/v1/responses", {"model": "gpt-5.5", "max_output_tokens": 100, "input": []}),
    "generate": ("gemini", "/v1beta/models/gemini-2.5-pro:generateContent", {"contents": []}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_graceful_answer_is_an_answer_of_its_dialect(name: str, stream: bool) -> None:
    kind, path, body = CASES[name]
    if kind == "gemini":
        path = path.replace(":generate", ":streamGenerate") if stream else path
    else:
        body = {**body, "stream": stream}
    dialect = dialects.of(kind, "POST", path)
    assert isinstance(dialect, Dialect)
    call = dialect.parse(path, "alt=sse", json.dumps(body).encode())
    assert call.stream is stream
    answer = dialects.graceful(call, "The budget is used up.")
    assert answer is not None
    headers, chunks = answer
    reading = dialect.reading(call, headers, count=False)
    passed = b"".join(reading.feed(chunk) for chunk in chunks) + reading.end()
    assert passed == b"".join(chunks)
    assert reading.seen == len("The budget is used up.")
    assert reading.error == ""
