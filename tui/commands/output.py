"""Printing: JSON for programs, lines for people, each flushed, so that a pipe sees it at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tui.headless.look import Look, look_of


def look() -> Look:
    """The look of standard output, which never fails for a character it cannot show."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return look_of(sys.stdout)


def lines(texts: Iterable[str]) -> None:
    """Print lines, now."""
    text = "".join(f"{line}\n" for line in texts)
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def document(data: object) -> None:
    """Print one JSON document."""
    import json  # noqa: PLC0415  most commands print lines

    lines([json.dumps(data, indent=2, ensure_ascii=not _utf8())])


def objects(found: Iterable[object]) -> None:
    """Print JSON objects, one a line."""
    import json  # noqa: PLC0415  most commands print lines

    lines(json.dumps(one, separators=(",", ":"), ensure_ascii=not _utf8()) for one in found)


def raw(line: bytes) -> None:
    """Print one JSON object as it stands in the record."""
    import json  # noqa: PLC0415  most commands print lines

    lines([line.decode("utf-8") if _utf8() else json.dumps(json.loads(line), separators=(",", ":"))])


def aside(text: str) -> None:
    """Say something that is no result, on standard error."""
    print(f"quarterdeck: {text}", file=sys.stderr, flush=True)


def _utf8() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
