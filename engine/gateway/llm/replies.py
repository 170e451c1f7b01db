"""Answers of the gateway's own: what an agent is told that gets none of a vendor's. Pure.

One shape is understood by the clients of all vendors, for where it is not known which one asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from engine.gateway.llm.dialects.base import Dialect
from engine.gateway.llm.heads import Lines

_JSON = ("content-type", "application/json")
_FINAL = ("x-should-retry", "false")
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "RESOURCE_EXHAUSTED", 404: "NOT_FOUND"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Its length is not among the headers."""

    status: int
    headers: Lines
    body: bytes


def refusal(status: int, code: str, text: str, dialect: Dialect | None = None, *, again: bool = False) -> Reply:
    """An error that says why, in the dialect's shape. Unless it may be tried `again`, it says not to."""
    text = f"Quarterdeck: {text}"
    body = dialect.refusal(status, code, text) if dialect else _anyone(status, code, text)
    return Reply(status, [_JSON] if again else [_JSON, _FINAL], body)


def scrubbed(body: bytes, key: str) -> bytes:
    """What a vendor says of a key that it does not like may have the key in it."""
    return body.replace(key.encode(), b"[key]") if key else body


def _anyone(status: int, code: str, text: str) -> bytes:
    error = {"type": code, "message": text, "code": status, "status": _STATUS.get(status, "UNKNOWN")}
    return msgspec.json.encode({"type": "error", "error": error})
