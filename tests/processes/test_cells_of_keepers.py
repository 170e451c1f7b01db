"""A keeper in a cell, tier by tier: it keeps what it promises unconfined, and a kill is proven by what the tier has."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support.aio import run
from support.in_tiers import CONFINED, STRONG, each, tier_by
from support.machine import Machine, machine
from support.oracle import Oracle, until

from engine.processes import records, tree
from engine.processes.confinement.tiers import Tier
from engine.processes.errors import Busy, Interrupted, KeeperLost, NotCleared, NotConfined, StartFailed
from engine.processes.keeper import Keeper, kill_all

LIMIT = 1.0
Scenario = Callable[[Machine, Tier], Awaitable[None]]


def confined(mechanism: str, scenario: Scenario) -> None:
    tier = tier_by(mechanism)
    with machine() as there:
        run(scenario(there, tier))


async def call(keeper: Keeper, there: Machine, *argv: str, **more):
    return await keeper.call(argv, cwd=there.clone, env=there.environment(keeper.tier, there.profile()), **more)


def gone(keeper: Keeper) -> bool:
    """Whether no process of it is left, its own included."""
    return all(not (found := tree.look(pid)) or not found.alive for pid in (keeper.record.pid, keeper.record.init))


@each(CONFINED)
def test_a_program_gets_three_descriptors_its_folder_its_session_and_no_rights(mechanism):
    code = """
