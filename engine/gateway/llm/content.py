"""What makes two requests the same: their content, without what an agent's program makes anew each time.

Pure. A vendor does not answer otherwise for these fields: they name the user, the session, or where its cache lies.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.gateway.llm.ports import Asked
from engine.gateway.llm.values import Kind

_VOLATILE: dict[Kind, frozenset[str]] = {
    "anthropic": frozenset({"metadata"}),
    "openai": frozenset({
        "user", "metadata", "client_metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
    }),
    "gemini": frozenset({"labels"}),
}  # fmt: skip


def content(asked: Asked) -> Any:  # noqa: ANN401  JSON
    """The body as JSON without its volatile fields; a text where it is no JSON."""
    try:
        body = json.loads(asked.body)
    except (ValueError, RecursionError):
        return asked.body.decode(errors="replace")
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in _VOLATILE[asked.kind]}


def plain(said: Any) -> str:  # noqa: ANN401  JSON
    """JSON in the one form that equal content has. Texts need not be sound Unicode."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def same(asked: Asked) -> bytes:
    """A hash that two requests to one provider share if their content is the same."""
    parts = (asked.provider, asked.kind, asked.method, asked.path, asked.model, plain(content(asked)))
    return hashlib.sha256(json.dumps(parts).encode()).digest()
