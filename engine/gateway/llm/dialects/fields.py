"""A JSON object of which some members are read or replaced, while all others keep every byte.

A member that is there twice is there once when this is done with it: two parsers might not choose the same one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.usage import count

MOST_ELEMENTS = 100_000
"""Of a list, such as of messages; no vendor takes more."""
MOST_MEMBERS = 10_000
"""Of an object that is looked into."""
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_SPACE = b" \t\r\n"
_DISGUISED = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|3[0-9])")
"""A letter, digit or underscore written as its number, as no encoder does it. Members are looked for by their bytes."""


class Fields:
    """The members of one object, each as its own bytes. Raises BadCall where the bytes are no such object."""

    def __init__(self, body: bytes, what: str = "the body") -> None:
        self.what = what
        if b"\\u00" in body and _DISGUISED.search(body):
            body = bytes(_again(plain(body, what)))
        try:
            self.raw = _MEMBERS.decode(body)
        except _UNREADABLE:
            self.raw = {str(name): _again(value) for name, value in _object(body, what).items()}
        if len(self.raw) > MOST_MEMBERS:
            raise BadCall(f"{what} has more than {MOST_MEMBERS:,} members", status=413)
        once = msgspec.json.encode(self.raw)
        self._body = body if once == body or _dense(once) == _dense(body) else once

    @property
    def body(self) -> bytes:
        """The object: as it came, or with each member once."""
        return self._body

    def name(self, *names: str) -> str:
        """Which of these spellings is used, the first one where none is. Raises BadCall where several are."""
        used = [name for name in names if name in self.raw]
        if len(used) > 1:
            raise BadCall(f"{' and '.join(used)} are the same thing, and {self.what} has both; send one")
        return used[0] if used else names[0]

    def get(self, *names: str) -> object:
        """The value of a member, None where it is missing or null."""
        raw = self.raw.get(self.name(*names))
        return None if raw is None else plain(bytes(raw), self.what)

    def part(self, *names: str) -> Fields | None:
        """A member that is an object itself, None where it is missing or null."""
        name = self.name(*names)
        raw = bytes(self.raw.get(name, b"null"))
        if raw == b"null":
            return None
        found = Fields(raw, name)
        if found.body != raw:
            self.raw[name] = msgspec.Raw(found.body)
            self._body = msgspec.json.encode(self.raw)
        return found

    def items(self, *names: str) -> list[bytes]:
        """The elements of a member that is a list, each as its bytes; a lone value counts as a list of it."""
        raw = bytes(self.raw.get(self.name(*names), b"null"))
        if not raw.startswith(b"["):
            return [] if raw == b"null" else [raw]
        try:
            found = _ELEMENTS.decode(raw)
            if len(found) > MOST_ELEMENTS:
                raise BadCall(f"{self.what} has a list of more than {MOST_ELEMENTS:,} elements", status=413)
            return [bytes(one) for one in found]
        except _UNREADABLE:
            return [bytes(_again(one)) for one in plain(raw, self.what)]

    def others(self, *names: str) -> dict[str, bytes]:
        """All members but these, as their bytes."""
        return {name: bytes(raw) for name, raw in self.raw.items() if name not in names}

    def text(self, *names: str) -> str:
        """A member that is text, empty where it is missing. Raises BadCall where it is something else."""
        value = self.get(*names)
        if value is not None and not isinstance(value, str):
            raise BadCall(f"{self.name(*names)} is not text")
        return value or ""

    def true(self, name: str) -> bool:
        """Whether a member is true."""
        return self.get(name) is True

    def whole(self, *names: str) -> int | None:
        """A member that is a number of tokens or of pieces, None where it is missing. Raises BadCall."""
        value = self.get(*names)
        if isinstance(value, str) and value.isascii() and value.isdigit():  # so protocol buffers write large numbers
            value = int(value)
        if value is not None and count(value) is None:
            raise BadCall(f"{self.name(*names)} is not a whole number of zero or more")
        return count(value)

    def changed(self, changes: Mapping[str, object]) -> bytes:
        """The object with these members set. Without any: as it is."""
        return msgspec.json.encode({**self.raw, **changes}) if changes else self._body


def _dense(body: bytes) -> bytes:
    """Without white space, inside of texts too: only to compare with another that went through the same."""
    return body.translate(None, _SPACE)


def plain(raw: bytes, what: str) -> Any:  # noqa: ANN401  it is JSON
    """A value as Python has it. Raises BadCall where it is none.

    Halves of surrogate pairs are taken: agents send them where they cut a text, and the vendor may judge.
    """
    try:
        return msgspec.json.decode(raw)
    except _UNREADABLE as error:
        try:
            return json.loads(raw, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise BadCall(f"{what} is not JSON: {error}") from None


def _object(body: bytes, what: str) -> dict[Any, Any]:
    whole = plain(body, what)
    if not isinstance(whole, dict):
        raise BadCall(f"{what} is not a JSON object")
    return whole


def _again(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def _refuse(constant: str) -> None:
    raise ValueError(constant)
