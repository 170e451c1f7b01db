"""What agents say of requests that failed, in words."""

from __future__ import annotations

import re
from typing import Final

_STATUS: Final = re.compile(r"\b([45]\d\d)\b")


def http_status(text: str) -> int:
    """The HTTP status of a failed request that a text speaks of, 0 where it names none."""
    found = _STATUS.search(text)
    return int(found[1]) if found else 0
