"""How long ago, no more exactly than it is shown; and when that is another word.

Only what is in motion has an age that grows. What rests is told with the moment it came to rest, which stays true
however long nobody paints: a screen on which nothing happens sends nothing.
"""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400


def age(seconds: float) -> str:
    """`4 s`, `3 min`, `2 h`, `5 d`."""
    whole = max(int(seconds), 0)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    return f"{whole // HOUR} h" if whole < 2 * DAY else f"{whole // DAY} d"


def until_next(seconds: float) -> float:
    """Seconds until that age is another word."""
    seconds = max(seconds, 0.0)
    step = 1 if seconds < MINUTE else MINUTE if seconds < HOUR else HOUR if seconds < 2 * DAY else DAY
    return step - seconds % step


class Today:
    """One moment at which much is told: the moment itself, and words for those before it."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._day = time.localtime(now)[:3]
        self._told: dict[float, str] = {}

    def since(self, at: float) -> str:
        """`since 14:05`, or the day when it was not today; nothing for what never began."""
        if not at:
            return ""
        minute = at // MINUTE
        found = self._told.get(minute)
        if found is None:
            then = time.localtime(at)
            found = self._told[minute] = time.strftime("since %H:%M" if then[:3] == self._day else "since %d %b", then)
        return found
