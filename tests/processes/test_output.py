"""Output cannot hurt the engine: not its memory, not its loop, not the last bytes of a program that ends at once."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time

import pytest
from support.aio import run
from support.oracle import until

from engine.processes.keeper import Keeper
from engine.processes.output import Intake
from engine.processes.rings import Bucket, Lines
from engine.processes.values import Program


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-I", "-c", code


def program(folder, *argv: str, **options) -> Program:
    return Program(argv=argv, cwd=folder, env=dict(os.environ), **options)


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def flood_through(sink, megabytes: int, bucket: Bucket | None) -> list[float]:
    """A flood from another process into an intake; the loop's lags in seconds, measured every 5 ms."""
    ended = asyncio.Event()
    heard = 0

    def count(data: bytes) -> None:
        nonlocal heard
        heard += len(data)
        sink(data)
        if heard >= megabytes << 20:
            ended.set()

    intake = Intake(count, bucket)
    code = f"import os\nfor _ in range({megabytes}): os.write(1, b'x' * (1 << 20))"
    process = await asyncio.create_subprocess_exec(*python(code), stdout=intake.write_end)
    intake.close_write_end()
    lags = []
    while not ended.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        lags.append(time.perf_counter() - before - 0.005)
    assert await process.wait() == 0
    intake.finish()
    return sorted(lags)


def test_a_flood_neither_grows_the_engine_nor_holds_up_its_loop(tmp_path):
    lines = Lines()
    before = peak_kib()
    lags = run(flood_through(lines.feed, 200, None))
    assert peak_kib() - before < 50 << 10
    assert lags[len(lags) // 2] < 0.05
    assert lines.cut == (200 << 20) - (8 << 10)


def test_a_flooding_program_is_slowed_down_and_stays_in_its_ring(tmp_path):
    log = tmp_path / "log" / "out.txt"

    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        heard = 0
        burst = asyncio.Event()

        def count(data: bytes) -> None:
            nonlocal heard
            heard += len(data)
            if heard >= 8_000_000:
                burst.set()

        running = await keeper.run(program(tmp_path, "yes", log=log), on_output=count)
        await asyncio.wait_for(burst.wait(), 20)
        began, so_far = time.monotonic(), heard
        await asyncio.sleep(0.5)
        assert heard - so_far < 3 * 2_000_000 * (time.monotonic() - began)
        assert len(running.tail()) == 1 << 20
        assert (await keeper.kill()).gone
        assert log.stat().st_size == heard
        await keeper.close()

    run(scenario())


def test_a_program_has_a_rate_and_a_log_of_its_own_and_is_told_of_once(tmp_path):
    log = tmp_path / "out.txt"
    held: list[str] = []

    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        asked = program(tmp_path, "yes", log=log, log_bytes=10_000, rate=100_000, held=held.append)
        began = time.monotonic()
        running = await keeper.run(asked)
        await until(lambda: len(held) == 2)
        assert len(running.tail()) < 400_000 + 100_000 * (time.monotonic() - began) + (128 << 10)
        assert (await keeper.kill()).gone
        await keeper.close()

    run(scenario())
    assert held == ["log", "output"]
    assert log.stat().st_size < 10_100


def fill(descriptor: int) -> None:
    while True:
        os.write(descriptor, b"y" * 4096)


def test_a_program_waits_when_nobody_reads():
    async def scenario():
        heard = []
        intake = Intake(heard.append, Bucket(rate=1.0, burst=1.0))
        os.set_blocking(intake.write_end, False)
        os.write(intake.write_end, b"x" * 1000)
        await until(lambda: heard)
        with pytest.raises(BlockingIOError):
            fill(intake.write_end)
        await asyncio.sleep(0.05)
        assert heard == [b"x" * 1000]
        intake.close_write_end()
        intake.finish()
        assert set(b"".join(heard[1:])) == {ord("y")}, "what was in the pipe is read when the program is gone"

    run(scenario())


def test_the_last_bytes_before_an_exit_are_never_lost(tmp_path):
    code = "import os; os.write(1, b'o' * 60000); os.write(2, b'e' * 5000); os._exit(3)"

    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        for _ in range(10):
            running = await keeper.run(program(tmp_path, *python(code)))
            assert (await running.wait()).code == 3
            assert running.tail() == b"o" * 60000 + b"e" * 5000
        await keeper.close()

    run(scenario())


def test_what_is_still_in_the_pipe_of_a_slowed_down_program_is_read_at_its_end(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        heard = 0

        def count(data: bytes) -> None:
            nonlocal heard
            heard += len(data)

        script = "head -c 8200000 /dev/zero; printf END"
        running = await keeper.run(program(tmp_path, "sh", "-c", script), on_output=count)
        await running.wait()
        assert heard == 8_200_003
        assert running.tail().endswith(b"END")
        await keeper.close()

    run(scenario())


def test_a_long_silence_and_then_an_exit_say_all_there_was(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        done = await keeper.call(["sh", "-c", "sleep 0.3; printf last; printf words >&2"], cwd=tmp_path)
        assert (done.out, done.err) == (b"last", b"words")
        await keeper.close()

    run(scenario())


def test_stdout_and_stderr_come_in_the_order_of_writing(tmp_path):
    async def scenario():
        keeper = await Keeper.start("builder", records=tmp_path)
        running = await keeper.run(program(tmp_path, "sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done"))
        await running.wait()
        assert running.tail() == b"o1\ne1\no2\ne2\no3\ne3\n"
        await keeper.close()

    run(scenario())
