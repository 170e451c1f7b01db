"""A program is looked at once a second, ended for what it uses too much of, and told of what holds it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from support.aio import run

from engine.core.values import Limited, Limits
from engine.processes.errors import KeeperLost
from engine.runtime import limits as limits_module
from engine.runtime.limits import Watch

GB = 1_000_000_000


@dataclass
class Use:
    processes: int = 3
    rss: int = 0
    ticks: int = 0


class FakePlace:
    """A program whose use is set by hand. `shared` is the part of its memory that is not its alone."""

    def __init__(self):
        self.frozen = False
        self.use: Use | None = Use()
        self.shared = self.starved = 0
        self.lost = False
        self.measured = self.weighed = 0

    async def measure(self):
        self.measured += 1
        if self.lost:
            raise KeeperLost("builder", "it is gone")
        return self.use

    async def weigh(self):
        self.weighed += 1
        return self.use.rss - self.shared


class FakeDisk:
    def __init__(self):
        self.held = 0
        self.closed = False

    def over(self):
        return self.held

    def close(self):
        self.closed = True


class Bench:
    def __init__(self, place=None, **limits):
        self.now = 0.0
        self.place, self.disk = place or FakePlace(), FakeDisk()
        self.told: list[Limited] = []
        self.ended: list[Limited] = []
        self.froze = 0
        self.watch = Watch(
            Limits(**limits),
            self.place,
            self.disk,
            tell=self.told.append,
            end=self._end,
            freeze=self._freeze,
            clock=lambda: self.now,
        )

    async def _end(self, limit):
        self.ended.append(limit)

    def _freeze(self):
        self.froze += 1

    def look(self, seconds=1.0, **use):
        """So many seconds later."""
        self.now += seconds
        for name, value in use.items():
            setattr(self.place.use, name, value)
        run(self.watch.look())

    def only(self) -> Limited:
        """The one limit that was told and that it was ended for."""
        assert self.told == self.ended == [self.watch.over]
        return self.told[0]


def test_who_keeps_to_every_limit_is_left_alone():
    at = Bench(processes=512, memory=4 * GB, disk=8 * GB, time=100.0, freeze_idle=900.0)
    for second in range(99):
        at.look(processes=100, rss=4 * GB, ticks=second * 90)
    assert (at.told, at.ended, at.froze) == ([], [], 0)


def test_without_limits_nothing_is_too_much():
    at = Bench()
    at.look(10**6, processes=10**6, rss=10**15)
    at.look(10**6)
    assert (at.told, at.froze) == ([], 0)


def test_memory_that_is_its_own_ends_it():
    at = Bench(memory=4 * GB)
    at.look(rss=4_312_000_000)
    assert at.only() == Limited(limit="memory", value="4GB", used="4.31GB", done="ended")


def test_memory_that_is_shared_counts_once_and_is_not_weighed_every_second():
    at = Bench(memory=4 * GB)
    at.place.shared = 6 * GB
    at.look(rss=8 * GB)
    for _ in range(9):
        at.look(rss=8 * GB + 1)
    assert (at.told, at.place.weighed) == ([], 1)
    at.look()
    assert at.place.weighed == 2
    at.look(rss=9 * GB)
    assert at.place.weighed == 3, "it grew"
    at.look(rss=11 * GB)
    assert at.only().used == "5GB"


def test_memory_that_the_kernel_keeps_to_is_told_once_and_ends_nobody():
    at = Bench(memory=4 * GB)
    at.look()
    assert at.told == []
    for _ in range(2):
        at.place.starved += 1
        at.look()
    assert at.told == [Limited(limit="memory", value="4GB", done="refused")]
    assert at.watch.starved == at.told[0]
    assert at.ended == []


def test_what_the_kernel_ended_before_is_not_this_programs():
    place = FakePlace()
    place.starved = 3
    at = Bench(place, memory=4 * GB)
    at.look()
    at.place.starved = 0  # another keeper
    at.look()
    assert at.told == []


def test_processes_that_the_kernel_refuses_are_told_once():
    at = Bench(processes=500)
    at.look(processes=489)
    assert at.told == []
    for processes in (490, 500, 503):
        at.look(processes=processes)
    assert at.told == [Limited(limit="processes", value="500", used="490", done="refused")]
    assert at.ended == []


def test_processes_that_nobody_refuses_end_it():
    at = Bench(processes=500)
    at.look(processes=504)
    assert at.only() == Limited(limit="processes", value="500", used="504", done="ended")


def test_a_full_disk_quota_ends_it():
    at = Bench(disk=8 * GB)
    at.disk.held = 8_200_000_000
    at.look()
    assert at.only() == Limited(limit="disk", value="8GB", used="8.2GB", done="ended")


def test_time_ends_it_and_pauses_do_not_count():
    at = Bench(time=100.0)
    for _ in range(60):
        at.look()
    at.place.frozen = True
    for _ in range(1000):
        at.look()
    at.place.frozen = False
    for _ in range(39):
        at.look()
    assert at.told == []
    at.look()
    assert at.only() == Limited(limit="time", value="100s", done="ended")


def test_who_is_frozen_is_not_measured():
    at = Bench(memory=1, processes=1)
    at.place.frozen = True
    at.look(rss=10, processes=10)
    assert at.place.measured == 0
    assert at.told == []


def test_a_keeper_that_does_not_answer_is_asked_again():
    at = Bench(memory=1)
    at.place.lost = True
    at.look(rss=10)
    assert at.told == []
    at.place.lost = False
    at.look()
    assert at.only().limit == "memory"


def test_a_program_that_is_gone_uses_nothing():
    at = Bench(memory=1, processes=1, freeze_idle=1.0)
    at.place.use = None
    at.look(100)
    assert (at.told, at.froze) == ([], 0)


def test_who_does_nothing_is_frozen_and_again_after_it_was_woken():
    at = Bench(freeze_idle=900.0)
    at.look(ticks=70)
    at.look(899, ticks=70)
    assert at.froze == 0
    at.look(ticks=70)
    assert at.told == [Limited(limit="freeze_idle", value="15m", done="frozen")]
    assert (at.froze, at.ended) == (1, [])
    at.place.frozen = True
    at.look(5000)
    at.place.frozen = False
    at.look(ticks=70)
    assert at.froze == 1
    at.look(900, ticks=70)
    assert at.froze == 2


@pytest.mark.parametrize("sign", ["prints", "computes"])
def test_who_prints_or_computes_is_not_frozen(sign):
    at = Bench(freeze_idle=900.0)
    ticks = 0
    for _ in range(40):
        if sign == "prints":
            at.watch.heard()
        else:
            ticks += 1000
        at.look(60, ticks=ticks)
    assert at.froze == 0


def test_it_looks_until_it_ended_the_program_and_lets_the_disk_go(monkeypatch):
    monkeypatch.setattr(limits_module, "PERIOD", 0.0)
    at = Bench(memory=1)
    at.place.use.rss = 2
    run(at.watch.run())
    assert at.only().limit == "memory"
    assert at.disk.closed
