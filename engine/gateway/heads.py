"""Reads the head of a request to the proxy, strictly. Pure: bytes in, a `Request` or `BadRequest` out.

Two requests are known: `CONNECT host:port` and `METHOD http://host/path` (RFC 9112, 3.2.2 and 3.2.3). Whatever two
readers could read in two ways is refused: a bare line feed, a folded line, two lengths, a length beside a coding.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from engine.gateway.errors import BadHost, BadRequest
from engine.gateway.names import Endpoint, endpoint, shown

MAX_HEAD = 16 << 10
"""Bytes of a request's head, the empty line included."""
MAX_FIELDS = 100
HTTP = 80
CHUNKED = -1
"""A body that says itself where it ends."""

_END = re.compile(rb"\r?\n\r?\n")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(rb"[\x21-\x7e]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_URL = re.compile(r"http://([^/?#@]+)([/?][^#]*)?", re.IGNORECASE)
_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"upgrade",
}
_OURS = {b"host", b"content-length", b"transfer-encoding", b"trailer"}
"""Fields that are written anew, or not at all, so that no `Connection` can name them away."""

Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `body` is its length in bytes, or `CHUNKED`; `target` is a path, "" for CONNECT."""

    method: str
    to: Endpoint
    target: str = ""
    version: str = "HTTP/1.1"
    fields: tuple[Field, ...] = field(default=(), repr=False)
    body: int = 0
    password: str = field(default="", repr=False)

    @property
    def tunnel(self) -> bool:
        """Bytes are to be carried both ways, whatever they are."""
        return self.method == "CONNECT"

    def head(self) -> bytes:
        """How the host is asked: origin form, its own name as `Host`, one request a connection."""
        host = shown(self.to.host) + ("" if self.to.port == HTTP else f":{self.to.port}")
        lines = [f"{self.method} {self.target} {self.version}".encode(), b"Host: " + host.encode()]
        lines += [name + b": " + value for name, value in self.fields]
        if self.body == CHUNKED:
            lines.append(b"Transfer-Encoding: chunked")
        elif self.body or self.method in {"POST", "PUT", "PATCH"}:
            lines.append(b"Content-Length: %d" % self.body)
        return b"\r\n".join((*lines, b"Connection: close", b"", b""))


def split(data: bytes | bytearray) -> tuple[bytes, bytes] | None:
    """The head with its empty line, and what came after it; None while it is not whole. Raises BadRequest."""
    end = _END.search(data)
    if (len(data) if end is None else end.end()) > MAX_HEAD:
        raise BadRequest(f"its head has more than {MAX_HEAD} bytes")
    return None if end is None else (bytes(data[: end.end()]), bytes(data[end.end() :]))


def parse(head: bytes) -> Request:
    """The request of a whole head, as `split` gives it. Raises BadRequest."""
    if not head.endswith(b"\r\n\r\n"):
        raise BadRequest("its lines do not end with CR LF")
    first, *rest = head[:-4].split(b"\r\n")
    method, target, version = _request_line(first)
    fields = _fields(rest)
    password = _password(_one(fields, b"proxy-authorization"))
    _one(fields, b"host")
    body = _body(fields, version)
    if method == "CONNECT":
        if body:
            raise BadRequest("CONNECT has no body")
        return Request(method=method, to=_to(target, None), version=version, password=password)
    to, path = _split_url(target)
    return Request(
        method=method, to=to, target=path, version=version, fields=_end_to_end(fields), body=body, password=password
    )


def _request_line(line: bytes) -> tuple[str, str, str]:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise BadRequest("its first line is not METHOD TARGET VERSION")
    method, target, version = parts
    if _TOKEN.fullmatch(method) is None or _VISIBLE.fullmatch(target) is None:
        raise BadRequest("its first line holds characters that do not belong there")
    if version not in {b"HTTP/1.1", b"HTTP/1.0"}:
        raise BadRequest("its version is not HTTP/1.1 or HTTP/1.0")
    return method.decode(), target.decode(), version.decode()


def _split_url(target: str) -> tuple[Endpoint, str]:
    url = _URL.fullmatch(target)
    if url is None:
        raise BadRequest("its target is not http://HOST/… (a path alone is for servers; https goes through CONNECT)")
    path = url[2] or "/"
    return _to(url[1], HTTP), path if path.startswith("/") else f"/{path}"


def _to(authority: str, default: int | None) -> Endpoint:
    try:
        return endpoint(authority, default)
    except BadHost as bad:
        raise BadRequest(bad.why) from None


def _fields(lines: list[bytes]) -> list[Field]:
    if len(lines) > MAX_FIELDS:
        raise BadRequest(f"it has more than {MAX_FIELDS} fields")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _TOKEN.fullmatch(name) is None:  # a folded line begins with a space, which is in no name
            raise BadRequest("a line of its head is no field")
        if _VALUE.fullmatch(value) is None:
            raise BadRequest("a field holds a control character")
        fields.append((name, value.strip(b" \t")))
    return fields


def _one(fields: list[Field], wanted: bytes) -> bytes | None:
    found = [value for name, value in fields if name.lower() == wanted]
    if len(found) > 1:
        raise BadRequest(f"it has two fields {wanted.decode()}")
    return found[0] if found else None


def _body(fields: list[Field], version: str) -> int:
    length, coding = _one(fields, b"content-length"), _one(fields, b"transfer-encoding")
    if coding is None:
        if length is None:
            return 0
        if re.fullmatch(rb"[0-9]{1,18}", length) is None:
            raise BadRequest("its Content-Length is no number")
        return int(length)
    if length is not None or version == "HTTP/1.0" or coding.lower() != b"chunked":
        raise BadRequest("its Transfer-Encoding is not chunked alone")
    return CHUNKED


def _password(credentials: bytes | None) -> str:
    """The password of `Basic BASE64(name:password)`; "" for none and for what is not that."""
    scheme, _, encoded = (credentials or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _end_to_end(fields: list[Field]) -> tuple[Field, ...]:
    """What the host is told: nothing that is for the proxy, or that `Connection` names."""
    named = (value.split(b",") for name, value in fields if name.lower() == b"connection")
    hop = {one.strip().lower() for values in named for one in values} | _HOP | _OURS
    return tuple((name, value) for name, value in fields if name.lower() not in hop)
