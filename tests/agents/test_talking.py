"""What all agents that tell of themselves in lines of JSON have in common, by one that does as a test says."""

import asyncio
import json

import pytest
from support.aio import run
from support.replay import Stage, make_brief

from engine.agents import talking
from engine.agents.base import Finished, Held, Notice, Said, Started, Text, Tool, UnknownRuntime
from engine.agents.outcome import Claim
from engine.agents.profiles import Profile
from engine.agents.runtimes import RUNTIMES, adapter_for
from engine.agents.talking import Interpreter, TalkingAdapter
from engine.core.values import Limits
from engine.processes.errors import NotHeard

DONE = {"over": "Done."}


class Parrot(Interpreter):
    """Says what it hears."""

    def __init__(self, brief, voice):
        super().__init__(brief, voice)
        self.last = None

    def begin(self, task):
        self.voice.say({"task": task})

    def hear(self, message):
        if "say" in message:
            self.voice.tell(Said(text=message["say"]))
        if "tool" in message:
            self.voice.tell(Tool(id="1", title=message["tool"]))
        if "over" in message:
            self.last = message["over"]
            self.voice.over()
        if "broken" in message:
            raise message["broken"][99]

    def steer(self, text):
        self.voice.say({"steer": text})
        return True

    def claim(self):
        return Claim(good=self.last is not None or None, text=self.last or "")


PROFILE = Profile(
    name="parrot", title="Parrot", program=("parrot", "--json"), arguments=lambda brief: ("-m", brief.model)
)


@pytest.fixture
def stage(tmp_path):
    def make(early=b"", missing=False, **fields):
        return Stage(TalkingAdapter(PROFILE, Parrot), make_brief(tmp_path, **fields), early=early, missing=missing)

    return make


def test_the_profile_says_what_is_started_and_the_crew_may_say_which_program(stage):
    async def argv(**fields):
        here = stage(**fields)
        program = await here.begin()
        program.end()
        await here.session.finished()
        return program.program.argv

    assert run(argv(model="m")) == ("parrot", "--json", "-m", "m")
    assert run(argv(model="m", command=("/opt/parrot", "--tame"))) == ("/opt/parrot", "--tame", "-m", "m")


