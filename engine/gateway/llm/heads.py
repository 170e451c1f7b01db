"""Which header lines pass through, and which tokens were shown. Pure.

The agent's token never goes up: any line it stands in is left out, wherever it stands. A key of ours never comes down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from engine.gateway.llm.values import Upstream

Lines = Sequence[tuple[str, str]]

HOP = frozenset({
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "http2-settings",
})  # fmt: skip
_OWN_UP = HOP | {"host", "content-length", "accept-encoding", "expect", "cookie"}
_OWN_DOWN = HOP | {"content-length", "set-cookie", "alt-svc", "strict-transport-security", "location"}
_SHOWN_IN = ("x-api-key", "x-goog-api-key", "api-key")


def shown(headers: Lines, query: str) -> list[str]:
    """Everything in a request that stands where vendors look for a key."""
    found = []
    for name, value in headers:
        lower = name.lower()
        if lower in _SHOWN_IN:
            found.append(value.strip())
        elif lower == "authorization":
            found.append(value.partition(" ")[2].strip())
    return [*found, *(unquote(value) for name, value in _pairs(query) if name == "key")]


def without_key(query: str) -> str:
    """The query as it was, but for `key=`."""
    return "&".join(part for part in query.split("&") if part and part.partition("=")[0] != "key")


def upwards(headers: Lines, upstream: Upstream, token: str, key: str) -> list[tuple[str, str]]:
    """What the vendor gets. On a plan the agent's own log-in stays; else ours takes the place of whatever it sent.

    A body that is not passed on as it came is not packed any more. What is no text has no place in a head.
    """
    dropped = _OWN_UP | _named_by_connection(headers) | (set() if upstream.plan else {"content-encoding"})
    passed = [
        (name, value)
        for name, value in headers
        if name.lower() not in dropped and not (token and token in value) and _is_text(value)
    ]
    if not upstream.plan:
        passed = [(name, value) for name, value in passed if name.lower() not in {*_SHOWN_IN, "authorization"}]
    return [*passed, ("Accept-Encoding", "identity"), *_signed(upstream, key)]


def downwards(headers: Lines, key: str) -> list[tuple[str, str]]:
    """What the agent gets. Lengths are left out, as the answer is sent in portions, and where else it might ask."""
    dropped = _OWN_DOWN | _named_by_connection(headers)
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in dropped and not (key and key in value) and _is_text(value)
    ]


def value_of(headers: Lines, name: str) -> str:
    """The first value under that name (in small letters), or ""."""
    return next((value for key, value in headers if key.lower() == name), "")


def _signed(upstream: Upstream, key: str) -> list[tuple[str, str]]:
    if upstream.plan or not key:
        return []
    if upstream.kind == "anthropic":
        return [("x-api-key", key)]
    return [("x-goog-api-key", key)] if upstream.kind == "gemini" else [("Authorization", f"Bearer {key}")]


def _named_by_connection(headers: Lines) -> set[str]:
    values = (value for name, value in headers if name.lower() == "connection")
    return {word.strip().lower() for value in values for word in value.split(",")}


def _is_text(value: str) -> bool:
    """Whether it can be sent: it has no control character, and none that stands for a byte that is no text."""
    return all(letter.isprintable() or letter == "\t" for letter in value)


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, _, value in (part.partition("=") for part in query.split("&")))
