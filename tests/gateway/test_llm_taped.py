"""Recording while vendors are asked: in the order sent, whatever order answers come in, and never without bound."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run

from engine.gateway.llm import taped
from engine.gateway.llm.ports import Asked, Stored
from engine.gateway.llm.taped import Taping
from engine.gateway.llm.upstreams import Answer, Lines, Lost, Played, Unsent
from engine.gateway.llm.values import Upstream

VENDOR = Upstream(name="v", kind="anthropic", url="http://v")


def asked(number: int) -> Asked:
    return Asked(agent="amy", provider="v", kind="anthropic", method="POST", path="/", model="m", body=b"%d" % number)


class Tape:
    """Remembers."""

    plays = False

    def __init__(self) -> None:
        self.kept: list[tuple[int, Stored]] = []

    def play(self, asked: Asked) -> Stored:
        raise AssertionError

    def record(self, asked: Asked, answer: Stored) -> None:
        self.kept.append((int(asked.body), answer))

    @property
    def order(self) -> list[int]:
        return [number for number, _ in self.kept]


class Vendor:
    """Answers with these portions; `troubles` come in place of an answer."""

    def __init__(self, portions: Iterable[bytes] = (b"a", b"b"), troubles: dict[int, Exception] | None = None) -> None:
        self.portions, self.troubles = tuple(portions), troubles or {}
        self.closed = False

    async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
        if trouble := self.troubles.get(int(asked.body)):
            raise trouble
        return Played("v", Stored(status=200, headers=(("a", "b"),), chunks=self.portions))

    async def close(self) -> None:
        self.closed = True


async def drained(answer: Answer) -> bytes:
    found = b""
    while chunk := await answer.next():
        found += chunk
    answer.close()
    return found


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(5)), st.sets(st.integers(0, 4)))
def test_answers_stand_on_the_tape_in_the_order_of_their_requests(order, left):
    """Those of `left` are not waited for to their end."""

    async def scenario():
        tape = Tape()
        taping = Taping(Vendor(), tape)
        answers = [await taping.send(VENDOR, asked(number), []) for number in range(5)]
        for number in order:
            if number in left:
                await answers[number].next()
                answers[number].close()
            else:
                assert await drained(answers[number]) == b"ab"
        await taping.close()
        assert tape.order == list(range(5))
        for number, stored in tape.kept:
            assert (stored.cut, b"".join(stored.chunks)) == ((True, b"a") if number in left else (False, b"ab"))

    run(scenario())


def test_what_never_came_there_is_not_on_it_and_what_was_lost_is():
    async def scenario():
        tape, troubles = Tape(), {1: Unsent("v", "away"), 2: Lost("v", "broke"), 3: asyncio.CancelledError()}
        taping = Taping(Vendor(troubles=troubles), tape)
        first = await taping.send(VENDOR, asked(0), [])
        for number, trouble in troubles.items():
            with pytest.raises(type(trouble)):
                await taping.send(VENDOR, asked(number), [])
        last = await taping.send(VENDOR, asked(4), [])
        await drained(last)
        assert tape.order == []  # the first one is still under way
        await drained(first)
        await taping.close()
        assert tape.order == [0, 2, 4]
        assert tape.kept[1][1] == Stored(status=0, headers=(), chunks=(), cut=True)

    run(scenario())


def test_an_answer_that_broke_off_is_cut_on_it():
    class Breaks(Played):
        async def next(self) -> bytes:
            raise Lost("v", "broke")

    class Vendors(Vendor):
        async def send(self, upstream: Upstream, asked: Asked, headers: Lines) -> Answer:
            return Breaks("v", Stored(status=200, headers=(), chunks=()))

    async def scenario():
        tape = Tape()
        taping = Taping(Vendors(), tape)
        answer = await taping.send(VENDOR, asked(0), [])
        with pytest.raises(Lost):
            await answer.next()
        await taping.close()
        assert tape.kept == [(0, Stored(status=200, headers=(), chunks=(), cut=True))]

    run(scenario())


def test_an_answer_without_end_is_kept_up_to_a_size(monkeypatch):
    monkeypatch.setattr(taped, "MOST_TAPED", 1000)

    async def scenario():
        tape = Tape()
        taping = Taping(Vendor([b"x" * 300] * 9), tape)
        assert len(await drained(await taping.send(VENDOR, asked(0), []))) == 2700
        await taping.close()
        assert [(one.cut, len(b"".join(one.chunks))) for _, one in tape.kept] == [(True, 900)]

    run(scenario())
