"""The plan's tasks in an order to read them in, and the lines between them, drawn once a change of the plan.

Every task stands on one row, after all it waits for. From its row a lane runs down to those that wait for it. What
another dependency says already is not drawn (a path goes through it), and neither is what finds no lane: that is told
in words by whoever shows the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class Cell(NamedTuple):
    """One sign of a gutter. `source`: the task whose lane it is of; empty: nothing's."""

    sign: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One task's row: its gutter, two cells a lane, and what it waits for that is not drawn."""

    task: str
    cells: tuple[Cell, ...]
    untold: tuple[str, ...] = ()


@dataclass(slots=True)
class _Lanes:
    """The lanes as they are at one row: who has each, and how many of those that wait for it are still to come."""

    most: int
    of: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def open(self, source: str, followers: int, taken: Sequence[int]) -> int | None:
        """Give a task the first lane that is free on this row; None when there is none."""
        free = (n for n, name in enumerate(self.of) if not name and n not in taken)
        lane = next(free, len(self.of) if len(self.of) < self.most else None)
        if lane is None:
            return None
        if lane == len(self.of):
            self.of.append("")
        self.of[lane] = source
        self.left[source] = followers
        return lane

    def close(self, source: str) -> bool:
        """One that waited for it was drawn; True when it was the last."""
        self.left[source] -= 1
        if self.left[source]:
            return False
        self.of[self.of.index(source)] = ""
        return True


def order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Each task after all it waits for, else in the order given: a task that is added moves none before it.

    `after` names what each task waits for; what it does not know counts as done. A circle, which no valid plan has,
    comes last as it was given.
    """
    place = {name: number for number, name in enumerate(after)}
    waits = {name: len({need for need in needs if need in place}) for name, needs in after.items()}
    followers = _followers(after)
    ready = [place[name] for name, number in waits.items() if not number]
    heapify(ready)
    names, found = list(after), list[str]()
    while ready:
        name = names[heappop(ready)]
        found.append(name)
        for other in followers.get(name, ()):
            waits[other] -= 1
            if not waits[other]:
                heappush(ready, place[other])
    done = set(found)
    return found + [name for name in names if name not in done]


def draw(after: Mapping[str, Sequence[str]], lanes: int) -> list[Drawn]:
    """All rows, with at most so many lanes beside each other."""
    rows = order(after)
    direct = reduced(after, rows)
    followers = _followers(direct)
    state = _Lanes(lanes)
    return [_row(name, direct[name], len(followers.get(name, ())), state) for name in rows]


def reduced(after: Mapping[str, Sequence[str]], rows: Sequence[str]) -> dict[str, list[str]]:
    """What each task waits for, without what it waits for by way of another of them."""
    bit = {name: 1 << number for number, name in enumerate(rows)}
    above: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for name in rows:
        needs = [need for need in dict.fromkeys(after[name]) if need in above]
        by_way = 0
        for need in needs:
            by_way |= above[need]
        found[name] = [need for need in needs if not by_way & bit[need]]
        above[name] = by_way | sum(bit[need] for need in found[name])
    return found


def below(after: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """All that waits for each task, by whatever way."""
    rows = order(after)
    followers = _followers(after)
    found: dict[str, frozenset[str]] = {}
    for name in reversed(rows):
        mine = followers.get(name, ())
        found[name] = frozenset(mine).union(*(found.get(other, frozenset()) for other in mine))
    return found


def longest(after: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """A longest chain of tasks that wait for each other: what the run cannot be shorter than."""
    rows = order(after)
    depth: dict[str, int] = {}
    for name in rows:
        depth[name] = 1 + max((depth.get(need, 0) for need in after[name]), default=0)
    chain: list[str] = []
    name = max(rows, key=lambda one: depth[one], default="")
    while name:
        chain.append(name)
        name = max((need for need in after[name] if need in depth), key=lambda one: depth[one], default="")
    return frozenset(chain)


def _followers(after: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, needs in after.items():
        for need in dict.fromkeys(needs):
            if need in after:
                found.setdefault(need, []).append(name)
    return found


def _row(name: str, needs: Sequence[str], followers: int, lanes: _Lanes) -> Drawn:
    before = list(lanes.of)
    drawn = [need for need in needs if need in lanes.left]
    joins = {before.index(need): need for need in drawn}
    ended = {lane for lane, need in joins.items() if lanes.close(need)}
    for lane in ended:
        lanes.left.pop(joins[lane])
    own = lanes.open(name, followers, list(joins)) if followers else None
    cells = _cells(before, joins, ended, own, name)
    return Drawn(name, cells, tuple(need for need in needs if need not in drawn))


def _cells(before: list[str], joins: dict[int, str], ended: set[int], own: int | None, name: str) -> tuple[Cell, ...]:
    """The signs of one row: the lanes that pass, those that join, its own that begins, and the line to the task."""
    used = [*joins, *([own] if own is not None else [])]
    first = min(used, default=len(before))
    found: list[Cell] = []
    for lane in range(max(len(before), *(one + 1 for one in used)) if used else len(before)):
        through = lane > first
        source = before[lane] if lane < len(before) else ""
        if lane == own:
            found.append(Cell("┬" if through else "╭", name))
        elif lane in joins:
            sign = ("┴" if through else "╰") if lane in ended else ("┼" if through else "├")
            found.append(Cell(sign, source))
        elif source:
            found.append(Cell("│", source))
        else:
            found.append(Cell("─" if through else " ", name if through else ""))
        found.append(Cell("─", name) if lane >= first else Cell(" "))
    return tuple(found)
