"""The only way in: a command or report is decided at once, written, and leaves when it is durable.

Deciding goes on in memory while the disk works; whatever rests on an event (an effect, a reply, a publication) waits
for it. An error in writing is the end: the engine stops everything rather than act on what is not recorded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from engine.core import commands as c
from engine.core import events as e
from engine.core.decide import Mind
from engine.core.state import State
from engine.journal.errors import JournalError
from engine.journal.reader import read_lines
from engine.journal.writer import Journal

log = logging.getLogger(__name__)

KEPT = 20_000
"""Events kept in memory for those who follow; older ones are read from the journal."""
SNAPSHOT_EVERY = 50_000
CHECKPOINT_EVERY = 5_000

Listener = Callable[[e.Event], None]


def load(journal: Journal) -> Mind:
    """The mind as the record has it: from the newest snapshot that fits, and every event after it, checked.

    Raises JournalDamaged for any flipped bit in those: nothing is decided on a record that somebody changed.
    """
    mind = Mind(_snapshot(journal))
    mind.replay(journal.replay(mind.state.seq, verify=True))
    return mind


def _snapshot(journal: Journal) -> State | None:
    """The newest snapshot; None where there is none, or it is of another version: the events say it all again."""
    found = journal.latest_snapshot()
    try:
        return msgspec.msgpack.decode(found[1], type=State) if found else None
    except msgspec.MsgspecError:
        return None


class Record:
    """The mind and its journal. All calls come from the event loop's thread."""

    def __init__(self, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        self.mind = load(journal)
        self.durable = self.mind.state.seq
        self._journal = journal
        self._clock = clock
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._listeners: list[Listener] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._since_checkpoint = 0
        self._snapshot_at = self.durable
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    @property
    def state(self) -> State:
        """What is so, including what is decided and not yet durable."""
        return self.mind.state

    def listen(self, listener: Listener) -> None:
        """Call `listener` with each event once it is durable, in order."""
        self._listeners.append(listener)

    def report(self, report: c.Report) -> asyncio.Future[Sequence[e.Event]]:
        """Take a hand's report. The future is done when what followed is durable; nobody need wait for it."""
        return self.submit(report)  # type: ignore[arg-type]  # every Report is one of the union

    def submit(self, command: c.Command, *, actor: str = "engine") -> asyncio.Future[Sequence[e.Event]]:
        """Decide now; the future is done when what followed is durable. Raises Refused at once."""
        if self.broken.done():
            raise self.broken.result()
        events = self.mind.decide(command, at=round(self._clock(), 6), actor=actor)
        for event in events:
            if isinstance(event.data, e.RunStarted):
                self._journal.segment(event.run)
        try:
            written = self._journal.append(events)
        except Exception as error:  # the mind is ahead of the record now, and must not go on
            self._break(error)
            raise
        answer: asyncio.Future[Sequence[e.Event]] = asyncio.get_running_loop().create_future()
        written.add_done_callback(lambda done: self._written(done, events, answer))
        return answer

    def _written(
        self, done: asyncio.Future[None], events: Sequence[e.Event], answer: asyncio.Future[Sequence[e.Event]]
    ) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None or done.cancelled():
            self._break(error)
            answer.cancel()
            return
        for event in events:
            self._release(event)
        if self._since_checkpoint >= CHECKPOINT_EVERY:
            self.checkpoint()
        if not answer.done():
            answer.set_result(events)
        self._wake()

    def _break(self, error: BaseException | None) -> None:
        if not self.broken.done():
            self.broken.set_result(error if isinstance(error, Exception) else RuntimeError("the journal was closed"))

    def _release(self, event: e.Event) -> None:
        self.durable = event.seq
        self._recent.append((event.seq, e.encode(event)))
        self._since_checkpoint += 1
        for listener in self._listeners:
            listener(event)

    def checkpoint(self) -> str:
        """Sign the record as it stands; the note, to be kept where the record is not, or empty if it can not be."""
        self._since_checkpoint = 0
        try:
            return self._journal.checkpoint(self._clock()).note
        except (JournalError, OSError) as error:
            log.error("no checkpoint: %s", error)
            return ""

    def snapshot(self) -> None:
        """Offer the state as a snapshot, if it is worth it and everything decided is durable."""
        if self.durable == self.state.seq and self.durable - self._snapshot_at >= SNAPSHOT_EVERY:
            self._snapshot_at = self.durable
            try:
                self._journal.offer_snapshot(self.durable, msgspec.msgpack.encode(self.state))
            except OSError as error:
                log.warning("no snapshot: %s", error)

    def since(self, seq: int, limit: int) -> list[bytes]:
        """Durable events after `seq`, oldest first, at most `limit`, as encoded objects."""
        if seq >= self.durable:
            return []
        if self._recent and self._recent[0][0] <= seq + 1:
            first = seq + 1 - self._recent[0][0]
            return [line for _, line in islice(self._recent, first, first + limit)]
        return list(islice(read_lines(self._journal.folder, seq), min(limit, self.durable - seq)))

    async def changed(self, seq: int) -> None:
        """Return once an event after `seq` is durable."""
        while self.durable <= seq:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
