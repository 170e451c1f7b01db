"""The contract of an agent that is any program, over a plain keeper and over the real one."""

import asyncio
import contextlib
import dataclasses
import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from support.aio import run
from support.plain_keeper import PlainKeeper

from engine.agents.base import Brief, Finished, Held, NoCommand, Notice, Started, Text, UnknownRuntime, Usage
from engine.agents.command import CommandAdapter
from engine.agents.environment import agent_environment
from engine.agents.runtimes import adapter_for
from engine.agents.scripted import ScriptedAdapter
from engine.core.values import Limits, Tokens
from engine.processes.keeper import Keeper
from engine.processes.rings import Lines

LEAVE = "import os,sys; open(os.environ['QUARTERDECK_OUTBOX']+'/result.json','w').write(sys.argv[1])"


@contextlib.asynccontextmanager
async def plain(_):
    keeper = PlainKeeper()
    try:
        yield keeper
    finally:
        await keeper.close()


@contextlib.asynccontextmanager
async def real(folder):
    keeper = await Keeper.start("builder", records=folder / "records")
    try:
        yield keeper
    finally:
        await keeper.close()


@pytest.fixture(params=[plain, real], ids=["plain", "real"])
def keeper(request, tmp_path):
    return lambda: request.param(tmp_path)


@pytest.fixture
def brief(tmp_path):
    for name in ("clone", "inbox", "outbox"):
        (tmp_path / name).mkdir()

    def brief(*command, role="work", **instructions):
        boxes = {"task_file": tmp_path / "task.json", "inbox": tmp_path / "inbox", "outbox": tmp_path / "outbox"}
        return Brief(
            run="r",
            task="a",
            role=role,
            attempt=1,
            agent="builder",
            lease=1,
            clone=tmp_path / "clone",
            transcript=tmp_path / "transcript.log",
            command=command,
            environment=agent_environment({"SECRET": "s", **os.environ}, agent="builder", attempt=1, **boxes),
            instructions={"id": "a", "role": role, "attempt": 1, "feedback": [], **instructions},
            **boxes,
        )

    return brief


def sh(line):
    return ("sh", "-c", line)


def leaving(result, then="true"):
    """A program that leaves this result, then does that."""
    text = result if isinstance(result, str) else json.dumps(result)
    return sh(f"{shlex.join([sys.executable, '-S', '-c', LEAVE, text])}; {then}")


def perform(keeper, brief, adapter=None):
    """Play an assignment to its end: every update in order."""

    async def scenario():
        updates = []
        async with keeper() as kept:
            session = await (adapter or CommandAdapter()).start(brief, kept, updates.append)
            end = await session.finished()
            assert await session.finished() == end
        assert updates[-1] == end
        assert sum(isinstance(update, Finished) for update in updates) == 1
        return updates

    return run(scenario())


def printed(updates):
    """The lines of all that it printed."""
    lines = Lines()
    said = [update.data for update in updates if isinstance(update, Text)]
    return [line for data in said for line in lines.feed(data)] + lines.close()


# -- what a program finds --------------------------------------------------------------------------------------------


def test_it_runs_in_its_clone_with_nothing_to_read_and_no_secret(keeper, brief, tmp_path):
    updates = perform(keeper, brief(*sh('pwd; cat; echo "secret=$SECRET agent=$QUARTERDECK_AGENT"')))
    assert isinstance(updates[0], Started)
    assert updates[0].pid > 0
    clone = str((tmp_path / "clone").resolve())
    assert printed(updates) == [clone, "secret= agent=builder"]


def test_it_is_told_its_task_in_a_file(keeper, brief, tmp_path):
    perform(keeper, brief(*sh('cp "$QUARTERDECK_TASK" seen.json'), prompt="Grüße"))
    assert json.loads((tmp_path / "clone/seen.json").read_text())["prompt"] == "Grüße"


def test_its_output_is_its_transcript(keeper, brief, tmp_path, request):
    if "plain" in request.node.name:
        pytest.skip("the plain keeper writes no log")
    perform(keeper, brief(*sh("echo out; echo err >&2")))
    assert (tmp_path / "transcript.log").read_text() == "out\nerr\n"


def test_a_last_line_without_an_end_is_said_too(keeper, brief):
    updates = perform(keeper, brief(*sh(r"printf 'a\n\033[31mred\033[0m'")))
    assert printed(updates) == ["a", "red"]


# -- what becomes of it ----------------------------------------------------------------------------------------------


def test_exit_0_without_a_result_claims_success(keeper, brief):
    end = perform(keeper, brief(*sh("true")))[-1]
    assert (end.reason, end.exit, end.result.outcome) == ("completed", 0, "done")


def test_a_result_says_more(keeper, brief):
    said = {"summary": "did it", "confidence": 0.8, "usage": {"input": 7, "output": 2, "usd": "0.01"}}
    *_, usage, end = perform(keeper, brief(*leaving(said)))
    assert usage == Usage(tokens=Tokens(input=7, output=2), usd="0.01")
    assert (end.reason, end.result.summary, end.result.confidence) == ("completed", "did it", 0.8)


