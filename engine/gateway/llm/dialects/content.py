"""How large a request is, in terms of tokens: bytes of text, of runs without a space, images, and what is elsewhere.

It does not count tokens. It gives what bounds them: a token of text has at least one byte, and of ordinary text 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.gateway.llm.dialects.fields import plain

IMAGE = 5000
"""Tokens of one image: no vendor counts more for one."""
HIDDEN = 1000
"""Tokens that vendors add where nobody sees them: the prompt for tools, and for other things a request asks for."""
SEARCH = 8000
"""Tokens of what one search puts in."""
SEARCHES = 8
"""Searches that a request without a limit of its own is taken to make."""
RUN = 200
"""Characters without a space from which on a text may be hexadecimal or base64, which has a token a byte."""
_ASKING = frozenset(
    {"tools", "tool_choice", "toolConfig", "tool_config", "functions", "function_call", "thinking", "reasoning"}
    | {"response_format", "output_config", "output_format", "text", "generationConfig", "generation_config"}
)
_BREAKS = bytes.maketrans(b'"\\\t\r\n', b"     ")
_MARK = re.compile(rb',?"cache_control":\{[^{}]*\},?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One message, or one other member of the request: `digest` tells it from others, `weight` bounds its tokens."""

    digest: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is in a request: `size` of its body, `plain` bytes of ordinary text, `dense` bytes of the other kind.

    `key`: the conversation, by what it began with; empty where requests can not be compared.
    """

    size: int
    plain: int
    dense: int
    images: int = 0
    by_reference: bool = False
    pieces: tuple[Piece, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a part of a message holds beside text: an image of so many bytes here, or something that is elsewhere."""

    image: int = 0
    elsewhere: bool = False


def dense(body: bytes) -> int:
    """Bytes of all runs of RUN or more without a space, a quote or an escape."""
    text = body.translate(_BREAKS)
    total = at = 0
    while (last := len(text) - at) >= RUN:
        if (space := text.rfind(b" ", at, at + RUN)) >= 0:
            at = space + 1
            continue
        end = text.find(b" ", at)
        run = last if end < 0 else end - at
        total, at = total + run, at + run + 1
    return total


def survey(
    body: bytes,
    messages: list[bytes],
    others: Mapping[str, bytes],
    look: Callable[[bytes], list[Found]],
    *,
    elsewhere: bool,
    first: int = 0,
    whole: bool = True,
) -> Content:
    """Measure a request. `look` finds what is no text in a message; `others` are the other members by their names.

    `first`: which message the conversation began with. Those before it are instructions, which others share.
    `whole`: the vendor reads all of it; where it may leave things out, what it read says nothing about the next time.
    """
    found = [look(one) for one in messages]
    pieces = [_piece(one, seen) for one, seen in zip(messages, found, strict=True)]
    rest = [Piece(digest=hash(one), weight=len(one) + HIDDEN * (name in _ASKING)) for name, one in others.items()]
    every = [one for seen in found for one in seen]
    hidden, wide = sum(one.image for one in every), dense(body) + _beyond_ascii(body)
    packed = min(wide - sum(one.image for one in every if one.image >= RUN), len(body) - hidden)
    return Content(
        size=len(body),
        plain=len(body) - hidden - max(packed, 0),
        dense=max(packed, 0),
        images=sum(1 for one in every if one.image),
        by_reference=elsewhere or any(one.elsewhere for one in every),
        pieces=(*rest, *pieces),
        key=f"{pieces[first].digest:x}" if whole and len(pieces) > first else "",
    )


def embedded(media: str, data: str) -> Found | None:
    """Something in base64: an image; a document, of which bytes say little; or what has fewer tokens than bytes."""
    if media.startswith("image/"):
        return Found(image=len(data))
    return Found(elsewhere=True) if media == "application/pdf" else None


def linked(url: object) -> Found | None:
    """What an address stands for: data in itself, or something that is elsewhere."""
    if not isinstance(url, str) or not url:
        return None
    if not url.startswith("data:"):
        return Found(elsewhere=True)
    head, _, data = url[5:].partition(",")
    return embedded(head.partition(";")[0], data)


def blocks(message: bytes, *names: str, deep: str = "") -> Iterator[dict[str, Any]]:
    """The objects in a message's list of that name, those below their own `deep` included; else the message itself."""
    whole = plain(message, "a message")
    inner = next((whole[name] for name in names if name in whole), None) if isinstance(whole, dict) else None
    yield from _below(inner if isinstance(inner, list) else [whole], deep, 4)


def _below(found: list[object], deep: str, levels: int) -> Iterator[dict[str, Any]]:
    for block in found:
        if isinstance(block, dict):
            yield block
            inner = block.get(deep)
            if isinstance(inner, list) and levels:
                yield from _below(inner, deep, levels - 1)


def _piece(message: bytes, found: list[Found]) -> Piece:
    """A message, however it is marked for caching: the mark moves from turn to turn."""
    bare = _MARK.sub(b"", message) if b'"cache_control"' in message else message
    images = [one.image for one in found if one.image]
    return Piece(digest=hash(bare), weight=len(message) - sum(images) + IMAGE * len(images))


def _beyond_ascii(body: bytes) -> int:
    return 0 if body.isascii() else sum(len(part) for part in re.findall(rb"[\x80-\xff]+", body))
