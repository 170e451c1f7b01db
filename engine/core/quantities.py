"""Sizes and spans of time as people write them: `4GB`, `512MiB`, `2h`, `90s`.

Sizes become whole bytes and spans become seconds. A unit is never guessed: KB, MB, GB are powers of 1000, KiB, MiB, GiB
powers of 1024. What is not a whole number of bytes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

SIZE = r"[0-9]{1,15}(\.[0-9]{1,6})? ?([kKmMgGtT][iI]?)?[bB]"
"""A size as a pattern without anchors, for schemas."""
SPAN = r"[0-9]{1,9}(\.[0-9]{1,3})? ?[smhdSMHD]"
"""A span of time likewise."""

MOST = 1 << 60
"""The largest size: what a file system can count."""

_WRITTEN = re.compile(r"([0-9.]+) ?([A-Za-z]+)")
_BYTES = {"TB": 1000**4, "TiB": 1 << 40, "GB": 1000**3, "GiB": 1 << 30, "MB": 1000**2, "MiB": 1 << 20}
_BYTES |= {"KB": 1000, "KiB": 1024, "B": 1}
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class BadQuantity(ValueError):
    """A text that is no size or no span of time."""


def size(text: str) -> int:
    """Read a size in bytes, more than nothing. Raises `BadQuantity`."""
    count = _read(text, SIZE, _BYTES, 'size; write it like "4GB", "512MB" or "64MiB"')
    if count != int(count):
        raise BadQuantity(f'"{text}" is no whole number of bytes')
    if count > MOST:
        raise BadQuantity(f'"{text}" is more than a file system can hold; leave the limit out')
    return int(count)


def span(text: str) -> float:
    """Read a span of time in seconds, more than nothing. Raises `BadQuantity`."""
    return float(_read(text, SPAN, _SECONDS, 'span of time; write it like "90s", "15m" or "2h"'))


def show_size(count: int) -> str:
    """Write a size so that `size` reads the same; 0 is no limit and an empty text."""
    return _exactly(Decimal(count), _BYTES)


def show_span(seconds: float) -> str:
    """Write a span so that `span` reads the same; 0 is no limit and an empty text."""
    return _exactly(Decimal(str(seconds)), _SECONDS)


def about(count: int) -> str:
    """A size that was measured, in three digits: `4.31GB`."""
    unit = next((name for name in ("TB", "GB", "MB", "KB") if count >= _BYTES[name]), "B")
    return f"{float(f'{count / _BYTES[unit]:.3g}'):g}{unit}"


def _read(text: str, form: str, units: Mapping[str, int], what: str) -> Decimal:
    written = _WRITTEN.fullmatch(text.strip())
    if written is None or re.fullmatch(form, text.strip()) is None:
        raise BadQuantity(f'"{text[:40]}" is no {what}')
    by_name = {name.lower(): factor for name, factor in units.items()}
    number = Decimal(written[1]) * by_name[written[2].lower()]
    if number == 0:
        raise BadQuantity(f'"{text}" is nothing; write more than 0')
    return number


def _exactly(number: Decimal, units: Mapping[str, int]) -> str:
    """In the largest unit that keeps it short and exact."""
    if number == 0:
        return ""
    whole = {name: number / factor for name, factor in units.items() if (number * 1000 / factor) % 1 == 0}
    best = min(whole, key=lambda name: (whole[name] < 1, len(_plain(whole[name]))))
    return f"{_plain(whole[best])}{best}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
