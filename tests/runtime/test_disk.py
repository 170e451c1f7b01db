"""What an agent's folders hold is added up within bounds, and only where there is reason to."""

from __future__ import annotations

import asyncio
import os

import pytest
from support.aio import run
from support.oracle import until

from engine.runtime import disk
from engine.runtime.disk import DEEPEST, LEAST, Disk, walk

MB = 1 << 20


def put(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_what_files_take_up_is_added_up_below_all_folders(tmp_path):
    put(tmp_path / "a" / "deep" / "one", MB)
    put(tmp_path / "b" / "two", MB)
    held = walk((tmp_path / "a", tmp_path / "b", tmp_path / "missing"), 100 * MB).held
    assert 2 * MB <= held <= 2 * MB + 20 * LEAST


def test_a_file_of_holes_takes_up_nothing_and_one_with_two_names_is_one(tmp_path):
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1000 * MB)
    put(tmp_path / "one", MB)
    (tmp_path / "same").hardlink_to(tmp_path / "one")
    held = walk((tmp_path,), 1000 * MB).held
    assert MB <= held <= MB + 10 * LEAST


def test_no_link_is_followed(tmp_path):
    put(tmp_path / "far" / "large", 10 * MB)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "here" / "file").symlink_to(tmp_path / "far" / "large")
    (tmp_path / "here" / "loop").symlink_to(tmp_path / "here")
    assert walk((tmp_path / "here",), 100 * MB).held == 3 * LEAST


def test_another_file_system_is_not_entered(tmp_path):
    (tmp_path / "link").symlink_to("/proc")
    other = os.stat("/proc").st_dev  # noqa: PTH116
    assert other != tmp_path.stat().st_dev
    assert list(disk._sizes(tmp_path, other, lambda: False)) == []


def test_it_ends_as_soon_as_it_is_too_much_however_many_files_there_are(tmp_path):
    for number in range(300):
        (tmp_path / str(number)).touch()
    assert walk((tmp_path,), 100 * LEAST).held == 101 * LEAST


def test_what_can_not_be_looked_into_is_passed_over(tmp_path):
    here = tmp_path
    for _ in range(DEEPEST + 20):
        here = here / "d"
        here.mkdir()
    put(here / "large", 10 * MB)
    closed = tmp_path / "closed"
    put(closed / "file", LEAST)
    closed.chmod(0)
    try:
        held = walk((tmp_path,), 1000 * MB).held
    finally:
        closed.chmod(0o700)
    assert held <= (DEEPEST + 2) * LEAST


def test_a_walk_can_be_given_up(tmp_path):
    put(tmp_path / "file", MB)
    assert walk((tmp_path,), 100 * MB, lambda: True).held == 0


class Looks:
    """A disk whose clock and free space are set by hand, and its walks counted."""

    def __init__(self, monkeypatch, folder, limit):
        self.now, self.free, self.walks, self.cost = 0.0, 1000 * MB, 0, 0.01
        monkeypatch.setattr(Disk, "_space", lambda _: self.free)
        monkeypatch.setattr(disk, "walk", self._walk)
        self.disk = Disk((folder,), limit, lambda: self.now)

    def _walk(self, folders, most, given_up):
        self.walks += 1
        return walk(folders, most, given_up)._replace(cost=self.cost)

    async def look(self, after):
        """Once, and again when a walk that this began has ended."""
        self.now += after
        if found := self.disk.over():
            return found
        if self.disk._walking is not None:
            await asyncio.wait({self.disk._walking})
            return self.disk.over()
        return 0


@pytest.fixture
def looks(monkeypatch, tmp_path):
    return lambda limit: Looks(monkeypatch, tmp_path, limit)


def test_it_walks_once_a_minute_or_when_much_space_was_used(looks, tmp_path):
    put(tmp_path / "file", MB)

    async def scenario():
        at = looks(160 * MB)
        for _ in range(59):
            await at.look(1)
        assert at.walks == 0
        await at.look(1)
        assert at.walks == 1
        at.free -= 10 * MB
        await at.look(1)
        assert at.walks == 1, "not so much"
        at.free -= MB
        assert await at.look(1) == 0
        assert at.walks == 2
        await at.look(1)
        assert at.walks == 2, "space fell before that walk"

    run(scenario())


def test_a_dear_walk_is_made_seldom(looks):
    async def scenario():
        at = looks(160 * MB)
        at.cost = 0.25
        await at.look(60)
        await at.look(499)
        assert at.walks == 1
        await at.look(1)
        assert at.walks == 2
        at.free -= 100 * MB
        await at.look(12)
        assert at.walks == 2
        await at.look(1)
        assert at.walks == 3, "sooner, as space falls"

    run(scenario())


def test_too_much_is_found_and_told_in_bytes(looks, tmp_path):
    put(tmp_path / "file", 2 * MB)

    async def scenario():
        at = looks(MB)
        found = await at.look(60)
        assert 2 * MB <= found <= 2 * MB + LEAST

    run(scenario())


def test_without_a_limit_nothing_is_looked_at(looks):
    async def scenario():
        at = looks(0)
        at.free = 0
        assert await at.look(1000) == 0
        assert at.walks == 0

    run(scenario())


def test_a_walk_under_way_holds_nobody_up_and_is_given_up_at_the_end(tmp_path):
    put(tmp_path / "file", MB)

    async def scenario():
        at = Disk((tmp_path,), 100 * MB, iter(float(60 * n) for n in range(10)).__next__)
        at.close()
        assert at.over() == 0
        await until(at._walking.done)
        assert at._walking.result().held == 0

    run(scenario())
