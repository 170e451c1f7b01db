"""What waits to be taken by a session: bounded, in order, nothing lost but what is counted."""

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.api import frames, inbox
from engine.api.inbox import Inbox
from engine.core import events as e


def event(seq, text="x"):
    return e.encode(e.Event(seq=seq, at=1.0, kind=e.kind_of(e.NoticeGiven), data=e.NoticeGiven(text=text)))


def said(offset, text, *, missed=0):
    return frames.Said(
        agent="b", task="t", attempt=1, kind="work", name="n", offset=offset, next=offset + len(text), text=text,
        missed=missed,
    )  # fmt: skip


class Wire:
    """An engine with so many events at the other end of a link that delivers in order, late, and not everything."""

    def __init__(self, rng, number, loss):
        self.rng, self.number, self.loss = rng, number, loss
        self.cursor = None
        self.asked, self.sent = deque(), deque()

    def step(self):
        """The engine reads what it was asked, or sends its next event."""
        if self.asked and self.rng.random() < 0.5:
            frame = self.asked.popleft()
            self.cursor = frame.since if isinstance(frame, frames.Subscribe) else None
            if self.cursor is not None:
                self.sent.append(frames.Subscribed(since=self.cursor))
        elif self.cursor is not None and self.cursor < self.number:
            self.cursor += 1
            if self.rng.random() >= self.loss or self.cursor == self.number:
                self.sent.append(self.cursor)

    def ask(self, frame):
        if frame is not None:
            self.asked.append(frame)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), loss=st.sampled_from([0.0, 0.02, 0.2]), most=st.integers(4, 40))
def test_every_event_is_taken_once_and_in_order_whatever_waits_or_is_lost(seed, loss, most):
    rng = random.Random(seed)
    wire, box, taken = Wire(rng, 200, loss), Inbox(most=most), []
    wire.ask(box.subscribe(0))
    for _ in range(200_000):
        wire.step()
        if wire.sent and rng.random() < 0.7:
            frame = wire.sent.popleft()
            if isinstance(frame, frames.Subscribed):
                box.begun()
            else:
                wire.ask(box.published(event(frame)))
        if box and rng.random() < 0.3:
            wire.ask(box.room())
            taken.append(box.take().seq)
        if len(taken) == 200:
            break
    assert taken == list(range(1, 201))


def test_what_is_not_taken_is_bounded():
    box = Inbox(most=10)
    box.subscribe(0)
    box.begun()
    told = [box.published(event(seq)) for seq in range(1, 1000)]
    assert [frame for frame in told if frame is not None] == [frames.Unsubscribe()]
    assert len([box.take() for _ in range(10)]) == 10
    assert not box


def test_large_events_count_by_their_bytes():
    box = Inbox()
    box.subscribe(0)
    box.begun()
    large = "x" * (inbox.BYTES // 4)
    told = [box.published(event(seq, large)) for seq in range(1, 6)]
    assert told == [None, None, None, frames.Unsubscribe(), None]


def test_events_of_an_earlier_subscription_are_passed_over():
    box = Inbox()
    box.subscribe(0)
    box.begun()
    box.subscribe(50)
    assert box.published(event(51)) is None
    assert not box
    box.begun()
    box.published(event(51))
    assert box.take().seq == 51


def test_sayings_that_do_not_fit_are_counted_with_the_next_that_does():
    box = Inbox(most=2)
    for number in range(5):
        box.said(said(number * 10, "0123456789"))
    assert [box.take().offset for _ in range(2)] == [0, 10]
    box.said(said(60, "later", missed=10))
    late = box.take()
    assert (late.offset, late.missed) == (60, 40)


def test_an_empty_one_says_so():
    with pytest.raises(IndexError):
        Inbox().take()
