"""Claude Code's adapter, against what the real program once printed, and against what it might print."""

import asyncio
import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run
from support.replay import Stage, make_brief, stream

from engine.agents import talking, totals
from engine.agents.base import (
    Asks,
    Context,
    Edited,
    Erred,
    Finished,
    Intends,
    Notice,
    Opened,
    Retries,
    Said,
    Step,
    Thought,
    Tool,
    Usage,
)
from engine.agents.claude.adapter import claude
from engine.agents.claude.profile import arguments, environment
from engine.core.values import Tokens

RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "Done.",
    "session_id": "s",
    "modelUsage": {},
}
IDLE = {"type": "system", "subtype": "session_state_changed", "state": "idle"}
RUNNING = {"type": "system", "subtype": "session_state_changed", "state": "running"}


@pytest.fixture
def stage(tmp_path):
    return lambda **fields: Stage(claude(), make_brief(tmp_path, **fields))


def asks(name="Bash", ask="q1", **given):
    request = {"subtype": "can_use_tool", "tool_name": name, "input": given, "tool_use_id": "t1"}
    return {"type": "control_request", "request_id": ask, "request": request}


def answers(program):
    return {
        line["response"]["request_id"]: line["response"]["response"]
        for line in program.told
        if line["type"] == "control_response"
    }


# -- what was recorded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1 << 16, 7])
def test_a_whole_job_is_told_step_by_step(stage, piece):
    here = stage()
    end = run(here.replay(stream("claude-job"), piece=piece))

    assert (end.reason, end.exit, end.result.summary) == ("completed", 0, "Finished: it says two.")
    assert [thought.text for thought in here.of(Thought)] == ["Where to begin?"]
    assert "".join(said.text for said in here.of(Said)) == "I begin.Finished: it says two."
    last = {tool.id: tool for tool in here.of(Tool)}
    assert [(tool.kind, tool.paths, tool.status, tool.exit) for tool in last.values()] == [
        ("edit", ("notes.txt",), "done", None),
        ("read", ("notes.txt",), "done", None),
        ("edit", ("notes.txt",), "done", None),
        ("execute", (), "failed", 3),
    ]
    assert list(last.values())[3].title == "cat notes.txt; exit 3"
    assert [(edited.path, edited.patch) for edited in here.of(Edited)] == [
        ("notes.txt", ""),
        ("notes.txt", "@@ -1,1 +1,1 @@\n-one\n+two"),
    ]


def test_a_message_is_counted_once_and_by_its_end_not_its_beginning(stage):
    here = stage()
    run(here.replay(stream("claude-job")))
    usage = here.of(Usage)

    total = next(line for line in stream("claude-job") if line["type"] == "result")["modelUsage"]["claude-sonnet-4-5"]
    assert {used.scope for used in usage} == {"session"}
    assert usage[-2].tokens == usage[-1].tokens  # call by call, and by its own sum
    assert usage[-1].tokens == Tokens(input=total["inputTokens"], output=total["outputTokens"])
    assert float(usage[-1].usd) == total["costUSD"]
    counts = [used.tokens.total for used in usage]
    assert counts == sorted(counts)
    assert here.of(Context)[-1].size == 200_000


def test_it_tells_who_it_is_and_its_session_once_there_is_one(stage):
    here = stage()
    run(here.replay(stream("claude-job")))
    first, second = here.of(Opened)
    assert first == Opened(version="Claude Code 2.1.330", model="claude-sonnet-4-5")
    assert second == dataclasses.replace(first, session=stream("claude-job")[1]["session_id"])
    assert here.updates.index(second) > here.updates.index(here.of(Thought)[0])  # a model has answered in it


