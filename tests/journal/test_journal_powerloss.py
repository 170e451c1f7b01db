"""The power goes at every call that changes the disk; what comes back is any mixture of what was not synced."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run
from support.powerloss import PowerLoss, PowerLost
from support.records import event, events

from engine.journal.errors import AppendFailed, JournalDamaged
from engine.journal.keys import KeyRing
from engine.journal.verify import verify
from engine.journal.writer import Journal

STATE = Path("/state")
FOLDER = STATE / "journal"


def fresh_disk():
    disk = PowerLoss()
    disk.make_folder(STATE)
    disk.sync_dir(Path("/"))
    disk.calls.clear()
    return disk


async def live(disk, script, signer=None):
    """Run a script of batches on a disk until its power goes; returns the last seq that was told to be durable."""
    told = 0
    try:
        journal = Journal.open(FOLDER, files=disk, signer=signer)
    except PowerLost:
        return told
    told = journal.head.seq
    try:
        for step in script:
            if step == "segment":
                journal.segment(f"run-{journal.next_seq}")
            elif step == "checkpoint":
                journal.checkpoint(1.0)
            elif step == "snapshot":
                journal.offer_snapshot(journal.head.seq, b"state of %d" % journal.head.seq)
            else:
                await asyncio.gather(*[journal.append([item]) for item in events(journal.next_seq, step)])
                told = journal.head.seq
    except (PowerLost, AppendFailed):
        pass
    finally:
        journal.close()
    return told


def comes_back(disk, told, seed, signer=None):
    """Check the disk after one crash, and once more after a crash of the recovery itself."""
    after = disk.crash(seed)
    after.dies_at = seed % 7
    try:
        Journal.open(FOLDER, files=after).close()
    except PowerLost:
        pass
    after = after.crash(seed + 1)
    journal = Journal.open(FOLDER, files=after, signer=signer)
    assert journal.head.seq >= told
    assert list(journal.replay(verify=True)) == events(1, journal.head.seq)
    saved = journal.latest_snapshot()
    assert saved is None or saved[1] == b"state of %d" % saved[0]
    journal.close()
    assert verify(FOLDER, files=after).ok
    return after


SCRIPT = ["segment", 1, 5, "segment", 9, "segment", 3, 1]


def test_the_power_may_go_at_every_call():
    whole = fresh_disk()
    assert run(live(whole, SCRIPT)) == 19
    for dies_at in range(1, len(whole.calls) + 1):
        disk = fresh_disk()
        disk.dies_at = dies_at
        told = run(live(disk, SCRIPT))
        for seed in range(25):
            comes_back(disk, told, seed)


def test_the_power_may_go_at_every_call_of_checkpoints_and_snapshots(tmp_path):
    signer = KeyRing(tmp_path).signer("record")
    script = [2, "checkpoint", "snapshot", 2, "checkpoint", "snapshot", "snapshot", 1, "snapshot"]
    whole = fresh_disk()
    run(live(whole, script, signer))
    for dies_at in range(1, len(whole.calls) + 1):
        disk = fresh_disk()
        disk.dies_at = dies_at
        told = run(live(disk, script, signer))
        for seed in range(6):
            after = comes_back(disk, told, seed, signer)
            assert run(live(after, ["checkpoint", 1, "checkpoint"], signer)) > told
            assert verify(FOLDER, signer.public, files=after).ok


steps = st.one_of(st.just("segment"), st.integers(1, 40))


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=1, max_size=8), st.integers(1, 60), st.integers(0, 10**6))
def test_nothing_told_is_lost_over_several_lives(script, dies_at, seed):
    disk, told = fresh_disk(), 0
    for life in range(3):
        disk.dies_at = dies_at + life
        told = max(told, run(live(disk, script)))
        disk = comes_back(disk, told, seed + life)
        disk.calls.clear()


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_nothing_told_is_lost_in_thousands_of_crashes():
    for seed in range(20_000):
        random = Random(seed)
        disk = fresh_disk()
        disk.dies_at = random.randint(1, 40)
        script = [random.choice(("segment", random.randint(1, 60))) for _ in range(random.randint(1, 8))]
        told = run(live(disk, script))
        comes_back(disk, told, seed)


def test_the_model_does_lose_what_was_not_synced():
    """The mutation: with syncs that do nothing, told events must get lost, else these tests could not fail."""

    class Lying(PowerLoss):
        def sync(self, handle):
            with self.lock:
                self.step("sync")

    disk = Lying()
    disk.make_folder(STATE)
    disk.sync_dir(Path("/"))
    told = run(live(disk, SCRIPT))
    lost = 0
    for seed in range(30):
        try:
            journal = Journal.open(FOLDER, files=disk.crash(seed))
        except JournalDamaged:
            lost += 1
            continue
        lost += journal.head.seq < told
        journal.close()
    assert lost > 10


async def one_then_many(disk, calls_left):
    journal = Journal.open(FOLDER, files=disk)
    await journal.append([event(1)])
    disk.dies_at = len(disk.calls) + calls_left
    with pytest.raises(AppendFailed):
        await journal.append(events(2, 200))
    journal.close()


def test_long_batches_come_back_whole_or_as_a_prefix():
    for seed in range(60):
        disk = fresh_disk()
        run(one_then_many(disk, calls_left=seed % 2))
        comes_back(disk, 1, seed)
