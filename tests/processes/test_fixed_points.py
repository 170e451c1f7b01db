"""A walk that finds nobody alive proves nothing while somebody died in it: what that one started is in the next walk."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterable

import pytest

from engine.processes import tree
from engine.processes.felling import Felling
from engine.processes.records import Record
from engine.processes.serving import Keeper
from engine.processes.tree import Process

KEEPER = Record(
    agent="builder",
    pid=41_943_040,
    start=7,
    boot_id="this",
    nonce="none-has-it",
    created=0.0,
    engine_pid=41_943_041,
    engine_start=8,
)


def process(pid: int, state: str, parent: int = KEEPER.pid) -> Process:
    return Process(pid, [state.encode(), b"%d" % parent, *[b"%d" % pid] * 2, *[b"0"] * 15, b"7", b"0", b"0"])


class Kernel:
    """A system whose walks are told in advance; a signal stops or ends whom it reaches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, walks: list[list[Process]]) -> None:
        self.walks = walks
        self.now: dict[int, Process] = {KEEPER.pid: process(KEEPER.pid, "S", 1)}
        self.sent: list[tuple[int, int]] = []
        self.walked = 0
        self.when: dict[tuple[int, int], int] = {}
        for name in ("below", "look", "send", "children", "everybody"):
            monkeypatch.setattr(tree, name, getattr(self, name))

    def below(self, root: int, skip: Iterable[int] = ()) -> list[Process]:
        walk = self.walks.pop(0) if self.walks else list(self.now.values())
        self.walked += 1
        self.now |= {found.pid: found for found in walk}
        return [found for found in walk if found.pid != KEEPER.pid and found.pid not in set(skip)]

    def look(self, pid: int) -> Process | None:
        return self.now.get(pid)

    def send(self, found: Process, number: int) -> bool:
        self.sent.append((found.pid, number))
        self.when[found.pid, number] = self.walked
        now = self.now[found.pid]
        now.state = {signal.SIGSTOP: "T", signal.SIGKILL: "Z"}.get(number, now.state)
        return True

    def children(self, pid: int) -> list[int]:
        return []

    def everybody(self) -> set[int]:
        return set()


def test_a_felling_walks_again_after_it_saw_somebody_dead(monkeypatch):
    kernel = Kernel(monkeypatch, [[process(11, "Z")], [process(12, "R")]])
    felling = Felling(KEEPER, list)
    rounds = 1
    while not felling.strike():
        rounds += 1
        assert rounds < 20
    assert (12, signal.SIGKILL) in kernel.sent
    assert kernel.sent[0] == (KEEPER.pid, signal.SIGSTOP), "first nothing new may be started"
    assert kernel.sent[-1] == (KEEPER.pid, signal.SIGKILL), "it adopts until all others are gone"
    assert felling.proof(gone=True).processes == 1


def test_a_pause_walks_again_after_it_saw_somebody_dead(monkeypatch):
    kernel = Kernel(monkeypatch, [[process(11, "X")], [process(11, "X"), process(12, "R")], [process(12, "T")]])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        keeper = Keeper(theirs)
        monkeypatch.setattr(keeper, "collect", lambda: False)
        assert keeper.pause() == (1, 0)
        assert kernel.sent == [(12, signal.SIGSTOP)]
        assert keeper.resume() == 1


def test_a_pause_walks_again_after_somebody_it_knew_has_died(monkeypatch):
    asleep, dead, heir = process(11, "R"), process(11, "Z"), process(12, "R")
    kernel = Kernel(monkeypatch, [[asleep], [dead], [dead, heir], [dead, process(12, "T")]])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        keeper = Keeper(theirs)
        monkeypatch.setattr(keeper, "collect", lambda: False)
        assert keeper.pause() == (1, 0)
        assert (12, signal.SIGSTOP) in kernel.sent


def test_a_parent_sleeps_before_its_children_and_wakes_after_them(monkeypatch):
    kernel = Kernel(monkeypatch, [[process(11, "R"), process(12, "S", parent=11), process(13, "T", parent=11)]])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        keeper = Keeper(theirs)
        monkeypatch.setattr(keeper, "collect", lambda: False)
        del kernel.now[KEEPER.pid]
        assert keeper.pause() == (3, 0)
        assert kernel.sent == [(11, signal.SIGSTOP), (12, signal.SIGSTOP)]
        assert kernel.when[11, signal.SIGSTOP] < kernel.when[12, signal.SIGSTOP], "seen asleep in between"
        keeper.resume()
        assert kernel.sent[2:] == [(12, signal.SIGCONT), (11, signal.SIGCONT)], "13 had stopped itself"
