"""What a program gets, what comes back, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager

import pytest
from support.aio import run
from support.oracle import Oracle, until

from engine.processes import tree
from engine.processes.errors import Busy, Interrupted, NameRefused, OutputTooLarge, ProgramMissing, StartFailed
from engine.processes.keeper import Keeper
from engine.processes.values import Program


@asynccontextmanager
async def keeping(folder, **options):
    keeper = await Keeper.start("builder", records=folder / "records", **options)
    try:
        yield keeper
    finally:
        await keeper.close()


def program(folder, *argv: str, **options) -> Program:
    return Program(argv=argv, cwd=folder, env={"PATH": os.environ["PATH"]}, **options)


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-I", "-c", code


def test_a_program_gets_its_arguments_folder_environment_and_nothing_else(tmp_path):
    code = "import json,os,sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), os.listdir('/proc/self/fd')]))"

    async def scenario():
        async with keeping(tmp_path) as keeper:
            asked = Program(argv=(*python(code), "", "two words", "ä\n"), cwd=tmp_path, env={"A": "b=c", "EMPTY": ""})
            running = await keeper.run(asked)
            assert (await running.wait()).code == 0
            arguments, folder, environment, descriptors = json.loads(running.tail())
            assert arguments == ["", "two words", "ä\n"]
            assert folder == str(tmp_path)
            assert environment.pop("QUARTERDECK_KEEPER") == keeper.record.nonce
            environment.pop("LC_CTYPE", None)  # set by Python itself in the C locale
            assert environment == {"A": "b=c", "EMPTY": ""}
            assert descriptors == ["0", "1", "2", "3"], "the last one is the listing's own"

    run(scenario())


def test_the_engines_secrets_do_not_reach_the_keeper_or_a_command(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_SECRET", "hunter2")

    async def scenario():
        async with keeping(tmp_path) as keeper:
            assert b"hunter2" not in b" ".join(tree.variables(keeper.record.pid))
            assert b"hunter2" not in (await keeper.call(["env"], cwd=tmp_path)).out

    run(scenario())


def test_signals_are_as_a_program_expects_them(tmp_path):
    code = "import signal as s; print([s.getsignal(n) for n in (s.SIGTERM, s.SIGHUP, s.SIGQUIT)].count(s.SIG_DFL))"

    async def scenario():
        async with keeping(tmp_path) as keeper:
            assert (await keeper.call(python(code), cwd=tmp_path)).out == b"3\n"
            done = await keeper.call(["sh", "-c", "grep Sig[BI] /proc/self/status"], cwd=tmp_path)
            masks = [int(line.split()[1], 16) & 0x7FFFFFFF for line in done.out.splitlines()]
            assert masks == [0, 0], "nothing blocked, nothing ignored (but what the C library keeps for itself)"

    run(scenario())


def test_exit_codes_and_signals_are_told_apart(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            ended = await (await keeper.run(program(tmp_path, "sh", "-c", "exit 42"))).wait()
            assert (ended.code, ended.signal, ended.leftovers) == (42, None, 0)
            ended = await (await keeper.run(program(tmp_path, "sh", "-c", "kill -ABRT $$"))).wait()
            assert (ended.code, ended.signal) == (None, signal.SIGABRT)
            assert (await keeper.call(["sh", "-c", "kill -ABRT $$"], cwd=tmp_path)).code == -signal.SIGABRT

    run(scenario())


def test_nice_reaches_the_program(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            running = await keeper.run(program(tmp_path, "sh", "-c", "sleep 0.05; nice", nice=5))
            await running.wait()
            assert int(running.tail()) == os.getpriority(os.PRIO_PROCESS, 0) + 5

    run(scenario())


@pytest.mark.parametrize(
    "family", [("daemon",), ("daemon", "--scrub"), ("setsid-children", "3"), ("hydra", "4")], ids=" ".join
)
def test_what_a_program_leaves_behind_is_gone_before_its_end_is_told(family, tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            began = time.monotonic()
            running = await keeper.run(program(tmp_path, *oracle.argv(*family, "--leave")))
            ended = await asyncio.wait_for(running.wait(), 20)
            assert ended.code == 7
            assert ended.leftovers >= 1
            assert tree.below(keeper.record.pid) == []
            await oracle.gone(began, 5)
            assert running.tail() == b"left\n", "its stdout was held by what it left, and is closed all the same"

    run(scenario())


def test_a_daemon_that_holds_stdout_delays_the_end_less_than_a_second(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            said = asyncio.Event()
            running = await keeper.run(
                program(tmp_path, "sh", "-c", "setsid sleep 1000 & echo bye"), on_output=lambda _: said.set()
            )
            await asyncio.wait_for(said.wait(), 10)
            began = time.monotonic()
            await asyncio.wait_for(running.wait(), 10)
            assert time.monotonic() - began < 1

    run(scenario())


@pytest.mark.parametrize(
    ("argv0", "said"), [("no-such-program", "PATH="), ("./nothing", "not found"), ("./plain", "not an exec")]
)
def test_a_missing_program_is_named(argv0, said, tmp_path):
    (tmp_path / "plain").write_text("text")

    async def scenario():
        async with keeping(tmp_path) as keeper:
            with pytest.raises(ProgramMissing, match=said) as caught:
                await keeper.run(program(tmp_path, argv0))
            assert caught.value.program == argv0
            assert (await keeper.call(["true"], cwd=tmp_path)).code == 0

    run(scenario())


def test_what_cannot_be_executed_or_entered_is_told_and_the_keeper_stays(tmp_path):
    (tmp_path / "broken").write_text("#!/no/such/interpreter\n")
    (tmp_path / "broken").chmod(0o755)

    async def scenario():
        async with keeping(tmp_path) as keeper:
            with pytest.raises(StartFailed, match="the program: No such file"):
                await keeper.run(program(tmp_path, "./broken"))
            with pytest.raises(StartFailed, match="its folder"):
                await keeper.run(program(tmp_path / "nowhere", "true"))
            with pytest.raises(ValueError, match="NUL"):
                await keeper.run(program(tmp_path, "echo", "a\0b"))
            assert not keeper.busy
            assert (await keeper.call(["true"], cwd=tmp_path)).code == 0

    run(scenario())


def test_one_program_at_a_time(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            await keeper.run(program(tmp_path, "sleep", "1000"))
            with pytest.raises(Busy, match="runs in it"):
                await keeper.run(program(tmp_path, "true"))
            with pytest.raises(Busy):
                await keeper.call(["true"], cwd=tmp_path)

    run(scenario())


def test_calls_wait_for_each_other_and_a_kill_ends_the_queue(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            three = await asyncio.gather(*(keeper.call(["echo", str(n)], cwd=tmp_path) for n in range(3)))
            assert [done.out for done in three] == [b"0\n", b"1\n", b"2\n"]
            first = asyncio.create_task(keeper.call(["sleep", "1000"], cwd=tmp_path))
            second = asyncio.create_task(keeper.call(["touch", "never"], cwd=tmp_path))
            await until(lambda: keeper.busy)
            await keeper.kill()
            assert (await first).code == -signal.SIGKILL
            with pytest.raises(Interrupted, match="touch"):
                await second
            assert not (tmp_path / "never").exists()

    run(scenario())


def test_a_call_hands_over_input_and_keeps_both_outputs_apart(tmp_path):
    given = os.urandom(3_000_000)

    async def scenario():
        async with keeping(tmp_path, env={"PATH": os.environ["PATH"], "BASE": "1"}) as keeper:
            done = await keeper.call(["cat"], cwd=tmp_path, stdin=given)
            assert done.out == given
            done = await keeper.call(["sh", "-c", "echo $BASE$MORE; echo err >&2"], cwd=tmp_path, env={"MORE": "2"})
            assert (done.out, done.err, done.code, done.timed_out) == (b"12\n", b"err\n", 0, False)

    run(scenario())


def test_a_call_out_of_time_loses_its_whole_tree(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            calling = asyncio.create_task(keeper.call(oracle.argv("daemon", "--scrub"), cwd=tmp_path, timeout=1.0))
            await oracle.ready()
            began = time.monotonic()
            done = await calling
            assert done.timed_out
            assert done.code == -signal.SIGKILL
            assert await oracle.gone(began, 5) < 2

    run(scenario())


def test_a_cancelled_call_loses_its_whole_tree(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper, Oracle(tmp_path) as oracle:
            calling = asyncio.create_task(keeper.call(oracle.argv("setsid-children"), cwd=tmp_path))
            await oracle.ready()
            began = time.monotonic()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            await oracle.gone(began, 5)
            assert not keeper.busy

    run(scenario())


def test_a_call_that_says_too_much_is_killed(tmp_path):
    async def scenario():
        async with keeping(tmp_path) as keeper:
            with pytest.raises(OutputTooLarge, match="1000000 bytes"):
                await keeper.call(["yes"], cwd=tmp_path, limit=1_000_000)
            assert (
                len((await keeper.call(["head", "-c", "1000000", "/dev/zero"], cwd=tmp_path, limit=1_000_000)).out)
                == 1_000_000
            )

    run(scenario())


def test_a_large_environment_and_many_arguments_arrive(tmp_path):
    async def scenario():
        async with keeping(tmp_path, env={"PATH": os.environ["PATH"], "BIG": "x" * 100_000}) as keeper:
            many = ["y" * 100_000] * 10
            done = await keeper.call(["sh", "-c", "echo ${#BIG} $# ${#10}", "sh", *many], cwd=tmp_path)
            assert done.out == b"100000 10 100000\n"

    run(scenario())


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a\0b", "x" * 200])
def test_a_name_that_is_no_file_name_is_refused(name, tmp_path):
    async def scenario():
        with pytest.raises(NameRefused):
            await Keeper.start(name, records=tmp_path)

    run(scenario())
