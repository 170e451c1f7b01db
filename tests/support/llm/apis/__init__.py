"""The four APIs: each reads a request into `Asked`, and writes an `Answer` whole or as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from support.llm.apis import anthropic, chat, gemini, responses
from support.llm.words import Answer, Asked


class Api(Protocol):
    """What a module here has."""

    NAME: str

    def matches(self, path: str) -> bool:
        """Whether a POST to this path is one of its requests."""
        ...

    def read(self, path: str, query: Mapping[str, str], body: Mapping[str, Any], size: int) -> Asked:
        """The request in our words."""
        ...

    def whole(self, asked: Asked, answer: Answer) -> Any:
        """The answer as one document."""
        ...

    def stream(self, asked: Asked, answer: Answer, piece: int) -> list[bytes]:
        """The answer as portions of a stream; its usage stands where the vendor's does."""
        ...

    def error(self, status: int, kind: str, text: str) -> Any:
        """The document of an error."""
        ...

    def broken(self, text: str) -> bytes:
        """An error in the middle of a stream."""
        ...

    def limited(self, seconds: float, at: float) -> dict[str, str]:
        """Headers that say when it is over: `seconds` from now, at Unix time `at`."""
        ...


ALL: tuple[Api, ...] = (anthropic, chat, responses, gemini)


def of(path: str) -> Api | None:
    """Whose request this is."""
    return next((api for api in ALL if api.matches(path)), None)
