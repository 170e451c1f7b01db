"""What an agent is answered: refusals in words that name the way out, and hosts' answers made to end their connection.

The first line says why as well: many programs show nothing else of a proxy's answer. Pure.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from engine.gateway.errors import (
    BadAnswer,
    BadRequest,
    Crowded,
    GatewayError,
    NotAllowed,
    NoToken,
    TooSlow,
    Unreachable,
)
from engine.gateway.names import Endpoint

MAX_HEAD = 64 << 10
"""Bytes of the head of a host's answer."""
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])( [^\r\n]*)?\r\n")
_DROPPED = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"upgrade"}
_CODES = {BadRequest: 400, NoToken: 407, TooSlow: 408, Unreachable: 502, BadAnswer: 502, Crowded: 503}


def refusal(error: GatewayError, agent: str, setting: str) -> bytes:
    """A whole answer that says why; of what is not allowed also who it is and which setting says so."""
    if not isinstance(error, NotAllowed):
        return _whole(_CODES[type(error)], str(error))
    way_out = f'The person can allow it: "{error.to}" in {setting}, in quarterdeck.toml.\n'
    return _whole(403, f"{agent} may not reach {error.to}: {error.why}", way_out)


def _whole(code: int, why: str, text: str = "") -> bytes:
    body = f"Quarterdeck: {why}\n{text}".encode("ascii", "replace")
    line = f"HTTP/1.1 {code} {HTTPStatus(code).phrase} ({why})".encode("ascii", "replace")
    lines = [line, b"Content-Type: text/plain", b"Content-Length: %d" % len(body)]
    if code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        lines.append(b'Proxy-Authenticate: Basic realm="quarterdeck"')
    return b"\r\n".join((*lines, b"Connection: close", b"", body))


def split(data: bytes | bytearray, host: Endpoint) -> tuple[bytes, bytes] | None:
    """The head of a host's answer and what follows it; None while it is not whole. Raises BadAnswer."""
    end = data.find(b"\r\n\r\n") + 4
    if (end if end > 3 else len(data)) > MAX_HEAD:
        raise BadAnswer(host, f"its head has more than {MAX_HEAD} bytes")
    return (bytes(data[:end]), bytes(data[end:])) if end > 3 else None


def passed_on(head: bytes, host: Endpoint) -> tuple[bytes, bool]:
    """The head for the agent, and whether it is the last one (100 and its like come before it). Raises BadAnswer."""
    status = _STATUS.match(head)
    if status is None:
        raise BadAnswer(host, "it is not HTTP/1")
    if status[1].startswith(b"1") and status[1] != b"101":
        return head, False
    lines = [line for line in head[:-4].split(b"\r\n") if line.partition(b":")[0].strip().lower() not in _DROPPED]
    return b"\r\n".join((*lines, b"Connection: close", b"", b"")), True
