"""Bodies that came compressed: undone for reading, with a limit, since a small one can unpack to any size."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from typing import Any

from engine.gateway.llm.dialects.errors import BadCall

MOST = 32 << 20
"""Bytes of a request's body, as it comes and unpacked. Reading one takes some times as much."""
MOST_COMMAS = 1_500_000
"""In one body: what has more parts than that is in no model's window, and would take some hundred times its size."""
_PORTION = 1 << 20
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def unpacked(body: bytes, packing: str) -> bytes:
    """A request's body as plain JSON. Raises BadCall 413 above MOST, 415 for what can not be undone here."""
    packing = packing.strip().lower()
    if packing in {"", "identity"}:
        return _within(body)
    if packing in {"gzip", "x-gzip", "deflate"}:
        return _within(_inflated(body))
    if packing == "zstd":
        return _within(_unzstd(body))
    raise BadCall(f"content-encoding {packing[:40]!r} is not understood here; send gzip or none", status=415)


def _within(body: bytes) -> bytes:
    if len(body) > MOST:
        raise BadCall(f"the body has more than {MOST >> 20} MiB", status=413)
    if body.count(b",") > MOST_COMMAS:
        raise BadCall(f"the body has more than {MOST_COMMAS:,} commas, so too many parts", status=413)
    return body


def _inflated(body: bytes) -> bytes:
    worker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = worker.decompress(body, MOST + 1)
    except zlib.error as error:
        raise BadCall(f"the body is not what its content-encoding says: {error}") from None
    if not worker.eof and len(plain) <= MOST:
        raise BadCall("the body ends before its compressed data does")
    return plain


def _unzstd(body: bytes) -> bytes:
    library = _zstandard()
    if library is None:
        raise BadCall("content-encoding zstd needs the package `zstandard`, which is not installed", status=415)
    try:
        with library.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            return bytes(reader.read(MOST + 1))
    except library.ZstdError as error:
        raise BadCall(f"the body is not what its content-encoding says: {error}") from None


def _zstandard() -> Any:  # noqa: ANN401  a module that need not be there
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None


class Unpacker:
    """Undoes the packing of an answer that came packed though none was asked for. What it can not undo it skips."""

    def __init__(self, packing: str) -> None:
        self._worker: Any = _worker(packing.strip().lower())

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The plain bytes, in portions."""
        while self._worker is not None and chunk:
            try:
                plain = self._worker.decompress(chunk, _PORTION)
            except zlib.error:
                self._worker = None
                return
            yield plain
            chunk = self._worker.unconsumed_tail


def _worker(packing: str) -> Any:  # noqa: ANN401  of zlib, whose types are private
    return zlib.decompressobj(_GZIP_OR_ZLIB) if packing in {"gzip", "x-gzip", "deflate"} else None
