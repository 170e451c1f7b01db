"""Gemini's generateContent. The model stands in the path; usage comes with many pieces, and the last one is right."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, quote

import msgspec

from engine.gateway.llm import usage
from engine.gateway.llm.dialects.base import LEAST_OUT, Call, Dialect
from engine.gateway.llm.dialects.content import Found, blocks, embedded, survey
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.dialects.fields import Fields
from engine.gateway.llm.dialects.framed import event, json_bytes
from engine.gateway.llm.dialects.reading import Meter, understood, weigh, worded
from engine.gateway.llm.values import Kind, Spend

PATH = re.compile(r"(/v1(?:alpha|beta)?/(?:models|tunedModels)/)([^/:?]+)(:(?:streamG|g)enerateContent)")
_CONFIG = ("generationConfig", "generation_config")
_LIMIT = ("maxOutputTokens", "max_output_tokens")
_SEARCHING = frozenset({"googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval"})
# Tools that the vendor runs, and whose results nobody here sees before they are billed.
_FETCHING = frozenset({"urlContext", "url_context", "codeExecution", "code_execution", "fileSearch", "file_search"})
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class Generate(Dialect):
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`, with `alt=sse` and without."""

    name = "generate"
    kind: Kind = "gemini"

    def parse(self, path: str, query: str, body: bytes) -> Call:
        """See Dialect."""
        fields = Fields(body)
        at = PATH.fullmatch(path)
        if at is None:
            raise BadCall("the path names no model")
        config = fields.part(*_CONFIG) or Fields(b"{}")
        choices = config.whole("candidateCount", "candidate_count") or 1
        most = config.whole(*_LIMIT)
        floor = _thinking(config) + LEAST_OUT
        system, contents = fields.name("systemInstruction", "system_instruction"), fields.items("contents")
        messages = [*fields.items(system), *contents]
        tools = {name for tool in fields.items("tools") for name in Fields(tool, "a tool").raw}
        others = fields.others(system, "contents")
        return Call(
            dialect=self,
            path=path,
            model=at[2],
            stream=at[3] == ":streamGenerateContent",
            most_out=most,
            fields=fields,
            content=survey(
                fields.body,
                messages,
                others,
                _look,
                elsewhere=bool(fields.text("cachedContent", "cached_content")) or bool(tools & _FETCHING),
                first=len(messages) - len(contents),
            ),
            floor_out=floor if most is None else min(floor, most),
            choices=choices,
            tier=fields.text("serviceTier", "service_tier"),
            searches=len(tools & _SEARCHING),
            certain=True,
            sse="sse" in parse_qs(query).get("alt", []),
        )

    def changed(self, call: Call, *, model: str, most_out: int | None, count: bool) -> tuple[str, bytes]:  # noqa: ARG002
        """See Call."""
        changes: dict[str, object] = {}
        if most_out is not None and most_out != call.most_out:
            config = call.fields.part(*_CONFIG) or Fields(b"{}")
            limited = config.changed({config.name(*_LIMIT): most_out})
            changes[call.fields.name(*_CONFIG)] = msgspec.Raw(limited)
        path = call.path
        if model and model != call.model:
            path = PATH.sub(lambda at: at[1] + quote(model, safe="") + at[3], path)
        return path, call.fields.changed(changes)

    def meter(self, call: Call) -> Meter:
        """See Dialect."""
        return _Meter(call.model, call.tier)

    def refusal(self, status: int, code: str, text: str) -> bytes:
        """See Dialect."""
        state = _STATUS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper(), "domain": "quarterdeck"}
        return json_bytes({"error": {"code": status, "message": text, "status": state, "details": [info]}})

    def graceful(self, call: Call, text: str) -> list[bytes] | None:
        """See Dialect."""
        answer = {
            "candidates": [
                {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
            "modelVersion": call.model,
        }
        if not call.stream:
            return [json_bytes(answer)]
        return [event(answer) if call.sse else json_bytes([answer])]


def _thinking(config: Fields) -> int:
    """A budget of -1 leaves it to the model, so it is no floor."""
    thinking = config.part("thinkingConfig", "thinking_config")
    return usage.count(thinking.get("thinkingBudget", "thinking_budget")) or 0 if thinking else 0


def _look(content: bytes) -> list[Found]:
    if not any(name in content for name in (b'"inlineData"', b'"inline_data"', b'"fileData"', b'"file_data"')):
        return []
    return [found for block in blocks(content, "parts") if (found := _attached(block))]


def _attached(block: dict[str, Any]) -> Found | None:
    if "fileData" in block or "file_data" in block:
        return Found(elsewhere=True)
    data = block.get("inlineData", block.get("inline_data"))
    media = usage.text(data, "mimeType") or usage.text(data, "mime_type")
    return embedded(media, usage.text(data, "data")) if media else None


class _Piece(msgspec.Struct):
    candidates: Any = None
    usageMetadata: Any = None  # noqa: N815  a name on the wire
    modelVersion: Any = None  # noqa: N815  a name on the wire
    error: Any = None


_PIECE = msgspec.json.Decoder(_Piece)


class _Meter(Meter):
    def __init__(self, model: str, tier: str) -> None:
        self._model, self._tier = model, tier
        self._usage: dict[str, object] = {}
        self._searches = 0
        self._finished = False

    @property
    def spend(self) -> Spend | None:
        if not self._usage:
            return None
        return usage.gemini(self._usage, self._model, self._told_tier(), self._searches)

    def _told_tier(self) -> str:
        """Often nothing tells it; then it is the one that was asked for, which is given or refused."""
        traffic = usage.text(self._usage, "trafficType").removeprefix("ON_DEMAND").removeprefix("_").lower()
        named = usage.text(self._usage, "serviceTier").lower() or (traffic if traffic in {"priority", "flex"} else "")
        return named or self._tier

    def take(self, data: bytes) -> bool:
        piece = understood(_PIECE, data)
        if piece is None:
            return False
        self._model = piece.modelVersion if isinstance(piece.modelVersion, str) else self._model
        self._usage = usage.merged(self._usage, piece.usageMetadata)
        for candidate in piece.candidates if isinstance(piece.candidates, list) else ():
            self.seen += weigh(usage.part(candidate, "content"))
            self._finished = self._finished or usage.part(candidate, "finishReason") is not None
            asked = usage.part(candidate, "groundingMetadata", "webSearchQueries")
            self._searches = max(self._searches, len(asked) if isinstance(asked, list) else 0)
        if piece.error:
            self.error = worded(piece.error)
        self.final = self._finished and usage.credible(self.spend, self.seen)
        return False
