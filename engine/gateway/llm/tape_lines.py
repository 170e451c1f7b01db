"""A tape on disk: a line of JSON that says what it is, and one for each request with its answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.gateway.errors import GatewayError
from engine.gateway.llm.values import Kind

VERSION = 1


class TapeError(GatewayError):
    """A file is no tape that can be used; `line` counts from 1 and is 0 for the file as a whole."""

    def __init__(self, file: Path, why: str, *, line: int = 0) -> None:
        super().__init__(f"{file}{f':{line}' if line else ''}: {why}")
        self.file, self.line, self.why = file, line, why


class Head(Struct, frozen=True):
    """The first line."""

    quarterdeck_tape: int = VERSION


class Raw(Struct, frozen=True):
    """Bytes that are no text."""

    base64: str


Portion = str | Raw


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request as it went to its vendor, masked, and the answer to it."""

    agent: str
    provider: str
    kind: Kind
    method: str
    path: str
    model: str
    body: Portion
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[Portion, ...] = ()
    cut: bool = False


def portion(data: bytes) -> Portion:
    """Bytes as they are written: as text where they are one."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Raw(base64.b64encode(data).decode())


def data(written: Portion) -> bytes:
    """The bytes again. Raises ValueError."""
    if isinstance(written, str):
        return written.encode()
    try:
        return base64.b64decode(written.base64, validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error


def read(file: Path) -> Iterator[Line]:
    """Every line of a tape but the head. A last line without an end is what a crash left, and is passed over.

    Raises `TapeError`.
    """
    try:
        with file.open("rb") as opened:
            for number, text in enumerate(opened, 1):
                if text.endswith(b"\n"):
                    yield from _line(file, number, text)
                elif number == 1:
                    raise TapeError(file, "is no tape")
    except OSError as error:
        raise TapeError(file, f"can not be read: {error.strerror or error}") from error


def _line(file: Path, number: int, text: bytes) -> Iterator[Line]:
    try:
        if number == 1:
            head = msgspec.json.decode(text)
            if not isinstance(head, dict) or "quarterdeck_tape" not in head:
                raise TapeError(file, "is no tape; make one with `quarterdeck run --record FILE`")
            if head["quarterdeck_tape"] != VERSION:
                raise TapeError(file, "is a tape of another version of Quarterdeck")
            return
        line = msgspec.json.decode(text, type=Line)
        for written in (line.body, *line.chunks):
            data(written)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TapeError(file, f"is damaged: {error}", line=number) from error
    yield line