def test_it_is_told_its_task_and_the_task_file_is_there_too(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([DONE])
        program.end()
        await here.session.finished()
        return here, program

    here, program = run(scenario())
    assert program.told[0]["task"].startswith("Quarterdeck: task a")
    assert json.loads(here.brief.task_file.read_text())["prompt"] == "Do it."


def test_what_it_printed_before_it_was_said_to_run_comes_after_that(stage):
    here = stage(early=b'{"say": "early"}\n')
    run(here.replay([{"say": "late"}, DONE]))
    assert isinstance(here.updates[0], Started)
    assert [said.text for said in here.of(Said)] == ["early", "late"]


def test_lines_it_can_not_be_meant_by_are_told_of_a_few_times_and_change_nothing(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.write(b"Welcome!\n" + b"[1]\n" * 50 + b'{"broken": []}\n')
        program.print([{"say": "fine"}, DONE])
        program.end()
        return here, await here.session.finished()

    here, end = run(scenario())
    assert end.reason == "completed"
    notices = [notice.text for notice in here.of(Notice)]
    assert len(notices) == talking.MOST_COMPLAINTS
    assert "Welcome!" in notices[0]


def test_an_event_that_is_not_as_expected_is_told_of(stage):
    here = stage()
    end = run(here.replay([{"say": 7}, {"broken": {}}, DONE]))
    assert end.reason == "completed"
    assert ["is not as expected" in notice.text for notice in here.of(Notice)] == [True, True]


def test_its_last_line_counts_without_an_end(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.write(json.dumps(DONE).encode())
        program.end()
        return await here.session.finished()

    assert run(scenario()).result.summary == "Done."


def test_the_transcript_and_the_lines_are_kept(stage):
    here = stage()
    run(here.replay([{"say": "Hello"}, {"tool": "make"}, DONE]))
    assert here.transcript == "Hello\n> other: make\n  failed\n"
    kept = here.brief.transcript.with_suffix(".jsonl").read_text().splitlines()
    assert [json.loads(line) for line in kept] == [{"say": "Hello"}, {"tool": "make"}, DONE]


def test_no_tool_is_open_at_its_end(stage):
    here = stage()
    run(here.replay([{"tool": "make"}], code=1))
    assert [tool.status for tool in here.of(Tool)] == ["running", "failed"]


def test_a_result_in_the_outbox_wins_over_its_last_message(stage, tmp_path):
    async def scenario(result):
        here = stage()
        program = await here.begin()
        (tmp_path / "outbox/result.json").write_text(json.dumps(result))
        program.print([DONE])
        program.end()
        return await here.session.finished()

    assert run(scenario({"summary": "by file"})).result.summary == "by file"
    blocked = run(scenario({"outcome": "blocked", "summary": "no network"}))
    assert (blocked.reason, blocked.detail) == ("failed", "no network")
    assert run(scenario({"outcome": 7})).detail.startswith("result.json is refused")


def test_a_result_of_an_earlier_attempt_does_not_count(stage, tmp_path):
    here = stage()
    (tmp_path / "outbox/result.json").write_text('{"summary": "old"}')
    assert run(here.replay([DONE])).result.summary == "Done."


def test_its_stderr_is_the_tail_of_a_failure(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.stderr = b"\x1b[31mno such model\x1b[0m\n"
        program.end(1)
        return await here.session.finished()

    end = run(scenario())
    assert end.detail == "its output ended without saying how it went (exit status 1)\n\nno such model"


def test_a_signal_that_is_not_ours_is_said(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([DONE])
        program.end(None, signal=9)
        return await here.session.finished()

    end = run(scenario())
    assert (end.reason, end.signal) == ("killed", 9)


def test_what_it_left_running_is_told(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([DONE])
        program.end(leftovers=2)
        await here.session.finished()
        return here

    assert [notice.text for notice in run(scenario()).of(Notice)] == ["2 processes were left running by it, and ended"]


def test_one_that_is_through_and_stays_is_ended_and_has_succeeded_all_the_same(stage, monkeypatch):
    monkeypatch.setattr(talking, "LINGER_SECONDS", 0.01)

    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([DONE])
        assert program.hushed.is_set()
        return here, await here.session.finished()

    here, end = run(scenario())
    assert (end.reason, end.result.summary) == ("completed", "Done.")
    assert here.keeper.stops == [talking.GRACE_SECONDS]
    assert "did not end by itself" in here.of(Notice)[0].text


def test_cancel_ends_it_and_is_harmless_after_the_end(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        await asyncio.gather(here.session.cancel(), here.session.cancel())
        await here.session.cancel()
        assert not await here.session.steer("more")
        await here.session.answer("1", allow=True)
        assert not program.told[1:]
        return here, await here.session.finished()

    here, end = run(scenario())
    assert end == Finished(reason="cancelled", detail="stopped on request")
    assert here.updates[-1] == end


def test_a_waiter_that_gives_up_does_not_end_the_agent(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        waiter = asyncio.create_task(here.session.finished())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        program.print([DONE])
        program.end()
        return await here.session.finished()

    assert run(scenario()).reason == "completed"


def test_one_that_does_not_listen_any_more_is_told_of(stage):
    async def scenario():
        here = stage()
        program = await here.begin()

        def deaf(data):
            raise NotHeard("parrot", 1)

        program.say = deaf
        await here.session.steer("hello?")
        program.end()
        await here.session.finished()
        return here

    assert "can not be told more" in run(scenario()).of(Notice)[0].text


def test_a_missing_program_is_no_exception(stage):
    async def scenario():
        here = stage(missing=True)
        session = await here.adapter.start(here.brief, here.keeper, here.updates.append)
        await session.cancel()
        assert not await session.steer("more")
        return here, await session.finished()

    here, end = run(scenario())
    assert (end.reason, here.updates) == ("missing", [end])


@pytest.mark.parametrize("trouble", ["outbox", "change"])
def test_a_task_that_can_not_be_handed_over_is_no_exception(stage, tmp_path, trouble):
    async def scenario():
        here = stage(told={"change": {"diff": str(tmp_path / "none.diff")}} if trouble == "change" else {})
        if trouble == "outbox":
            (tmp_path / "outbox").rmdir()
            (tmp_path / "outbox").symlink_to(tmp_path)
        await here.adapter.start(here.brief, here.keeper, here.updates.append)
        return here.updates

    (end,) = run(scenario())
    assert end.reason == "failed"
    assert end.detail.startswith("its task can not be handed over: ")


def test_a_long_change_is_cut_in_the_prompt_and_says_so(tmp_path):
    (tmp_path / "change.diff").write_text("+x\n" * talking.MOST_CHANGE)
    brief = make_brief(tmp_path, role="review", told={"change": {"diff": str(tmp_path / "change.diff")}})
    assert len(talking.change_of(brief)) < talking.MOST_CHANGE + 100
    assert talking.change_of(brief).endswith("[cut here; the file has it whole]")
    assert talking.change_of(make_brief(tmp_path)) == ""


def test_what_limits_the_program_is_the_briefs(stage):
    async def scenario():
        here = stage(limits=Limits(output=9, log=5000, nice=3))
        program = await here.begin()
        program.program.held("output")
        program.end()
        await here.session.finished()
        return here, program.program

    here, program = run(scenario())
    assert (program.rate, program.log_bytes, program.nice, program.talks) == (9, 5000, 3, True)
    assert program.log == here.brief.transcript
    assert here.of(Held) == [Held(limit="output")]


def test_text_is_told_with_every_line_of_the_transcript(stage):
    here = stage()
    run(here.replay([{"say": "a\nb"}, DONE]))
    assert b"".join(text.data for text in here.of(Text)).decode() == here.transcript


def test_every_runtime_has_an_adapter():
    for name in RUNTIMES:
        assert adapter_for("b", name).scripted == (name == "scripted")
    with pytest.raises(UnknownRuntime, match="agent b: no runtime 'parrot'; there are command"):
        adapter_for("b", "parrot")
