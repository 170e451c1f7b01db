"""What to say of a request that is not on the tape: which recorded one comes nearest, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.gateway.llm.content import content, plain
from engine.gateway.llm.masks import shape
from engine.gateway.llm.ports import Asked

_AROUND = 20
_SHOWN = 60


def nearest(asked: Asked, left: Sequence[tuple[Asked, str]], count: int) -> str:
    """The sentence, for people; `left` are requests whose answers were not played, of `count` in all."""
    what = f"the tape has no answer to {asked.agent}'s {asked.method} {asked.path} ({asked.model})"
    if not left:
        return f"{what}: all {count} requests on it were played"
    same = [one for one, _ in left if (one.kind, one.method, one.path) == (asked.kind, asked.method, asked.path)]
    if not same:
        return f"{what}: none of the {len(left)} left is for that address"
    mine = shape(plain(content(asked)))
    near = max(same, key=lambda one: _alike(mine, shape(plain(content(one)))))
    if near.model != asked.model:
        return f"{what}: recorded was the model {near.model}"
    where, recorded, now = next(_differences(content(near), content(asked), ""), ("", "", ""))
    return f"{what}; the nearest one differs at {where}: recorded {recorded}, asked {now}"


def _alike(one: str, other: str) -> int:
    """How long the beginning is that both have; by halving, since bodies are long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _differences(recorded: Any, asked: Any, where: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401  JSON
    """Where two bodies differ, with both texts there (`~` for moments), in the order of the recorded one."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in [*recorded, *(key for key in asked if key not in recorded)]:
            yield from _differences(recorded.get(key), asked.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(recorded, list) and isinstance(asked, list):
        for at in range(max(len(recorded), len(asked))):
            yield from _differences(_nth(recorded, at), _nth(asked, at), f"{where}[{at}]")
    elif shape(plain(recorded)) != shape(plain(asked)):
        one, other = shape(_text(recorded)), shape(_text(asked))
        begin = max(0, _alike(one, other) - _AROUND)
        yield where or "its body", _excerpt(one, begin), _excerpt(other, begin)


def _nth(values: list[Any], at: int) -> Any:  # noqa: ANN401
    return values[at] if at < len(values) else None


def _text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else "nothing" if value is None else plain(value)


def _excerpt(text: str, begin: int) -> str:
    """A part of it that can be printed anywhere."""
    cut = "".join(letter if letter.isprintable() else " " for letter in text[begin : begin + _SHOWN])
    return f'"{"…" if begin else ""}{cut}{"…" if len(text) > begin + _SHOWN else ""}"'
