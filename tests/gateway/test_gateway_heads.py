"""The head of a request: what is read, what the host is told, and everything that two readers could read in two ways."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.gateway import heads
from engine.gateway.errors import BadRequest
from engine.gateway.heads import CHUNKED, MAX_HEAD, parse


def head(*lines):
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def test_connect_names_a_host_and_a_port():
    request = parse(head("CONNECT Example.ORG:8443 HTTP/1.1", "Host: whatever"))
    assert (request.tunnel, request.to, request.body) == (True, ("example.org", 8443), 0)


def test_an_absolute_url_is_asked_in_origin_form_by_its_own_name():
    request = parse(
        head(
            "POST HTTP://Example.org:8080/a/b?q=1 HTTP/1.1",
            "Host: other.example",
            "User-Agent: x",
            "Proxy-Connection: keep-alive",
            "Connection: close, X-Mine, Content-Length, Host",
            "Keep-Alive: 5",
            "X-Mine: 1",
            "Upgrade: h2c",
            "TE: trailers",
            "Proxy-Authorization: Basic eDp5",
            "Content-Length: 12",
            "Authorization: Bearer kept",
        )
    )
    assert (request.to, request.target, request.body) == (("example.org", 8080), "/a/b?q=1", 12)
    assert request.head().split(b"\r\n") == [
        b"POST /a/b?q=1 HTTP/1.1",
        b"Host: example.org:8080",
        b"User-Agent: x",
        b"Authorization: Bearer kept",
        b"Content-Length: 12",
        b"Connection: close",
        b"",
        b"",
    ]


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("http://a", "/", b"a"),
        ("http://a?x=1", "/?x=1", b"a"),
        ("http://a.:80/", "/", b"a"),
        ("http://[::1]:81//x", "//x", b"[::1]:81"),
    ],
)
def test_targets(url, target, host):
    request = parse(head(f"GET {url} HTTP/1.0"))
    assert request.target == target
    assert (
        request.head() == b"GET " + target.encode() + b" HTTP/1.0\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    )


def test_a_chunked_body_stays_chunked():
    request = parse(head("POST http://a/ HTTP/1.1", "Transfer-Encoding: Chunked"))
    assert request.body == CHUNKED
    assert b"\r\nTransfer-Encoding: chunked\r\n" in request.head()


def test_the_password_is_read_and_shown_nowhere():
    encoded = base64.b64encode(b"agent:to:ken").decode()
    request = parse(head("CONNECT a:1 HTTP/1.1", f"proxy-authorization: basic {encoded}", "Cookie: secret"))
    assert request.password == "to:ken"
    assert "to:ken" not in repr(request)
    for other in ("Bearer x", "Basic !!", "Basic /w==", "Basic", ""):
        assert parse(head("CONNECT a:1 HTTP/1.1", f"Proxy-Authorization: {other}")).password == ""


GET = "GET http://a/ HTTP/1.1"
POST = "POST http://a/ HTTP/1.1"
BAD = {
    "no first line": head(""),
    "two words": head("GET http://a/"),
    "four words": head("GET http://a/ x HTTP/1.1"),
    "two spaces": head("GET  http://a/ HTTP/1.1"),
    "tab": head("GET\thttp://a/\tHTTP/1.1"),
    "HTTP/2": head("PRI * HTTP/2.0"),
    "HTTP/0.9": head("GET http://a/ HTTP/0.9"),
    "lower http": head("GET http://a/ http/1.1"),
    "origin form": head("GET /etc/passwd HTTP/1.1", "Host: a"),
    "https": head("GET https://a/ HTTP/1.1"),
    "ftp": head("GET ftp://a/ HTTP/1.1"),
    "user": head("GET http://u:p@a/ HTTP/1.1"),
    "user in CONNECT": head("CONNECT u@a:1 HTTP/1.1"),
    "fragment": head("GET http://a/#x HTTP/1.1"),
    "no host": head("GET http:/// HTTP/1.1"),
    "no port in CONNECT": head("CONNECT a HTTP/1.1"),
    "port 0": head("CONNECT a:0 HTTP/1.1"),
    "port too high": head("CONNECT a:65536 HTTP/1.1"),
    "port with sign": head("CONNECT a:+1 HTTP/1.1"),
    "url in CONNECT": head("CONNECT http://a:1/ HTTP/1.1"),
    "control in host": head("CONNECT a\x0bb:1 HTTP/1.1"),
    "NUL in host": head("CONNECT a\x00b:1 HTTP/1.1"),
    "escape in host": head("CONNECT a%00b:1 HTTP/1.1"),
    "byte above ASCII in host": head("CONNECT b\xfccher:1 HTTP/1.1"),
    "CR in target": head("GET http://a/\rx HTTP/1.1"),
    "method": head("G(T http://a/ HTTP/1.1"),
    "bare LF everywhere": b"GET http://a/ HTTP/1.1\nHost: a\n\n",
    "bare LF at the end": b"GET http://a/ HTTP/1.1\r\nHost: a\n\n",
    "bare LF in a field": head(GET, "A: b\nHost: c"),
    "bare CR in a field": head(GET, "A: b\rHost: c"),
    "folded": head(GET, "A: b", " c"),
    "folded with tab": head(GET, "A: b", "\tTransfer-Encoding: chunked"),
    "first field folded": head(GET, " A: b"),
    "space before colon": head(POST, "Content-Length : 3"),
    "no colon": head(GET, "Abc"),
    "no name": head(GET, ": b"),
    "NUL in a value": head(GET, "A: \x00"),
    "two lengths": head(POST, "Content-Length: 3", "Content-Length: 4"),
    "two equal lengths": head(POST, "Content-Length: 3", "content-length: 3"),
    "list of lengths": head(POST, "Content-Length: 3, 3"),
    "negative length": head(POST, "Content-Length: -3"),
    "length with sign": head(POST, "Content-Length: +3"),
    "length with underscore": head(POST, "Content-Length: 1_0"),
    "huge length": head(POST, "Content-Length: " + "9" * 19),
    "length and coding": head(POST, "Content-Length: 3", "Transfer-Encoding: chunked"),
    "two codings": head(POST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "gzip and chunked": head(POST, "Transfer-Encoding: gzip, chunked"),
    "identity": head(POST, "Transfer-Encoding: identity"),
    "odd chunked": head(POST, "Transfer-Encoding: \x0bchunked"),
    "coding in HTTP/1.0": head("POST http://a/ HTTP/1.0", "Transfer-Encoding: chunked"),
    "two hosts": head(GET, "Host: a", "Host: b"),
    "body of CONNECT": head("CONNECT a:1 HTTP/1.1", "Content-Length: 3"),
    "many fields": head(GET, *(f"A{n}: b" for n in range(101))),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name):
    with pytest.raises(BadRequest):
        parse(BAD[name])


def test_a_head_is_whole_at_its_empty_line_and_has_a_limit():
    whole = head(GET, "A: b")
    assert heads.split(whole[:-1]) is None
    assert heads.split(whole + b"rest") == (whole, b"rest")
    assert heads.split(b"GET x\n\nrest") == (b"GET x\n\n", b"rest")  # whole, so that it is refused at once
    assert heads.split(b"x" * MAX_HEAD) is None
    with pytest.raises(BadRequest):
        heads.split(b"x" * (MAX_HEAD + 1))
    with pytest.raises(BadRequest):
        heads.split(b"x" * MAX_HEAD + b"\r\n\r\n")


def test_what_is_refused_is_not_repeated():
    for line in ("GET http://s3cret@a/ HTTP/1.1", "s3cret", "GET http://a/ HTTP/s3cret"):
        with pytest.raises(BadRequest) as refused:
            parse(head(line))
        assert "s3cret" not in str(refused.value)


PIECES = [
    b"GET ",
    b"CONNECT ",
    b"POST ",
    b"http://",
    b"a",
    b":80",
    b"/",
    b" HTTP/1.1",
    b"\r\n",
    b"\n",
    b"\r",
    b"Host: a",
]
PIECES += [
    b"Content-Length: 3",
    b"Transfer-Encoding: chunked",
    b"Connection: ",
    b"x",
    b" ",
    b"\t",
    b"\x00",
    b"\xff",
    b"[::1]",
]
HEADS = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)), max_size=20).map(b"".join)


@given(HEADS)
@example(b"\r\n\r\n")
@example(head(GET))
def test_any_bytes_are_a_clean_request_or_refused(data):
    try:
        found = heads.split(data)
        request = found and parse(found[0])
    except BadRequest:
        return
    if request is None or request.tunnel:
        return
    asked = request.head()
    assert asked.count(b"\r\n\r\n") == 1
    assert asked.endswith(b"\r\n\r\n")
    assert b"\n" not in asked.replace(b"\r\n", b"")
    assert b"\r" not in asked.replace(b"\r\n", b"")
    names = [line.partition(b":")[0].lower() for line in asked.split(b"\r\n")[1:-2]]
    assert names.count(b"host") == 1
    assert names.count(b"connection") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
