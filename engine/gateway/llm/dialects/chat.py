"""OpenAI's chat completions. Usage comes once, at the end, and only to those who ask for it in the request."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.base import LEAST_OUT, Call, Dialect
from engine.gateway.llm.dialects.content import Found, blocks, embedded, linked, survey
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.dialects.fields import Fields
from engine.gateway.llm.dialects.framed import DONE, event, json_bytes
from engine.gateway.llm.dialects.reading import Meter, understood, weigh, worded
from engine.gateway.llm.values import Kind, Spend

_LIMITS = ("max_tokens", "max_completion_tokens")
ERRORS = {401: "authentication_error", 402: "insufficient_quota", 429: "rate_limit_error"}


class Chat(Dialect):
    """`POST /v1/chat/completions`, of OpenAI and of all who copied it."""

    name = "chat"
    kind: Kind = "openai"

    def parse(self, path: str, query: str, body: bytes) -> Call:  # noqa: ARG002  its query says nothing
        """See Dialect."""
        fields = Fields(body)
        choices = fields.whole("n") or 1
        if choices > 128:
            raise BadCall("n is more than 128")
        limits = [most for name in _LIMITS if (most := fields.whole(name)) is not None]
        most = max(limits, default=None)
        others = fields.others("messages")
        messages = fields.items("messages")
        return Call(
            dialect=self,
            path=path,
            model=fields.text("model"),
            stream=fields.true("stream"),
            most_out=most,
            fields=fields,
            content=survey(fields.body, messages, others, _look, elsewhere=False, first=_opening(messages)),
            floor_out=LEAST_OUT if most is None else min(LEAST_OUT, most),
            choices=choices,
            tier=fields.text("service_tier"),
            searches=choices if fields.part("web_search_options") else 0,
        )

    def changed(self, call: Call, *, model: str, most_out: int | None, count: bool) -> tuple[str, bytes]:
        """See Call."""
        changes: dict[str, object] = {}
        if model and model != call.model:
            changes["model"] = model
        if most_out is not None and most_out != call.most_out:
            named = [name for name in _LIMITS if name in call.fields.raw] or ["max_completion_tokens"]
            changes.update(dict.fromkeys(named, most_out))
        if count and self.injects(call):
            options = call.fields.part("stream_options")
            counting = {"include_usage": True}
            changes["stream_options"] = msgspec.Raw(options.changed(counting)) if options else counting
        return call.path, call.fields.changed(changes)

    def injects(self, call: Call) -> bool:
        """See Dialect."""
        options = call.fields.part("stream_options") if call.stream else None
        return call.stream and not (options and options.true("include_usage"))

    def meter(self, call: Call) -> Meter:
        """See Dialect."""
        return _Meter(call.model)

    def refusal(self, status: int, code: str, text: str) -> bytes:
        """See Dialect."""
        return refused(status, code, text)

    def graceful(self, call: Call, text: str) -> list[bytes] | None:
        """See Dialect."""
        head = {"id": "chatcmpl-quarterdeck", "created": 0, "model": call.model}
        told = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        said = {"role": "assistant", "content": text}
        if not call.stream:
            choice = {"index": 0, "message": said, "finish_reason": "stop"}
            return [json_bytes({**head, "object": "chat.completion", "choices": [choice], "usage": told})]
        head["object"] = "chat.completion.chunk"
        first = event({**head, "choices": [{"index": 0, "delta": said, "finish_reason": None}]})
        last = event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        counted = [] if self.injects(call) else [event({**head, "choices": [], "usage": told})]
        return [first, last, *counted, DONE]


def refused(status: int, code: str, text: str) -> bytes:
    """An error as OpenAI's two dialects write it."""
    kind = ERRORS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return json_bytes({"error": {"message": text, "type": kind, "param": None, "code": code}})


def _opening(messages: list[bytes]) -> int:
    """Which message is the first of a person."""
    return next((at for at, one in enumerate(messages) if b'"role":"user"' in one.replace(b" ", b"")), 0)


def _look(message: bytes) -> list[Found]:
    if b'"image_url"' not in message and b'"file"' not in message:
        return []
    return [found for block in blocks(message, "content") if (found := _attached(block))]


def _attached(block: dict[str, Any]) -> Found | None:
    if block.get("type") == "image_url":
        return linked(usage.part(block, "image_url", "url"))
    if block.get("type") != "file":
        return None
    data = usage.text(block, "file", "file_data")
    return (linked(data) if data.startswith("data:") else embedded("application/pdf", data)) if data else _AWAY


_AWAY = Found(elsewhere=True)


class _Chunk(msgspec.Struct):
    choices: Any = None
    usage: Any = None
    model: Any = None
    service_tier: Any = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class _Meter(Meter):
    def __init__(self, model: str) -> None:
        self._model, self._tier = model, ""
        self._usage: dict[str, object] = {}
        self._finished = False

    @property
    def spend(self) -> Spend | None:
        return usage.openai(self._usage, self._model, self._tier, 0) if self._usage else None

    def take(self, data: bytes) -> bool:
        chunk = understood(_CHUNK, data)
        if chunk is None:
            self._finished = self._finished or b"[DONE]" in data[:8]
            return False
        self._model = chunk.model if isinstance(chunk.model, str) and chunk.model else self._model
        self._tier = chunk.service_tier if isinstance(chunk.service_tier, str) else self._tier
        for choice in chunk.choices if isinstance(chunk.choices, list) else ():
            self.seen += weigh(usage.part(choice, "delta")) + weigh(usage.part(choice, "message"))
            self._finished = self._finished or usage.part(choice, "finish_reason") is not None
        if chunk.error:
            self.error = worded(chunk.error)
        if not isinstance(chunk.usage, dict):
            return False
        return self._count(chunk)

    def _count(self, chunk: _Chunk) -> bool:
        """Some who copied the API count in every chunk: the last one is right."""
        self._usage = usage.merged(self._usage, chunk.usage)
        alone = isinstance(chunk.choices, list) and not chunk.choices
        self.final = (self._finished or alone) and usage.credible(self.spend, self.seen)
        return alone
