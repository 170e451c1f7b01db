"""What happened, newest last: a bounded ring of the events that are worth a line, worded only when shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from engine.core import events as e
from tui.headless.story import matters

LIMIT = 2_000


class Timeline:
    """The last events that matter. `total` counts all that ever did."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._ring: deque[e.Event] = deque(maxlen=limit)
        self.total = 0
        self._seq = 0

    def take(self, event: e.Event) -> None:
        """Remember an event, if it is worth a line; one that was told before is not told again."""
        if event.seq <= self._seq:
            return
        self._seq = event.seq
        if matters(event) or isinstance(event.data, e.RunEnded):
            self._ring.append(event)
            self.total += 1

    def clear(self) -> None:
        """Another run begins."""
        self._ring.clear()
        self.total = self._seq = 0

    @property
    def last(self) -> e.Event | None:
        """The latest of them."""
        return self._ring[-1] if self._ring else None

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[e.Event]:
        return iter(self._ring)
