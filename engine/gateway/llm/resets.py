"""When a provider says it takes requests again. Pure; nothing it says is believed beyond a week."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from engine.gateway.llm.heads import Lines, value_of

LONGEST = 7 * 86400.0
"""Seconds. A plan's longest window; whoever says more is not waited for longer."""
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|h|m|s|d))")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RETRY_INFO = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')


def reset_of(headers: Lines, body: bytes, now: float) -> float | None:
    """Unix time from which a limited provider is to be asked again; None where it does not say.

    `retry-after` wins. Otherwise it is the latest reset among the limits of which nothing is left, and the earliest of
    all when none says that it is used up.
    """
    said = retry_after(headers, now)
    if said is None:
        found = _RETRY_INFO.search(body)
        said = now + float(found[1]) if found else _limits(headers, now)
    return None if said is None else min(max(said, now), now + LONGEST)


def retry_after(headers: Lines, now: float) -> float | None:
    """What that one header says, as Unix time."""
    if (exact := _number(value_of(headers, "retry-after-ms"))) is not None:
        return now + exact / 1000
    text = value_of(headers, "retry-after")
    if (seconds := _number(text)) is not None:
        return now + seconds
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _limits(headers: Lines, now: float) -> float | None:
    resets = dict(_resets(headers, now))
    if not resets:
        return None
    used_up = [at for name, at in resets.items() if _number(_remaining(headers, name)) == 0]
    return max(used_up) if used_up else min(resets.values())


def _resets(headers: Lines, now: float) -> Iterator[tuple[str, float]]:
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(("anthropic-ratelimit-", "x-ratelimit-")) and "reset" in lower.split("-"):
            at = _moment(value.strip(), now)
            if at is not None:
                yield lower, at


def _remaining(headers: Lines, name: str) -> str:
    return value_of(headers, name.replace("reset", "remaining"))


def _moment(text: str, now: float) -> float | None:
    """An RFC 3339 time, a Unix time, a number of seconds, or a duration such as 1m30.5s."""
    number = _number(text)
    if number is not None:
        return number if number > now / 2 else now + number
    parts = _DURATION.findall(text)
    if parts and "".join(amount + unit for amount, unit in parts) == text:
        return now + sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None  # not a NaN, and no time that overflows
