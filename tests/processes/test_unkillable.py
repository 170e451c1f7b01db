"""A process that sleeps in the kernel outlives SIGKILL: it is named, nobody is told it is gone, and later it is."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from support.aio import run
from support.in_tiers import EVERY, STRONG, tier_by
from support.machine import Machine, machine
from support.oracle import until

from engine.processes import felling, first, records, sandbox, tree
from engine.processes.confinement.tiers import Tier
from engine.processes.keeper import Keeper
from engine.processes.last_resort import reap_stale
from engine.runtime.member import Place
from engine.runtime.room import Room


@asynccontextmanager
async def ended(place: Place) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await place.close()


def in_one(mechanisms: Sequence[str]) -> pytest.MarkDecorator:
    """As `each`, but by default only in the first: what does not die takes its time."""
    rest = (pytest.param(mechanism, marks=pytest.mark.soak) for mechanism in mechanisms[1:])
    return pytest.mark.parametrize("mechanism", [mechanisms[0], *rest])


@contextmanager
def freezing(at: Path) -> Iterator[None]:
    """A file system on a file of ours, mounted below the clone; thawed and taken away in the end, come what may."""
    image = at.with_name("image")
    at.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    made = shutil.which("mkfs.ext4") and subprocess.run(["mkfs.ext4", "-q", image], check=False).returncode == 0
    if not made or subprocess.run(["mount", "-o", "loop", image, at], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "-u", at], check=False, capture_output=True)
        subprocess.run(["umount", "-l", at], check=True)


async def asleep(keeper: Keeper) -> int:
    """The pid of the process below it that sleeps in the kernel."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [process.pid for process in tree.below(keeper.record.pid) if process.state == "D"]
        return any("rwsem" in Path(f"/proc/{pid}/wchan").read_text() for pid in found)

    await until(look)
    return found[0]


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("fsfreeze") is None, reason="freezes a file system")
@in_one(EVERY)
def test_who_sleeps_in_the_kernel_is_named_and_gone_only_when_it_wakes(mechanism):
    tier = tier_by(mechanism)

    async def scenario(there: Machine, disk: Path) -> None:
        async with there.keeping(tier, writable=(there.clone, disk)) as keeper:
            subprocess.run(["fsfreeze", "-f", disk], check=True)
            running = await keeper.run(there.program(tier, "sh", "-c", f"sleep 1000 & touch {disk}/new"))
            stuck = await asleep(keeper)
            began = time.monotonic()
            proof = await keeper.kill()
            assert 0.9 < time.monotonic() - began < 2
            assert not proof.gone
            assert [survivor.pid for survivor in proof.survivors] == [stuck]
            assert proof.survivors[0].state == "D"
            assert "rwsem" in proof.survivors[0].wchan
            assert proof.processes >= 1
            assert tier.label in proof.text
            assert running.ended is None, "nobody says that it has ended"
            (stale,) = reap_stale(there.records)
            assert not stale.proof.gone
            assert [survivor.pid for survivor in stale.proof.survivors] == [stuck]
            assert records.read(there.records), "the record stays until the proof is there"
            subprocess.run(["fsfreeze", "-u", disk], check=True)
            await until(lambda: not tree.look(stuck))
            assert (await keeper.kill()).gone
            await running.wait()
        assert records.read(there.records) == []

    with machine() as there, freezing(there.clone / "disk"):
        run(scenario(there, there.clone / "disk"))


@in_one(STRONG)
def test_a_sandbox_that_is_not_seen_to_end_is_never_called_gone(mechanism, monkeypatch):
    """SIGKILL is kept from arriving: what is known is what is seen."""

    async def scenario(there: Machine, tier: Tier) -> None:
        place = Place("me", there.records, Room(there.environment(tier, there.profile()), there.cell(tier)))
        async with ended(place):
            keeper = await place.keeper()
            await place.run(there.program(tier, "sleep", "1000"))
            with monkeypatch.context() as patched:
                patched.setattr(sandbox.Sandbox, "fire", lambda _: None)
                patched.setattr(first.First, "kill", lambda _: None)
                patched.setattr(felling, "kill_cgroup", lambda _: None)
                patched.setattr(felling.tree, "send", lambda *_: True)
                proof, meanwhile = await asyncio.gather(place.kill(), place.kill())
            assert not proof.gone
            assert not meanwhile.gone, "who presses the key again is not told otherwise"
            (sleeper,) = (process for process in tree.below(keeper.record.init) if process.alive)
            assert [survivor.pid for survivor in proof.survivors] == [sleeper.pid]
            assert not keeper.alive, "it is to die, so nothing is started in it"
            assert (await keeper.kill()).gone

    tier = tier_by(mechanism)
    with machine() as there:
        run(scenario(there, tier))


def test_the_first_process_is_gone_only_when_all_are(tmp_path):
    """The kernel's own word, taken as it is: its handle is not readable before."""
    sleeper = subprocess.Popen(["sleep", "1000"])
    try:
        held = first.First.find(sleeper.pid)
        assert held
        assert not held.gone
        assert first.First.find(sleeper.pid, held.start + 1) is None
        held.kill()
        sleeper.wait()
        assert held.gone
        assert first.First.find(sleeper.pid) is None
        held.close()
        held.close()
    finally:
        with suppress(ProcessLookupError):
            sleeper.kill()
        sleeper.wait()
