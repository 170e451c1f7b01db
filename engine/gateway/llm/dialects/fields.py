"""A JSON object of which some members are read or replaced, while all others keep every byte.

A member that is there twice is there once when this is done with it: two parsers might not choose the same one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.usage import count

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SPACE = b" \t\r\n"
Change = object
"""A new value; DROP removes the member."""
DROP = object()


class Fields:
    """The members of one object, each as its own bytes. Raises BadCall where the bytes are no such object."""

    def __init__(self, body: bytes, what: str = "the body") -> None:
        self.what = what
        try:
            self.raw = _MEMBERS.decode(body)
        except (msgspec.MsgspecError, RecursionError) as error:
            self.raw = _leniently(body, what, error)
        plain = msgspec.json.encode(self.raw)
        self._body = body if plain == body or _dense(plain) == _dense(body) else plain

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
        return None if raw is None else _value(bytes(raw), self.what)

    def part(self, *names: str) -> Fields | None:
        """A member that is an object itself, None where it is missing or null."""
        name = self.name(*names)
        raw = bytes(self.raw.get(name, b"null")).strip()
        return None if raw == b"null" else Fields(raw, name)

    def items(self, *names: str) -> list[bytes]:
        """The elements of a member that is a list, each as its bytes; a lone value counts as a list of it."""
        raw = bytes(self.raw.get(self.name(*names), b"null")).strip()
        if not raw.startswith(b"["):
            return [] if raw == b"null" else [raw]
        return [bytes(one) for one in msgspec.json.decode(raw, type=list[msgspec.Raw])]

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

    def changed(self, changes: Mapping[str, Change]) -> bytes:
        """The object with these members set. Without any: as it is."""
        if not changes:
            return self._body
        members: dict[str, object] = {**self.raw, **changes}
        return msgspec.json.encode({name: value for name, value in members.items() if value is not DROP})


def _dense(body: bytes) -> bytes:
    """Without white space, inside of texts too: only to compare with another that went through the same."""
    return body.translate(None, _SPACE)


def _value(raw: bytes, what: str) -> object:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadCall(f"{what} is not JSON that is understood here: {error}") from None


def _leniently(body: bytes, what: str, error: Exception) -> dict[str, msgspec.Raw]:
    """Halves of surrogate pairs, which agents send when they cut a text, are JSON to some; the vendor may decide."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        raise BadCall(f"{what} is not a JSON object: {error}") from None
    if not isinstance(whole, dict):
        raise BadCall(f"{what} is not a JSON object")
    return {str(name): msgspec.Raw(json.dumps(value).encode()) for name, value in whole.items()}
