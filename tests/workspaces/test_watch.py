"""The watcher says "look there" in time, and looks at everything when it may have missed something."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.aio import run
from watchfiles import Change

from workspaces.watch import watcher as module
from workspaces.watch.droppings import is_dropping
from workspaces.watch.watcher import Watcher

SOON = 5.0  # seconds; an upper bound on a loaded machine, not an expectation


async def until(watcher: Watcher, done: Callable[[frozenset[Path]], bool]) -> frozenset[Path]:
    """Take looks until one satisfies `done`."""
    async with asyncio.timeout(SOON):
        async for look in watcher:
            if done(look):
                return look
    raise AssertionError("the watcher ended")


async def armed(watcher: Watcher, folders: set[Path]) -> None:
    """The first look: everything, once the watch stands."""
    assert await until(watcher, lambda _: True) == folders


async def nothing_comes(watcher: Watcher, seconds: float = 0.3) -> None:
    try:
        async with asyncio.timeout(seconds):
            look = await anext(watcher)
    except TimeoutError:
        return
    raise AssertionError(f"a look nobody needed: {look}")


@pytest.fixture
def boxes(tmp_path: Path) -> set[Path]:
    folders = {tmp_path / name for name in ("tasks", "a", "b")}
    for folder in folders:
        folder.mkdir()
    return folders


@pytest.mark.parametrize("busy", [True, False])
def test_everything_is_looked_at_first_and_then_only_where_something_changed(boxes, tmp_path, busy):
    async def scenario():
        async with Watcher(boxes, busy=busy, period=60) as watcher:
            await armed(watcher, boxes)
            (tmp_path / "a" / "note.json").write_text("{}")
            assert await until(watcher, lambda _: True) == {tmp_path / "a"}

    run(scenario())


def test_a_file_written_the_moment_the_first_look_is_out_is_never_missed(boxes, tmp_path):
    async def scenario():
        for turn in range(25):
            async with Watcher(boxes, busy=True, period=60) as watcher:
                await armed(watcher, boxes)
                (tmp_path / "b" / f"{turn}.json").write_text("{}")
                await until(watcher, lambda look: tmp_path / "b" in look)

    run(scenario())


def test_no_look_is_given_before_the_watch_stands(boxes, monkeypatch):
    """Else a reader that runs in between lists a folder, and a file that comes right after it is told by nobody."""
    order: list[str] = []

    async def recorded(*_paths, stop_event, **_options):
        order.append("armed")
        await stop_event.wait()
        for batch in ():
            yield batch

    class Told(Watcher):
        def _tell(self, folders):
            order.append("told")
            super()._tell(folders)

    async def scenario():
        monkeypatch.setattr(module, "awatch", recorded)
        async with Told(boxes, period=60) as watcher:
            await armed(watcher, boxes)
            watcher.busy(on=True)
            await armed(watcher, boxes)

    run(scenario())
    assert order == ["armed", "told"] * 2


def test_rename_in_edit_in_place_and_removal_are_all_told(boxes, tmp_path):
    async def scenario():
        box = tmp_path / "tasks"
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            (tmp_path / "aside").write_text("text")
            (tmp_path / "aside").rename(box / "one.md")
            await until(watcher, lambda look: look == {box})
            with (box / "one.md").open("a") as file:
                file.write("more")
            await until(watcher, lambda look: look == {box})
            (box / "one.md").unlink()
            await until(watcher, lambda look: look == {box})

    run(scenario())


def test_what_editors_leave_behind_wakes_nobody(boxes, tmp_path):
    names = [".one.md.swp", "one.md~", ".#one.md", "4913", "5036", "#one.md#", ".tmp-1", ".git"]
    assert all(is_dropping(name) for name in names)

    async def scenario():
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            for name in names:
                (tmp_path / "tasks" / name).write_text("x")
            await nothing_comes(watcher)

    run(scenario())


@pytest.mark.parametrize("name", ["one.md", "4914", "5036x", "result.json", "a#b.md", "12345678901234567890"])
def test_ordinary_names_are_no_droppings(name):
    assert not is_dropping(name)


def test_below_a_folder_nothing_is_watched(boxes, tmp_path):
    async def scenario():
        (tmp_path / "a" / "refused").mkdir()
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            (tmp_path / "a" / "refused" / "x.json").write_text("x")
            await nothing_comes(watcher)

    run(scenario())


def test_a_new_set_of_folders_is_looked_at_whole_and_the_old_ones_are_left(boxes, tmp_path):
    async def scenario():
        (tmp_path / "c").mkdir()
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            fewer = {tmp_path / "c", tmp_path / "a"}
            watcher.roots(fewer)
            assert await until(watcher, lambda _: True) == fewer
            (tmp_path / "c" / "x.json").write_text("x")
            assert await until(watcher, lambda _: True) == {tmp_path / "c"}
            (tmp_path / "b" / "x.json").write_text("x")
            await nothing_comes(watcher)

    run(scenario())


def test_a_change_of_pace_loses_nothing(boxes, tmp_path):
    async def scenario():
        async with Watcher(boxes, period=60) as watcher:
            await armed(watcher, boxes)
            for turn in range(6):
                watcher.busy(turn % 2 == 0)
                (tmp_path / "a" / f"{turn}.json").write_text("x")
                await until(watcher, lambda look: tmp_path / "a" in look)

    run(scenario())


def test_while_busy_everything_is_looked_at_every_period_and_when_idle_never(boxes):
    async def scenario():
        async with Watcher(boxes, busy=True, period=0.05) as watcher:
            for _ in range(3):
                assert await until(watcher, lambda _: True) == boxes
            watcher.busy(on=False)
            await until(watcher, lambda look: look == boxes)
            for _ in range(2):  # one may still be waiting from the busy time
                try:
                    await nothing_comes(watcher)
                except AssertionError:
                    continue
                return
            raise AssertionError("an idle watcher goes on looking")

    run(scenario())


def test_a_look_nobody_took_is_joined_with_the_next(boxes, tmp_path):
    async def scenario():
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            watcher._tell([tmp_path / "a"])
            watcher._tell([tmp_path / "b"])
            assert await anext(watcher) == {tmp_path / "a", tmp_path / "b"}

    run(scenario())


@pytest.mark.parametrize("busy", [True, False])
def test_a_folder_swept_away_is_told_and_watched_again_when_back(boxes, tmp_path, busy):
    async def scenario():
        box = tmp_path / "a"
        async with Watcher(boxes, busy=busy, period=60) as watcher:
            await armed(watcher, boxes)
            for turn in range(3):
                shutil.rmtree(box)
                await until(watcher, lambda look: box in look and not box.exists())
                box.mkdir()
                (box / f"{turn}.json").write_text("x")  # at once: nobody watches a folder that young
                await until(watcher, lambda look: look == boxes and not watcher.trouble)
                (box / f"later-{turn}.json").write_text("x")
                await until(watcher, lambda look: box in look)

    run(scenario())


def test_a_folder_replaced_at_once_even_under_the_same_inode_is_watched_anew(boxes, tmp_path):
    async def scenario():
        box = tmp_path / "a"
        async with Watcher(boxes, busy=False, period=60) as watcher:
            await armed(watcher, boxes)
            for turn in range(5):
                box.rmdir()
                box.mkdir()
                await until(watcher, lambda look: look == boxes)
                (box / "x.json").write_text(str(turn))
                await until(watcher, lambda look: box in look)
                (box / "x.json").unlink()
                await until(watcher, lambda look: box in look)

    run(scenario())


def test_a_folder_renamed_away_is_told_and_its_successor_watched(boxes, tmp_path):
    async def scenario():
        box = tmp_path / "a"
        async with Watcher(boxes, busy=True, period=0.2) as watcher:
            await armed(watcher, boxes)
            box.rename(tmp_path / "elsewhere")
            await until(watcher, lambda look: bool(watcher.trouble))
            box.mkdir()
            await until(watcher, lambda look: not watcher.trouble)
            (box / "x.json").write_text("x")
            await until(watcher, lambda look: box in look)

    run(scenario())


def test_a_symbolic_link_is_never_watched_as_a_drop_box(boxes, tmp_path):
    async def scenario():
        target = tmp_path / "elsewhere"
        target.mkdir()
        (tmp_path / "link").symlink_to(target)
        async with Watcher({*boxes, tmp_path / "link"}, busy=False, period=60) as watcher:
            await until(watcher, lambda _: True)
            assert str(tmp_path / "link") in watcher.trouble
            (target / "x.json").write_text("x")
            await nothing_comes(watcher)

    run(scenario())


def test_when_the_kernel_refuses_folders_are_looked_at_by_the_clock(boxes, tmp_path, monkeypatch):
    tries = 0

    def refused(*_args, **_options):
        nonlocal tries
        tries += 1
        raise OSError("OS file watch limit reached")

    async def scenario():
        with monkeypatch.context() as patch:
            patch.setattr(module, "awatch", refused)
            async with Watcher(boxes, period=0.1) as watcher:
                for _ in range(3):
                    assert await until(watcher, lambda _: True) == boxes
                assert "watch limit" in watcher.trouble
                assert tries <= 4, "each look is one try, and no try without a pause"
                patch.undo()
                await until(watcher, lambda _: not watcher.trouble)
                (tmp_path / "a" / "x.json").write_text("x")
                await until(watcher, lambda look: look == {tmp_path / "a"})

    run(scenario())


def test_a_watch_that_dies_in_the_middle_is_put_back(boxes, tmp_path, monkeypatch):
    real = module.awatch
    calls = 0

    async def dies_once(*paths, **options):
        nonlocal calls
        calls += 1
        async for batch in real(*paths, **options):
            if calls == 1:
                raise RuntimeError("watcher thread died")
            yield batch

    async def scenario():
        monkeypatch.setattr(module, "awatch", dies_once)
        async with Watcher(boxes, busy=True, period=60) as watcher:
            await armed(watcher, boxes)
            (tmp_path / "a" / "lost.json").write_text("x")
            await until(watcher, lambda look: look == boxes)
            await until(watcher, lambda look: look == boxes and not watcher.trouble)
            (tmp_path / "a" / "next.json").write_text("x")
            await until(watcher, lambda look: look == {tmp_path / "a"})

    run(scenario())


def test_a_burst_while_the_loop_is_blocked_ends_in_a_look_at_everything(boxes, tmp_path):
    async def scenario():
        box = tmp_path / "a"
        found: set[str] = set()
        async with Watcher(boxes, busy=False, period=60) as watcher:
            await armed(watcher, boxes)
            for number in range(5000):  # the loop runs nothing meanwhile
                (box / f"{number}.json").touch()
            async with asyncio.timeout(SOON):
                async for look in watcher:
                    if box in look:
                        found.update(entry.name for entry in os.scandir(box))
                    if look == boxes:
                        break
        assert len(found) == 5000

    run(scenario())


def test_a_batch_that_may_come_from_an_overflow_looks_everywhere(boxes, tmp_path, monkeypatch):
    """The kernel kept 1001 events of many, all about one folder; another folder's may be among the lost."""
    batches: asyncio.Queue[set[tuple[Change, str]]] = asyncio.Queue()

    async def scripted(*_paths, stop_event, **_options):
        while not stop_event.is_set():
            try:
                yield batches.get_nowait()
            except asyncio.QueueEmpty:
                await asyncio.sleep(0.001)

    async def scenario():
        monkeypatch.setattr(module, "awatch", scripted)
        async with Watcher(boxes, busy=False, period=60) as watcher:
            await armed(watcher, boxes)
            batches.put_nowait({(Change.added, str(tmp_path / "a" / f"{n}.json")) for n in range(1000)})
            assert await until(watcher, lambda _: True) == {tmp_path / "a"}
            batches.put_nowait({(Change.added, str(tmp_path / "a" / f"{n}.json")) for n in range(1001)})
            assert await until(watcher, lambda _: True) == boxes
            batches.put_nowait({(Change.added, "/spelled/in/no/way/we/know")})
            assert await until(watcher, lambda _: True) == boxes

    run(scenario())


