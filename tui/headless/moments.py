"""Times, hashes, sums and sizes as people read them."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.core.values import Tokens


def clock(seconds: float) -> str:
    """Time since a start: `0:07`, `12:34`, `1:02:03`."""
    whole = max(int(seconds), 0)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def span(seconds: float) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d"


def day_time(at: float) -> str:
    """A moment in local time: `2026-11-23 14:05:09`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def hour(at: float) -> str:
    """A moment of today in local time: `14:05`."""
    return time.strftime("%H:%M", time.localtime(at))


def short(oid: str) -> str:
    """A git object name as git itself shortens it."""
    return oid[:7]


def count(number: int, thing: str) -> str:
    """`1 task`, `2 tasks`, `2 processes`."""
    ending = "" if number == 1 else "es" if thing.endswith("s") else "s"
    return f"{number} {thing}{ending}"


def spent(tokens: Tokens, usd: str) -> str:
    """`1,200 tokens, 0.02 usd`; nothing: an empty text."""
    parts = [f"{tokens.total:,} tokens"] if tokens.total else []
    parts += [f"{usd} usd"] if usd.strip("0.") else []
    return ", ".join(parts)


def claimed(usd: str) -> str:
    """Money by somebody's word, to a millionth: such words are often floats."""
    return f"{Decimal(usd):.6f}".rstrip("0").rstrip(".")


def listed(names: list[str], most: int = 6) -> str:
    """Names with commas, the last ones as a number."""
    hidden = len(names) - most
    return ", ".join(names) if hidden <= 0 else f"{', '.join(names[:most])} and {hidden} more"