import json, os, signal
status = dict(line.split(":\t") for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
ignored = int(status["SigIgn"], 16) & 0x7FFFFFFF & ~(1 << 12 | 1 << 24)  # Python itself ignores SIGPIPE and SIGXFSZ
print(json.dumps([os.listdir("/proc/self/fd"), os.getcwd(), os.getsid(0) == os.getpid(), ignored,
    status["CapEff"], status["CapBnd"] if os.getuid() == 0 else "0" * 16, status["NoNewPrivs"], status["SigBlk"]]))
"""

    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper:
            done = await call(keeper, there, sys.executable, "-I", "-c", code)
            nothing = "0" * 16
            assert json.loads(done.out) == [
                ["0", "1", "2", "3"], str(there.clone), True, 0, nothing, nothing, "1", nothing,
            ], "descriptor 3 is the listing's own"  # fmt: skip

    confined(mechanism, scenario)


@each(CONFINED)
def test_what_ends_a_program_from_within_leaves_the_keeper_for_the_next_one(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper:
            for number, family in enumerate(["daemon --scrub", "hydra 4", "headless"]):
                async with Oracle(there.clone, f"left{number}") as oracle:
                    running = await keeper.run(there.program(tier, *oracle.argv(*family.split(), "--leave")))
                    ended = await asyncio.wait_for(running.wait(), 20)
                    assert (ended.code, ended.leftovers >= 1) == (7, True), family
                    await oracle.gone(time.monotonic(), 5)
            assert (await call(keeper, there, "sleep", "1000", timeout=0.1)).timed_out
            assert (await call(keeper, there, "sh", "-c", "kill -ABRT $$")).code == -signal.SIGABRT
            with pytest.raises(StartFailed, match="its folder"):
                await keeper.call(["/bin/true"], cwd=there.clone / "nowhere")
            assert (await call(keeper, there, "true")).code == 0
            assert keeper.alive

    confined(mechanism, scenario)


@each(CONFINED)
def test_a_paused_family_stands_still_is_counted_and_can_be_killed(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            running = await keeper.run(there.program(tier, *oracle.argv("spin", "2")))
            await oracle.ready()
            assert (await keeper.measure()).processes == 3
            frozen = await keeper.pause()
            assert (frozen.processes, frozen.awake) == (3, 0)
            before = await keeper.measure()
            await asyncio.sleep(0.2)
            assert await keeper.measure() == before
            assert before.rss > 1 << 20
            with pytest.raises(Busy, match="paused"):
                await call(keeper, there, "true")
            await keeper.resume()
            async with asyncio.timeout(10):
                while (await keeper.measure()).ticks == before.ticks:
                    await asyncio.sleep(0.01)
            await keeper.pause()
            began = time.monotonic()
            proof = await keeper.kill()
            assert (proof.gone, proof.processes) == (True, 3)
            assert await oracle.gone(began, 5) < LIMIT
            assert (await running.wait()).signal == signal.SIGKILL

    confined(mechanism, scenario)


@each(STRONG)
def test_a_kill_takes_the_sandbox_whole_and_the_kernel_says_so(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper, Oracle(there.clone) as oracle:
            running = await keeper.run(there.program(tier, *oracle.argv("setsid-children", "5")))
            await oracle.ready()
            first, second = await asyncio.gather(keeper.kill(), keeper.kill())
            assert first.gone
            assert second.gone
            assert first.processes == 6
            assert first.text.startswith(f"namespace init {keeper.record.init} is gone, and with it all inside (pidfd)")
            assert first.text.endswith(tier.label)
            assert ("cgroup populated 0" in first.text) == (tier.cgroup is not None)
            assert (await running.wait()).signal == signal.SIGKILL
            assert not keeper.alive
            with pytest.raises(KeeperLost):
                await call(keeper, there, "true")
            again = await keeper.kill()
            assert (again.gone, again.processes) == (True, 0)
            began = time.monotonic()
            await keeper.close()
            assert time.monotonic() - began < 0.5, "who starts the next one does not wait long for the last one"
            assert (await keeper.kill()).gone
            assert gone(keeper)
            assert records.read(there.records) == []
            assert not keeper.record.cgroup or not Path(keeper.record.cgroup).exists()

    confined(mechanism, scenario)


@each(STRONG)
def test_a_program_whose_start_is_overtaken_by_a_kill_is_not_there(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper:
            starting = asyncio.create_task(keeper.run(there.program(tier, "sleep", "1000")))
            waiting = asyncio.create_task(call(keeper, there, "sleep", "1000"))
            await asyncio.sleep(0)
            assert (await keeper.kill()).gone
            for one in (starting, waiting):
                try:
                    await asyncio.wait_for(one, 5)
                except (Interrupted, Busy, KeeperLost):
                    continue
            assert not keeper.busy

    confined(mechanism, scenario)


@each(CONFINED)
def test_a_cancelled_start_of_a_keeper_leaves_nothing(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        mine = set(tree.children(os.getpid()))
        for seconds in (0, 0.002, 0.008, 0.015):
            starting = asyncio.create_task(there.keeper(tier))
            await asyncio.sleep(seconds)
            starting.cancel()
            (keeper,) = await asyncio.gather(starting, return_exceptions=True)
            if isinstance(keeper, Keeper):
                await keeper.close()  # it was quicker
            assert isinstance(keeper, Keeper | asyncio.CancelledError)
            await until(lambda: set(tree.children(os.getpid())) <= mine)
            assert records.read(there.records) == []

    confined(mechanism, scenario)


@each(CONFINED)
def test_a_cell_that_cannot_be_put_in_force_starts_nothing_and_says_why(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        mine = set(tree.children(os.getpid()))
        with pytest.raises(NotConfined, match="nowhere") as caught:
            await there.keeper(tier, writable=(there.clone, there.base / "nowhere"))
        assert caught.value.tier == tier.label
        assert records.read(there.records) == []
        assert set(tree.children(os.getpid())) <= mine

    confined(mechanism, scenario)


@each(STRONG)
def test_what_listens_inside_is_ours_and_only_inside(mechanism):
    code = (
        "import socket; s = socket.create_connection(('127.0.0.1', 4128)); s.send(b'hello'); print(s.recv(9).decode())"
    )

    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier, port=4128) as keeper:
            (listener,) = keeper.listeners
            with listener, pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", 4128))
            assert listener.fileno() == -1
        async with there.keeping(tier, port=4128) as keeper:
            (listener,) = keeper.listeners
            with listener:
                asking = asyncio.create_task(call(keeper, there, sys.executable, "-I", "-c", code))
                loop = asyncio.get_running_loop()
                inside, _ = await asyncio.wait_for(loop.sock_accept(listener), 10)
                with inside:
                    assert await loop.sock_recv(inside, 9) == b"hello"
                    await loop.sock_sendall(inside, b"welcome")
                    assert (await asking).out == b"welcome\n"

    confined(mechanism, scenario)


@each(CONFINED)
def test_scratch_is_emptied_whatever_was_done_to_it(mechanism):
    script = """
cd "$HOME" && mkdir -p a/b/c closed && touch a/b/c/file .hidden closed/file && ln -s / root && mkfifo pipe
chmod 000 a/b closed; cd "$TMPDIR" && i=0
while [ $i -lt 300 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done; touch deep
"""

    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper:
            profile = there.profile()
            (there.clone / "kept").write_text("work")
            assert (await call(keeper, there, "sh", "-c", script)).code == 0
            await keeper.clear([profile.home, profile.tmp])
            left = [path for scratch in (profile.home, profile.tmp) for path in scratch.rglob("*")]
            assert all(path.is_dir() and path.name not in ("a", "closed", "d") for path in left), "only mount points"
            assert (there.clone / "kept").read_text() == "work", "what is shown inside scratch is not scratch"
            assert (await call(keeper, there, "cat", str(there.shown / "file"))).code == 0
            with pytest.raises(NotCleared):
                await keeper.clear([there.shown])
            assert (await call(keeper, there, "true")).code == 0

    confined(mechanism, scenario)


def test_a_link_in_place_of_scratch_is_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("work")
    (tmp_path / "scratch").symlink_to(tmp_path / "precious")

    async def scenario() -> None:
        keeper = await Keeper.start("builder", records=tmp_path / "records")
        with pytest.raises(NotCleared, match="symbolic"):
            await keeper.clear([tmp_path / "scratch"])
        await keeper.clear([tmp_path / "not-there"])
        await keeper.close()

    run(scenario())
    assert (tmp_path / "precious" / "file").read_text() == "work"


@each(CONFINED)
def test_all_are_killed_together(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        keepers = [await there.keeper(tier, f"agent-{number}") for number in range(4)]
        oracles = [Oracle(there.clone, keeper.name) for keeper in keepers]
        for keeper, oracle in zip(keepers, oracles, strict=True):
            await oracle.__aenter__()
            await keeper.run(there.program(tier, *oracle.argv("fork-tree", "8")))
            await oracle.ready()
        began = time.monotonic()
        proofs = await kill_all(keepers)
        assert all(proof.gone and proof.processes >= 8 for _, proof in proofs)
        for oracle in oracles:
            assert await oracle.gone(began, 5) < LIMIT
        await asyncio.gather(*(keeper.close() for keeper in keepers))
        assert list(there.records.iterdir()) == []

    confined(mechanism, scenario)


@each(("landlock",))
def test_a_program_cannot_signal_its_keeper_or_a_neighbours_program(mechanism):
    code = "import os, signal, sys\nfor pid in sys.argv[1:]:\n try: os.kill(int(pid), signal.SIGSTOP); print('sent')\n except PermissionError: print('refused')"

    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper, there.keeping(tier, "other") as other:
            running = await other.run(there.program(tier, "sleep", "1000"))
            others = (keeper.record.pid, other.record.pid, running.pid, os.getpid())
            done = await call(keeper, there, sys.executable, "-I", "-c", code, *map(str, others))
            assert done.out == b"refused\n" * 4

    confined(mechanism, scenario)


@each(STRONG)
def test_a_record_says_who_is_first_inside_and_in_which_tier(mechanism):
    async def scenario(there: Machine, tier: Tier) -> None:
        async with there.keeping(tier) as keeper:
            (record,) = records.read(there.records)
            assert record == keeper.record
            first = tree.look(record.init)
            assert first
            assert first.start == record.init_start
            assert record.pid in tree.ancestors(record.init)
            assert record.confinement == tier.label == keeper.tier.label
            assert bool(record.cgroup) == (tier.cgroup is not None)

    confined(mechanism, scenario)