def test_a_status_other_than_0_failed_with_the_end_of_its_output(keeper, brief):
    end = perform(keeper, brief(*sh("echo 'no such model' >&2; exit 3")))[-1]
    assert (end.reason, end.exit) == ("failed", 3)
    assert end.detail == "its program ended with exit status 3\n\nno such model"


def test_its_own_words_are_the_reason_of_a_failure_and_its_usage_still_counts(keeper, brief):
    said = {"outcome": "failed", "summary": "tests hang", "usage": {"input": 3}}
    *_, usage, end = perform(keeper, brief(*leaving(said, then="exit 1")))
    assert usage.tokens.input == 3
    assert (end.reason, end.exit, end.detail) == ("failed", 1, "tests hang")


@pytest.mark.parametrize("outcome", ["failed", "blocked"])
def test_exit_0_with_another_outcome_claims_nothing(keeper, brief, outcome):
    end = perform(keeper, brief(*leaving({"outcome": outcome})))[-1]
    assert (end.reason, end.result.outcome, end.detail) == ("failed", outcome, f"it says that its work is {outcome}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"outcome": "perfect"}', "outcome"),
        ('{"confidence": 2}', "confidence"),
        ('{"extra": 1}', "extra"),
        ("[" * 100 + "]" * 100, "nested deeper"),
    ],
)
def test_a_result_that_is_not_valid_fails_the_attempt(keeper, brief, text, reason):
    end = perform(keeper, brief(*leaving(text)))[-1]
    assert end.reason == "failed"
    assert end.detail.startswith("result.json is refused: ")
    assert reason in end.detail


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('echo {} > real.json; ln -s "$PWD/real.json" "$QUARTERDECK_OUTBOX/result.json"', "is a symbolic link"),
        ('mkdir "$QUARTERDECK_OUTBOX/result.json"', "is a folder"),
        ('mkfifo "$QUARTERDECK_OUTBOX/result.json"', "is a named pipe"),
        ('head -c 1000000 /dev/zero > "$QUARTERDECK_OUTBOX/result.json"', "bytes are more than"),
    ],
)
def test_a_result_that_is_no_small_plain_file_fails_the_attempt(keeper, brief, line, reason):
    end = perform(keeper, brief(*sh(line)))[-1]
    assert end.reason == "failed"
    assert reason in end.detail


@pytest.mark.parametrize("stale", ["file", "folder", "link"])
def test_what_an_earlier_attempt_left_is_not_taken_for_a_result(keeper, brief, tmp_path, stale):
    left = tmp_path / "outbox/result.json"
    outside = tmp_path / "outside.json"
    outside.write_text('{"outcome": "failed"}')
    if stale == "folder":
        (left / "deep").mkdir(parents=True)
    elif stale == "link":
        left.symlink_to(outside)
    else:
        left.write_text('{"outcome": "failed"}')
    assert perform(keeper, brief(*sh("true")))[-1].reason == "completed"
    assert outside.exists()


@pytest.mark.parametrize("said", [{}, {"summary": "fine"}])
def test_a_review_without_a_verdict_has_failed(keeper, brief, said):
    end = perform(keeper, brief(*leaving(said), role="review"))[-1]
    assert (end.reason, end.detail) == ("failed", "a review without a verdict: result.json has no `review`")


def test_a_review_has_a_verdict(keeper, brief):
    end = perform(keeper, brief(*leaving({"review": {"verdict": "reject", "remarks": "no"}}), role="review"))[-1]
    assert (end.reason, end.result.review.verdict, end.result.review.remarks) == ("completed", "reject", "no")


@pytest.mark.parametrize("said", [{}, {"plan": {}}, {"plan": {"task": []}}])
def test_a_plan_without_tasks_has_failed(keeper, brief, said):
    end = perform(keeper, brief(*leaving(said), role="plan"))[-1]
    assert end.reason == "failed"
    assert end.detail.startswith("a plan without tasks")


def test_a_signal_that_is_not_ours_is_said(keeper, brief):
    end = perform(keeper, brief(*sh("echo bye; kill -9 $$")))[-1]
    assert (end.reason, end.exit, end.detail) == ("killed", None, "killed by signal 9\n\nbye")


def test_its_output_is_held_to_its_limits_and_that_is_said_once(brief, tmp_path):
    limits = Limits(output=200_000, log=5_000, nice=3)
    told = sh("sleep 0.1; nice; yes | head -c 1400000")
    updates = perform(lambda: real(tmp_path), dataclasses.replace(brief(*told), limits=limits))
    assert [update.limit for update in updates if isinstance(update, Held)] == ["log", "output"]
    assert int(printed(updates)[0]) == os.nice(0) + 3
    assert (tmp_path / "transcript.log").stat().st_size < 5_100