def test_every_tool_is_asked_for_and_answered_as_it_was_asked(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        for line in stream("claude-job"):
            program.print([line])
            for asked in here.of(Asks)[-1:]:
                await here.session.answer(asked.id, allow=True)
        program.end()
        await here.session.finished()
        return here, program

    here, program = run(scenario())
    assert [(asked.tool.kind, asked.command) for asked in here.of(Asks)] == [
        ("edit", ""),
        ("read", ""),
        ("edit", ""),
        ("execute", "cat notes.txt; exit 3"),
    ]
    given = answers(program)
    hooks = [
        line["request_id"] for line in stream("claude-job") if line.get("request", {}).get("subtype") == "hook_callback"
    ]
    assert {given[hook]["hookSpecificOutput"]["permissionDecision"] for hook in hooks} == {"ask"}
    assert given[here.of(Asks)[3].id] == {"behavior": "allow", "updatedInput": {"command": "cat notes.txt; exit 3"}}


def test_a_refused_request_is_no_success_though_it_is_called_that(stage):
    here = stage()
    end = run(here.replay(stream("claude-refused"), code=1))
    assert [line["subtype"] for line in stream("claude-refused") if line["type"] == "result"] == ["success"]
    assert (end.reason, end.exit) == ("failed", 1)
    assert "402 out of money" in end.detail
    assert [erred.status for erred in here.of(Erred)] == [402]


def test_a_request_that_is_tried_again_is_told(stage):
    here = stage()
    end = run(here.replay(stream("claude-limited")))
    assert [(tried.attempt, tried.status) for tried in here.of(Retries)] == [(1, 429)]
    assert here.of(Retries)[0].seconds > 0
    assert end.reason == "completed"


def test_a_denied_tool_has_failed_and_the_agent_goes_on(stage):
    here = stage()
    end = run(here.replay(stream("claude-denied")))
    assert (end.reason, end.result.summary) == ("completed", "So be it.")
    assert here.of(Tool)[-1].status == "failed"
    assert here.of(Tool)[-1].output == "not that one"


def test_what_a_session_used_before_it_was_taken_up_again_is_taken_off(stage):
    session = stream("claude-job")[1]["session_id"]
    first, again = stage(), stage(session=session)
    run(first.replay(stream("claude-job")))
    run(again.replay(stream("claude-resumed")))
    whole = next(line for line in stream("claude-resumed") if line["type"] == "result")
    new = again.of(Usage)[-1]
    assert new.tokens.input == whole["usage"]["input_tokens"]
    assert first.of(Usage)[-1].tokens + new.tokens == Tokens(
        input=whole["modelUsage"]["claude-sonnet-4-5"]["inputTokens"],
        output=whole["modelUsage"]["claude-sonnet-4-5"]["outputTokens"],
    )
    assert 0 < float(new.usd) < whole["total_cost_usd"]


def test_of_a_session_that_nobody_remembers_only_what_was_streamed_is_told(stage, monkeypatch):
    monkeypatch.setattr(totals, "_KNOWN", type(totals._KNOWN)())
    here = stage(session=stream("claude-job")[1]["session_id"])
    run(here.replay(stream("claude-resumed")))
    whole = next(line for line in stream("claude-resumed") if line["type"] == "result")
    assert here.of(Usage)[-1].tokens.input == whole["usage"]["input_tokens"]


# -- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "code", "reason", "detail"),
    [
        ([RESULT], 0, "completed", ""),
        ([RESULT], 143, "failed", "its program ended with exit status 143"),
        ([], 0, "failed", "its output ended without saying how it went"),
        ([], 1, "failed", "its output ended without saying how it went (exit status 1)"),
        ([RESULT | {"is_error": True, "result": "API Error: 500"}], 0, "failed", "API Error: 500"),
        ([RESULT | {"stop_reason": "refusal"}], 0, "failed", "the model refused to go on"),
        (
            [
                RESULT
                | {"subtype": "error_max_turns", "is_error": True, "errors": ["Reached maximum number of turns (9)"]}
            ],
            1,
            "failed",
            "Reached maximum number of turns (9)",
        ),
        ([RESULT | {"subtype": "error_during_execution", "is_error": True}], 1, "failed", "Done."),
        ([RESULT, RESULT | {"is_error": True, "result": "API Error: 529"}], 0, "failed", "API Error: 529"),
    ],
)
def test_only_a_good_result_and_exit_0_are_a_success(stage, messages, code, reason, detail):
    end = run(stage().replay(messages, code))
    assert (end.reason, end.detail) == (reason, detail)


