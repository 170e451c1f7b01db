"""Quantities, addresses and names as people write them in settings, with the complaint each of them gets.

No complaint repeats what may be a secret put in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema

from engine.config.strict import one_word
from engine.core import amounts, quantities
from engine.core.plans import is_id
from engine.core.values import Amount

Tier = Literal["small", "standard", "large"]
_AMOUNT = r"[0-9]+(\.[0-9]+)? ?(usd|tok|ktok|mtok)"
_TAKEN = frozenset({"as"})
"""Names that mean something else in the gateway's addresses."""


def _amount(value: object) -> Amount:
    if not isinstance(value, str):
        raise ValueError('must be a text like "5usd" or "200ktok"')
    return amounts.parse(value)


def _size(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('must be a text like "4GB" or "512MB"')
    return quantities.size(value)


def _span(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError('must be a text like "2h" or "15m"')
    return quantities.span(value)


def _or_none(value: object, read: Callable[[object], Any], none: object = 0) -> Any:  # noqa: ANN401  what `read` makes
    return none if value == "" else read(value)


def _price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of US dollars per million")
    price = Decimal(str(value))
    if not price.is_finite() or price < 0:
        raise ValueError("must be 0 or more")
    return price


def like(pattern: str, examples: str) -> AfterValidator:
    """A text of this form. The complaint never repeats the text: it may be a secret put in the wrong place."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"must be like {examples}")
        return value

    return AfterValidator(check)


def _gateway(name: str) -> str:
    if not is_id(name) or name in _TAKEN:
        raise ValueError(f'"{name}" is no name of a gateway; write a-z, 0-9 and "-", and not "as"')
    return name


def _marks(given: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(given)))


Budget = Annotated[
    Amount,
    PlainValidator(_amount),
    PlainSerializer(amounts.show, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_AMOUNT}$"}),
]
BudgetOrNone = Annotated[
    Amount,
    PlainValidator(partial(_or_none, read=_amount, none=Amount())),
    PlainSerializer(amounts.show, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({_AMOUNT})?$"}),
]
"""An empty text is no limit."""
Size = Annotated[
    int,
    PlainValidator(_size),
    PlainSerializer(quantities.show_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{quantities.SIZE}$"}),
]
"""Bytes."""
SizeOrNone = Annotated[
    int,
    PlainValidator(partial(_or_none, read=_size)),
    PlainSerializer(quantities.show_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({quantities.SIZE})?$"}),
]
"""Bytes; an empty text is no limit, and 0."""
SpanOrNone = Annotated[
    float,
    PlainValidator(partial(_or_none, read=_span)),
    PlainSerializer(quantities.show_span, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({quantities.SPAN})?$"}),
]
"""Seconds; an empty text is none, and 0."""
Price = Annotated[
    Decimal,
    PlainValidator(_price),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
"""US dollars per million."""
Marks = Annotated[
    tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(strict=False, max_length=20), AfterValidator(_marks)
]
"""Percents."""
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_word)]
ModelNames = Annotated[tuple[ModelName, ...], Field(strict=False, max_length=20)]
GatewayName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_gateway)]
Url = Annotated[str, like(r"https?://[^\s?#@]+", '"https://example.org"')]
Key = Annotated[
    str,
    like(
        r"(env|keyring|command):\S.*", '"env:NAME", "keyring:NAME" or "command:…"; the key itself does not belong here'
    ),
]