def test_what_it_leaves_running_is_ended_and_said(brief, tmp_path):
    updates = perform(lambda: real(tmp_path), brief(*sh("sleep 600 & sleep 600 & exit 0")))
    assert [update.text for update in updates if isinstance(update, Notice)] == [
        "2 processes were left running by it, and ended"
    ]
    assert updates[-1].reason == "completed"


def test_a_missing_program_is_no_exception(keeper, brief):
    updates = perform(keeper, brief("no-such-agent"))
    assert [type(update) for update in updates] == [Finished]
    assert updates[0].reason == "missing"
    assert "no-such-agent" in updates[0].detail


def test_a_link_planted_for_the_task_is_replaced_and_not_followed(keeper, brief, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text("mine")
    (tmp_path / "task.json").symlink_to(outside)
    assert perform(keeper, brief(*sh('cat "$QUARTERDECK_TASK"')))[-1].reason == "completed"
    assert outside.read_text() == "mine"


def test_an_outbox_that_is_a_link_is_not_used(keeper, brief, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "result.json").write_text("mine")
    (tmp_path / "outbox").rmdir()
    (tmp_path / "outbox").symlink_to(elsewhere)
    updates = perform(keeper, brief(*sh("true")))
    assert [update.reason for update in updates] == ["failed"]
    assert updates[0].detail.startswith("its task can not be handed over: ")
    assert (elsewhere / "result.json").read_text() == "mine"


def test_cancel_ends_it_and_says_so(keeper, brief):
    async def scenario():
        updates = []
        async with keeper() as kept:
            running = asyncio.Event()

            def hear(update):
                updates.append(update)
                if isinstance(update, Text):
                    running.set()

            session = await CommandAdapter().start(brief(*sh("echo on; exec sleep 600")), kept, hear)
            await running.wait()
            assert not await session.steer("faster")
            await session.cancel()
            end = await session.finished()
            await session.cancel()  # harmless
        assert end.reason == "cancelled"
        assert updates[-1] == end

    run(scenario())


def test_a_waiter_that_gives_up_does_not_end_the_agent(keeper, brief, tmp_path):
    async def scenario():
        gate = tmp_path / "clone/gate"
        os.mkfifo(gate)
        async with keeper() as kept:
            session = await CommandAdapter().start(brief(*sh("cat gate; exit 0")), kept, lambda _: None)
            waiter = asyncio.create_task(session.finished())
            await asyncio.sleep(0)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            await asyncio.to_thread(gate.write_text, "go")
            assert (await session.finished()).reason == "completed"

    run(scenario())


# -- scripted --------------------------------------------------------------------------------------------------------


def test_a_scripted_agent_is_labelled_and_plays_its_script(keeper, brief, tmp_path):
    script = '[[on]]\nsummary = "made it"\n[[on.step]]\nsay = "hello"\n[[on.step]]\nwrite = "a.py"\ntext = "1"\n'
    (tmp_path / "clone/script.toml").write_text(script)
    updates = perform(keeper, brief("script.toml"), ScriptedAdapter())
    assert ScriptedAdapter.scripted
    assert not CommandAdapter.scripted
    assert printed(updates) == ["hello", "wrote a.py"]
    assert (updates[-1].reason, updates[-1].result.summary) == ("completed", "made it")
    assert (tmp_path / "clone/a.py").read_text() == "1"


def test_a_module_in_the_clone_does_not_shadow_the_players(keeper, brief, tmp_path):
    (tmp_path / "clone/json.py").write_text("raise SystemExit(9)")
    (tmp_path / "clone/script.toml").write_text("[[on]]\n")
    assert perform(keeper, brief("script.toml"), ScriptedAdapter())[-1].reason == "completed"


def test_a_script_that_does_not_fit_says_why(keeper, brief, tmp_path):
    (tmp_path / "clone/script.toml").write_text("[[on]]\ntask = 'b'\n")
    end = perform(keeper, brief("script.toml"), ScriptedAdapter())[-1]
    assert (end.reason, end.exit) == ("failed", 2)
    assert end.detail.startswith("the script has no [[on]] for task a, role work, attempt 1")


# -- what can not be started -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("adapter", "command"), [(CommandAdapter, ()), (ScriptedAdapter, ()), (ScriptedAdapter, ("a", "b"))]
)
def test_a_command_that_does_not_fit_its_runtime_is_refused(brief, adapter, command):
    with pytest.raises(NoCommand, match="agent builder: `command` must be"):
        run(adapter().start(brief(*command), PlainKeeper(), lambda _: None))


def test_runtimes_are_known_by_name():
    assert isinstance(adapter_for("b", "command"), CommandAdapter)
    assert isinstance(adapter_for("b", "scripted"), ScriptedAdapter)
    with pytest.raises(UnknownRuntime, match="agent b: no runtime 'abacus'; there are command, scripted"):
        adapter_for("b", "abacus")


def test_the_player_needs_only_the_standard_library():
    player = Path(sys.modules[ScriptedAdapter.__module__].__file__).with_name("player.py")
    assert "from engine" not in player.read_text()
