"""Calls the WSGI application without a socket."""

import io
import json
from wsgiref.util import setup_testing_defaults


def call(application, method, path, body=None, query=""):
    """The status (a number) and the document of one request. A `body` of bytes is sent as it is."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {"CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
    setup_testing_defaults(environ)
    seen = []
    chunks = application(environ, lambda status, headers: seen.append(status))
    return int(seen[0].split()[0]), json.loads(b"".join(chunks))