def test_its_stdin_is_closed_when_it_is_idle_after_its_result_and_not_before(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([RUNNING, RESULT])
        assert not program.hushed.is_set()  # a sub-agent may still wake it
        program.print([IDLE])
        assert program.hushed.is_set()
        assert not await here.session.steer("more")
        program.end()
        return await here.session.finished()

    assert run(scenario()).reason == "completed"


def test_an_older_one_that_tells_no_state_is_through_with_its_result(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([RESULT])
        assert program.hushed.is_set()
        program.end()
        await here.session.finished()

    run(scenario())


def test_a_message_in_mid_turn_is_waited_for(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([RUNNING])
        assert await here.session.steer("/compact @secrets: mind the gap")
        sent = program.told[-1]
        assert (sent["message"]["content"], sent["client_composed"]) == ("/compact @secrets: mind the gap", True)
        program.print([{"type": "command_lifecycle", "command_uuid": sent["uuid"], "state": "queued"}, RESULT, IDLE])
        assert not program.hushed.is_set()
        program.print([{"type": "command_lifecycle", "command_uuid": sent["uuid"], "state": "completed"}])
        assert program.hushed.is_set()
        program.end()
        await here.session.finished()

    run(scenario())


def test_a_steered_job_ends_once_all_messages_were_read(stage):
    here = stage()
    end = run(here.replay(stream("claude-steered")))
    assert (end.reason, end.result.summary) == ("completed", "Ok.")


def test_it_is_asked_to_end_its_turn_and_given_time_to(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        ending = asyncio.create_task(here.session.cancel())
        await asyncio.sleep(0)
        assert program.told[-1]["request"] == {"subtype": "interrupt"}
        program.print(stream("claude-interrupted")[-8:])
        assert program.hushed.is_set()
        program.end(1)
        await ending
        await here.session.cancel()  # harmless
        return here, await here.session.finished()

    here, end = run(scenario())
    assert end == Finished(reason="cancelled", exit=1, detail="stopped on request")
    assert here.keeper.stops == []
    assert not here.of(Erred)


def test_one_that_does_not_end_its_turn_is_ended(stage, monkeypatch):
    monkeypatch.setattr(talking, "GRACE_SECONDS", 0.01)

    async def scenario():
        here = stage()
        await here.begin()
        await here.session.cancel()
        return here, await here.session.finished()

    here, end = run(scenario())
    assert (end.reason, here.keeper.stops) == ("cancelled", [0.01])


# -- leave -----------------------------------------------------------------------------------------------------------


def test_a_no_says_why_and_a_late_answer_is_dropped(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([asks(command="rm -rf /"), asks(ask="q2", command="ls")])
        program.print([{"type": "control_cancel_request", "request_id": "q2"}])
        await here.session.answer("q1", allow=False, why="never")
        await here.session.answer("q1", allow=True)
        await here.session.answer("q2", allow=True)
        await here.session.answer("stranger", allow=True)
        program.print([RESULT])
        program.end()
        await here.session.finished()
        await here.session.answer("q1", allow=True)
        return program

    assert answers(run(scenario())) == {"q1": {"behavior": "deny", "message": "never"}}


def test_what_it_asks_for_is_named_from_the_top_of_the_clone(stage):
    here = stage()
    run(
        here.replay(
            [asks("Write", file_path="/clone/src/a.py", content="x"), asks("Read", file_path="/etc/passwd"), RESULT]
        )
    )
    assert [(asked.tool.kind, asked.tool.paths, asked.command) for asked in here.of(Asks)] == [
        ("edit", ("src/a.py",), ""),
        ("read", ("/etc/passwd",), ""),
    ]


def test_a_request_that_is_not_known_is_answered_with_an_error(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([{"type": "control_request", "request_id": "m", "request": {"subtype": "mcp_message"}}, RESULT])
        program.end()
        await here.session.finished()
        return program

    assert [line["response"]["subtype"] for line in run(scenario()).told if line["type"] == "control_response"] == [
        "error"
    ]


# -- its plan --------------------------------------------------------------------------------------------------------


def test_its_plan_is_told_whole_however_it_is_kept(stage):
    def uses(id_, name, **given):
        block = {"type": "tool_use", "id": id_, "name": name, "input": given}
        return {"type": "assistant", "session_id": "s", "message": {"id": "m", "content": [block]}}

    def returns(id_, details):
        block = {"type": "tool_result", "tool_use_id": id_, "content": "ok"}
        return {"type": "user", "message": {"content": [block]}, "tool_use_result": details}

    here = stage()
    run(
        here.replay(
            [
                uses("1", "TodoWrite", todos=[{"content": "a", "status": "in_progress"}]),
                uses("2", "TaskCreate", subject="b"),
                returns("2", {"task": {"id": "7", "subject": "b"}}),
                uses("3", "TaskUpdate", taskId="7", status="completed"),
                returns("3", {"success": True, "taskId": "7"}),
                uses("4", "TaskUpdate", taskId="9", status="completed"),
                returns("4", "Error: no such task"),
                uses("5", "TaskUpdate", taskId="7", status="deleted"),
                returns("5", {"success": True}),
                RESULT,
            ]
        )
    )
    a = Step(text="a", status="running")
    assert [plan.steps for plan in here.of(Intends)] == [
        (a,),
        (a, Step(text="b")),
        (a, Step(text="b", status="done")),
        (a,),
    ]


# -- how it is started -----------------------------------------------------------------------------------------------


def test_it_is_told_its_task_over_stdin_and_has_every_tool_asked_for(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        program.print([RESULT])
        program.end()
        await here.session.finished()
        return program

    program = run(scenario())
    first, task = program.told[:2]
    assert first["request"]["hooks"]["PreToolUse"][0]["matcher"] is None
    assert task["message"]["content"].startswith("Quarterdeck: task a, role work, attempt 1.\n")
    assert "Do it." not in program.program.argv
    assert program.program.talks


def test_who_judges_or_plans_has_no_tools_to_edit_with(tmp_path):
    def without(**fields):
        argv = list(arguments(make_brief(tmp_path, **fields)))
        return argv[argv.index("--disallowedTools") + 1].split(",")

    assert "Edit" in without(role="review")
    assert "Write" in without(role="plan")
    assert "Edit" not in without()
    assert "AskUserQuestion" in without()


def test_a_model_and_a_session_are_named_where_there_are_any(tmp_path):
    plain, named = make_brief(tmp_path), make_brief(tmp_path, model="m", session="s")
    assert not {"--model", "--resume"} & set(arguments(plain))
    assert list(arguments(named))[-4:] == ["--model", "m", "--resume", "s"]


def test_it_asks_the_gateway_alone_and_an_own_log_in_is_not_hidden_by_an_empty_key(tmp_path):
    bases = {"anthropic": "http://127.0.0.1:3129/anthropic"}
    told = environment(make_brief(tmp_path, bases=bases, token="sk-test-token"))
    assert (told["ANTHROPIC_BASE_URL"], told["ANTHROPIC_API_KEY"]) == (bases["anthropic"], "sk-test-token")
    assert told["DISABLE_TELEMETRY"] == told["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"
    assert "ANTHROPIC_API_KEY" not in environment(make_brief(tmp_path, bases=bases))


def test_a_review_and_a_plan_come_out_of_its_last_message(stage):
    verdict = RESULT | {"result": 'Hm.\n\n```json\n{"verdict": "reject", "remarks": "too long"}\n```'}
    end = run(stage(role="review").replay([verdict]))
    assert (end.reason, end.result.review.verdict, end.result.review.remarks) == ("completed", "reject", "too long")
    plan = RESULT | {"result": '```json\n{"task": [{"id": "x"}]}\n```'}
    assert run(stage(role="plan").replay([plan])).result.plan == {"task": [{"id": "x"}]}
    assert run(stage(role="plan").replay([RESULT])).detail.startswith("a plan without tasks: ")


# -- what it might print ---------------------------------------------------------------------------------------------

LINES = [line for name in ("claude-job", "claude-refused") for line in stream(name)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _places(part, (*path, key))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _places(part, (*path, at))


@st.composite
def spoiled(draw):
    """A line that was printed once, with something else in one place."""
    line = json.loads(json.dumps(draw(st.sampled_from(LINES))))
    *path, last = draw(st.sampled_from([place for place in _places(line) if place]))
    inner = line
    for key in path:
        inner = inner[key]
    inner[last] = draw(JSON)
    return line


@given(lines=st.lists(spoiled(), max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_it_prints_the_assignment_ends_in_order(tmp_path_factory, lines):
    here = Stage(claude(), make_brief(tmp_path_factory.mktemp("spoiled")))
    end = run(here.replay(lines))
    assert here.updates[-1] == end
    assert sum(isinstance(update, Finished) for update in here.updates) == 1
    assert {tool.status for tool in {tool.id: tool for tool in here.of(Tool)}.values()} <= {"done", "failed"}
    assert all("Task exception" not in notice.text for notice in here.of(Notice))