def test_folder_made_and_written_at_once_again_and_again(tmp_path):
    async def scenario():
        known: set[Path] = set()
        async with Watcher(busy=True, period=60) as watcher:
            for turn in range(40):
                box = tmp_path / str(turn)
                box.mkdir()
                (box / "x.json").write_text("x")
                known = {*sorted(known)[-3:], box}
                watcher.roots(known)
                await until(watcher, lambda look, box=box: box in look and (box / "x.json").exists())

    run(scenario())


def test_leaving_is_quick_and_ends_the_iteration(boxes):
    async def scenario():
        async with Watcher(boxes) as watcher:
            await armed(watcher, boxes)
            before = time.monotonic()
        assert time.monotonic() - before < 1
        assert [look async for look in watcher] == []

    run(scenario())


def test_a_cancelled_reader_leaves_no_watch_behind(boxes):
    async def scenario():
        async def read():
            async with Watcher(boxes, busy=True) as watcher:
                async for _ in watcher:
                    started.set()

        started = asyncio.Event()
        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [other.get_name() for other in asyncio.all_tasks() if other is not asyncio.current_task()] == []

    run(scenario())


CHILD = """
import asyncio, os, sys
from pathlib import Path
from workspaces.watch.watcher import Watcher

async def main(boxes, wanted):
    async with Watcher(boxes, busy=False, period=3600) as watcher:
        await anext(watcher)
        print("armed", flush=True)
        found = set()
        async for look in watcher:
            for box in look:
                found.update(os.listdir(box))
            if len(found) == wanted:
                return

asyncio.run(asyncio.wait_for(main([Path(box) for box in sys.argv[2:]], int(sys.argv[1])), 20))
"""


def test_a_stopped_process_whose_event_queue_overflowed_finds_every_file(boxes, tmp_path):
    """20,000 files overflow the kernel's queue (16,384 events); the last one's event is certainly lost."""
    argv = [sys.executable, "-c", CHILD, "20001", *map(str, boxes)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"armed\n"
        os.kill(child.pid, signal.SIGSTOP)
        for number in range(20_000):
            (tmp_path / "a" / f"{number}.json").touch()
        (tmp_path / "b" / "last.json").touch()
        os.kill(child.pid, signal.SIGCONT)
        assert child.wait(25) == 0
