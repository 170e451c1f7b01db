"""What the engine sends a session unasked, in order, until it is taken. Bounded, and pure.

A session never stops reading: replies come by the same link. So one that does not take its events unsubscribes when too
many wait, drops what was on its way, and subscribes again from the last one kept. Nothing is lost: their numbers
have no gap, and the same mends a link that lost some. What agents printed is dropped and counted.
"""

from __future__ import annotations

from collections import deque

from msgspec.structs import replace

from engine.api import frames
from engine.core.events import Event, decode

MOST, BYTES = 4096, 8 * 1024 * 1024
"""What may wait to be taken: so many items, or so many bytes of them."""


class Inbox:
    """Events and sayings. Methods give the frame that is to be sent to the engine then, if any."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._items: deque[tuple[Event | frames.Said, int]] = deque()
        self._bytes = 0
        self._last: int | None = None  # seq of the last event that was kept; None: not subscribed
        self._begins = 0  # subscriptions that were asked for and have not begun
        self._halted = False
        self._missed: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._items)

    def subscribe(self, since: int) -> frames.Subscribe:
        """Take events after `since`, from the engine's `subscribed` on."""
        self._last, self._halted = since, False
        self._begins += 1
        return frames.Subscribe(since=since)

    def begun(self) -> None:
        """The engine has begun a subscription: events that came before were of the one before."""
        self._begins -= 1

    def published(self, line: bytes) -> frames.Asked | None:
        """An event came. The next one is kept; one seen before is passed over; after a gap all is asked for again."""
        if self._begins or self._halted or self._last is None:
            return None
        event = decode(line)
        if event.seq <= self._last:
            return None
        if event.seq > self._last + 1:
            return self.subscribe(self._last)
        self._last = event.seq
        self._put(event, len(line))
        self._halted = self._full
        return frames.Unsubscribe() if self._halted else None

    def said(self, said: frames.Said) -> None:
        """An agent printed something."""
        before = self._missed.pop(said.agent, 0)
        if self._full:
            self._missed[said.agent] = before + said.missed + said.next - said.offset
        else:
            self._put(replace(said, missed=said.missed + before) if before else said, len(said.text))

    def room(self) -> frames.Subscribe | None:
        """Called before an item is taken: once little is left, what was halted goes on."""
        if self._halted and self._last is not None and len(self._items) <= self._most // 4:
            return self.subscribe(self._last)
        return None

    def take(self) -> Event | frames.Said:
        """The oldest item. Raises IndexError."""
        item, size = self._items.popleft()
        self._bytes -= size
        return item

    @property
    def _full(self) -> bool:
        return len(self._items) >= self._most or self._bytes >= BYTES

    def _put(self, item: Event | frames.Said, size: int) -> None:
        self._items.append((item, size))
        self._bytes += size
