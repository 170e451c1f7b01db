"""JSON from someone who may mean harm: limits first, then one reading that leaves nothing to interpretation.

Every later look at the same file goes by the value read here, so that no two parsers can be made to disagree (the
last of two equal keys, `NaN`, half a surrogate). Texts are data: escape and bidirectional characters in them are
kept as they are, and whoever shows them makes them harmless.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from engine.messages.errors import Refused

MOST_BYTES: Final = 256 * 1024
MOST_DEPTH: Final = 32
MOST_VALUES: Final = 16_384
MOST_NAMES: Final = 256
"""Of one object. With `MOST_VALUES` it bounds what a refusal costs: every unknown name is a complaint to be built."""
WIDEST_NUMBER: Final = 20
"""Characters of an integer that are looked at at all; what is kept fits 64 bits, as the record's encoder needs."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # possessive: linear, whatever it is given
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

M = TypeVar("M", bound=BaseModel)


def load(raw: bytes) -> object:
    """The value of a JSON text within all limits.

    Raises `Refused`, and nothing else, for whatever bytes.
    """
    if len(raw) > MOST_BYTES:
        raise Refused(f"{len(raw)} bytes are more than the {MOST_BYTES} allowed")
    bare = _STRING.sub(b"", raw)
    if _depth(bare) > MOST_DEPTH:
        raise Refused(f"nested deeper than {MOST_DEPTH} levels")
    if bare.count(b",") >= MOST_VALUES:
        raise Refused(f"more than {MOST_VALUES} values")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 at byte {error.start}") from None
    return _parse(text)


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value that is signed and hashed: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def checked(model: type[M], value: object, under: str = "") -> M:
    """`value`, as `load` gave it, as a strict model. `under` is put before the field in an error.

    Raises `Refused` for the first thing that is wrong.
    """
    try:
        return model.model_validate_json(canonical(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(step) for step in ((under, *first["loc"]) if under else first["loc"]))
        raise Refused(first["msg"], field) from None


def _parse(text: str) -> object:
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
        canonical(value)  # half a surrogate pair has no UTF-8
    except json.JSONDecodeError as error:
        raise Refused(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise Refused("half of a surrogate pair in a text") from None
    except RecursionError:
        raise Refused(f"nested deeper than {MOST_DEPTH} levels") from None
    return value


def _depth(bare: bytes) -> int:
    """How deep brackets are nested in a text without its strings; correct for valid JSON, cheap for anything."""
    brackets = bare.translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_NAMES:
        raise Refused(f"an object of more than {MOST_NAMES} names")
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refused("given twice", key[:64])
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > WIDEST_NUMBER:
        raise Refused(f"a number of {len(digits)} digits")
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        raise Refused("a number of more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Refused("a number too large to hold")
    return number


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is no JSON number")
