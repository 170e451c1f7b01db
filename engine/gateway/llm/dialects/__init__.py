"""The APIs of the vendors, as bytes: which path is which, what a request asks for, what an answer has cost.

Nothing is sent from here, and nothing is decided about money.
"""

from __future__ import annotations

import re

from engine.gateway.llm.dialects.anthropic import Messages
from engine.gateway.llm.dialects.base import JSON, SSE, Call, Dialect, Headers, Plain, Refused
from engine.gateway.llm.dialects.chat import Chat
from engine.gateway.llm.dialects.gemini import PATH, Generate
from engine.gateway.llm.dialects.responses import Responses
from engine.gateway.llm.values import Kind

_METERED: dict[Kind, list[tuple[re.Pattern[str], Dialect]]] = {
    "anthropic": [(re.compile(r"(?:/v1)?/messages"), Messages())],
    "openai": [
        (re.compile(r"(?:/v1)?/chat/completions"), Chat()),
        (re.compile(r"(?:/v1)?/responses"), Responses()),
        (re.compile(r"(?:/v1)?/responses/compact"), Responses(compact=True)),
    ],
    "gemini": [(PATH, Generate())],
}
_PLAIN: dict[Kind, re.Pattern[str]] = {
    "anthropic": re.compile(r"GET (?:/v1)?/models(?:/[\w.:@-]+)?|POST (?:/v1)?/messages/count_tokens"),
    "openai": re.compile(r"GET (?:/v1)?/models(?:/[\w.:@-]+)?|POST (?:/v1)?/responses/input_tokens"),
    "gemini": re.compile(
        r"GET /v1(?:alpha|beta)?/models(?:/[\w.@-]+)?|POST /v1(?:alpha|beta)?/models/[^/:]+:countTokens"
    ),
}
_LATER = re.compile(r".*(?:/batches\b|:batch\w*|/cachedContents\b).*")
_LATER_WHY = "it is billed hours later, or by the hour, where no budget could hold it; ask for single answers"
_SOCKET_WHY = "this gateway speaks no WebSocket; configure the agent with `supports_websockets = false`"


def of(kind: Kind, method: str, path: str) -> Dialect | Plain | Refused | None:
    """What a path below a gateway of that kind is; None: nothing that is known, which is refused as not found.

    The path is compared as it came, so one in another spelling (`//`, `..`, `%2e`) is not known.
    """
    if method == "POST":
        for pattern, dialect in _METERED[kind]:
            if pattern.fullmatch(path):
                return dialect
    if _PLAIN[kind].fullmatch(f"{method} {path}"):
        return Plain()
    if _LATER.fullmatch(path):
        return Refused(_LATER_WHY)
    return Refused(_SOCKET_WHY) if method == "GET" and path.endswith(("/responses", "/realtime")) else None


def refusal(dialect: Dialect, status: int, code: str, text: str) -> tuple[int, Headers, bytes]:
    """An error in the shape of this API. `code` is a short name of the reason. Only 429 and 5xx invite to try again."""
    headers = dict(JSON)
    if status != 429 and status < 500:
        headers["x-should-retry"] = "false"
    return status, headers, dialect.refusal(status, code, text)


def graceful(call: Call, text: str) -> tuple[Headers, list[bytes]] | None:
    """A good last answer (status 200) that says this and asks for no tool; None where the path has no such answer."""
    chunks = call.dialect.graceful(call, text)
    if chunks is None:
        return None
    return dict(SSE if call.stream and call.sse else JSON), chunks
