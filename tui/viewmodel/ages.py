"""How long ago, no more exactly than it is shown; and when the next of these words changes.

Whoever paints sleeps until then, and a screen on which nothing happens sends nothing. So only what is in motion has an
age that grows. What rests is told with the moment it came to rest, which stays true however long nobody looks.
"""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400
AGENTS_IN_MOTION = frozenset({"starting", "working", "stopping", "killing"})
TASKS_IN_MOTION = frozenset({"running", "checking", "reviewing", "merging"})


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


def moment(at: float, now: float) -> str:
    """A moment in local time: `14:05`, or the day when it was not today: `21 Nov`."""
    then, today = time.localtime(at), time.localtime(now)
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%d %b", then)


def told(since: float, now: float, *, moving: bool) -> str:
    """The age of what is in motion, the moment at which all else began."""
    if not since:
        return ""
    return age(now - since) if moving else f"since {moment(since, now)}"
