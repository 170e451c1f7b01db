"""Agents that print lines of JSON: against what the real programs once printed, and against what they might print."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aio import run
from support.replay import Stage, make_brief, stream

from engine.agents import totals
from engine.agents.base import Edited, Erred, Finished, Intends, Notice, Opened, Retries, Said, Step, Tool, Usage
from engine.agents.runtimes import adapter_for
from engine.core.values import Tokens

AGENTS = ("gemini", "opencode", "pi", "qwen")
SUM = {"gemini": 0, "opencode": 5, "pi": 5, "qwen": 5}
"""How many calls each tells the tokens of."""
EXIT = {"gemini": None, "opencode": 3, "pi": 3, "qwen": None}
"""What each tells of a command that prints something and ends with 3."""


@pytest.fixture
def stage(tmp_path):
    return lambda agent, **fields: Stage(adapter_for("b", agent), make_brief(tmp_path, **fields))


# -- what was recorded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1 << 16, 11])
@pytest.mark.parametrize("agent", AGENTS)
def test_a_whole_job_is_told_step_by_step(stage, agent, piece):
    here = stage(agent)
    end = run(here.replay(stream(f"{agent}-job"), piece=piece))
    assert (end.reason, end.exit, end.result.summary) == ("completed", 0, "Finished: it says two."), here.updates
    assert "".join(said.text for said in here.of(Said)) == "I begin.Finished: it says two."
    last = {tool.id: tool for tool in here.of(Tool)}
    assert [(tool.kind, tool.paths) for tool in last.values()] == [
        ("edit", ("notes.txt",)),
        ("read", ("notes.txt",)),
        ("edit", ("notes.txt",)),
        ("execute", ()),
    ]
    *quiet, command = last.values()
    assert {tool.status for tool in quiet} == {"done"}
    assert (command.input, command.exit) == ("cat notes.txt; exit 3", EXIT[agent])
    assert [edited.path for edited in here.of(Edited)] == ["notes.txt", "notes.txt"]
    (opened,) = here.of(Opened)
    assert opened.session
    assert len([usage for usage in here.of(Usage) if usage.scope == "call"]) == SUM[agent]
    assert here.of(Usage)[-1].tokens.input > 0
    assert not here.of(Notice)


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("code", [0, 1])
def test_a_refused_request_is_no_success_whatever_the_exit_status(stage, agent, code):
    here = stage(agent)
    end = run(here.replay(stream(f"{agent}-refused"), code))
    assert end.reason == "failed"
    assert "out of money" in end.detail
    assert {erred.status for erred in here.of(Erred)} == {402}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_job_that_is_cut_off_anywhere_is_no_success(stage, agent):
    """Also with exit status 0: only the last event says that it went well."""
    whole = stream(f"{agent}-job")
    for length in range(len(whole) - (2 if agent == "pi" else 1)):  # after pi's last message nothing is news
        end = run(stage(agent).replay(whole[:length]))
        assert end.reason == "failed", length


@pytest.mark.parametrize("agent", AGENTS)
def test_a_good_stream_with_a_bad_exit_status_is_no_success(stage, agent):
    assert run(stage(agent).replay(stream(f"{agent}-job"), 7)).reason == "failed"


@pytest.mark.parametrize("agent", AGENTS)
def test_the_prompt_goes_in_by_standard_input_and_nothing_follows_it(stage, agent):
    async def scenario():
        here = stage(agent, told={"prompt": "p" * 300_000})
        program = await here.begin()
        assert program.heard.startswith(b"Quarterdeck: task a, role work")
        assert program.heard.count(b"p") > 300_000
        assert program.hushed.is_set()
        assert all(len(word) < 4096 for word in program.program.argv)
        assert not await here.session.steer("more")
        program.end(1)
        await here.session.finished()

    run(scenario())


@pytest.mark.parametrize(("agent", "flag"), [("gemini", "--resume"), ("opencode", "--session"), ("pi", "--session"),
                                             ("qwen", "--resume")])  # fmt: skip
def test_a_session_and_a_model_are_named_to_it(stage, agent, flag):
    here = stage(agent, session="s-9", model="m-1", bases={"openai": "http://g"}, token="t")
    argv = here.adapter.profile.argv(here.brief)
    assert argv[argv.index(flag) + 1] == "s-9"
    named = (
        *argv,
        *here.adapter.environment(here.brief).values(),
        *map(bytes.decode, here.adapter.home(here.brief).values()),
    )
    assert any("m-1" in word for word in named)


@pytest.mark.parametrize(("agent", "where"), [("opencode", '"timeout": false'), ("pi", '"timeoutMs": 86400000'),
                                              ("qwen", '"timeout": 86400000')])  # fmt: skip
def test_a_request_that_the_gateway_holds_is_waited_for(stage, agent, where):
    here = stage(agent, bases={"openai": "http://g"}, token="t")
    told = (*here.adapter.environment(here.brief).values(), *map(bytes.decode, here.adapter.home(here.brief).values()))
    assert any(where in text for text in told)


def test_qwen_is_told_of_no_proxy_which_it_would_ask_for_the_gateway_too(stage):
    with_gateway = stage("qwen", bases={"openai": "http://g"}, token="t")
    without = stage("qwen")
    assert with_gateway.adapter.environment(with_gateway.brief)["HTTPS_PROXY"] == ""
    assert "HTTPS_PROXY" not in without.adapter.environment(without.brief)


# -- what they might print -------------------------------------------------------------------------------------------


def test_a_message_of_qwen_that_says_a_request_was_refused_is_no_answer(stage):
    result = {"type": "result", "subtype": "success", "is_error": False, "result": "[API Error: 402 no money]"}
    here = stage("qwen")
    end = run(here.replay([result]))
    assert (end.reason, end.detail) == ("failed", "[API Error: 402 no money]")


def test_of_a_resumed_qwen_only_what_is_new_counts(stage):
    def result(tokens):
        usage = {"input_tokens": tokens, "output_tokens": 1, "cache_read_input_tokens": 10}
        return [{"type": "result", "subtype": "success", "result": "Ok.", "session_id": "q-1", "usage": usage}]

    def session_usage(here):
        return [usage.tokens for usage in here.of(Usage) if usage.scope == "session"]

    first, again, unknown = stage("qwen"), stage("qwen", session="q-1"), stage("qwen", session="q-2")
    for here, tokens in ((first, 110), (again, 150), (unknown, 90)):
        run(here.replay(result(tokens)))
    assert session_usage(first) == [Tokens(input=100, output=1, cache_read=10)]
    assert session_usage(again) == [Tokens(input=40)]
    assert session_usage(unknown) == []
    totals.remember("q-1", totals.Total())


def test_opencode_stopped_by_a_refused_permission_has_not_finished(stage):
    finish = {"type": "step_finish", "part": {"reason": "tool-calls", "tokens": {"input": 5, "output": 1}, "cost": 0.0}}
    end = run(stage("opencode").replay([finish]))
    assert (end.reason, end.detail) == ("failed", "it was stopped in the middle of its work")


def test_opencodes_money_and_every_class_of_tokens_count(stage):
    told = {"input": 5, "output": 1, "reasoning": 2, "cache": {"read": 3, "write": 4}}
    finish = {"type": "step_finish", "part": {"reason": "stop", "tokens": told, "cost": 0.1 + 0.2}}
    here = stage("opencode")
    run(here.replay([finish]))
    tokens = Tokens(input=5, output=3, cache_read=3, cache_write=4)
    assert here.of(Usage) == [Usage(tokens=tokens, usd="0.3", scope="call")]


def test_pi_may_try_again_after_what_looked_like_its_end(stage):
    def message(reason, **more):
        return {"type": "message_end", "message": {"role": "assistant", "stopReason": reason, **more}}

    retry = {"type": "auto_retry_start", "attempt": 2, "delayMs": 1500}
    here = stage("pi")
    end = run(here.replay([message("error", errorMessage="503 busy"), {"type": "agent_end"}, retry, message("stop")]))
    assert end.reason == "completed"
    assert here.of(Retries) == [Retries(attempt=2, seconds=1.5)]
    assert here.of(Erred) == [Erred(text="503 busy", status=503)]
    assert run(stage("pi").replay([message("stop"), message("length")])).reason == "failed"


def test_a_list_of_things_to_do_is_its_plan(stage):
    todos = [{"content": "look", "status": "completed"}, {"description": "mend", "status": "in_progress"}, "odd"]
    use = {"type": "tool_use", "tool_name": "write_todos", "tool_id": "t", "parameters": {"todos": todos}}
    here = stage("gemini")
    run(here.replay([use]))
    steps = (Step(text="look", status="done"), Step(text="mend", status="running"))
    assert here.of(Intends) == [Intends(steps=steps)]
    assert here.of(Tool)[-1].status == "failed"  # nobody said that it is done


def test_gemini_that_failed_tells_what_it_used(stage):
    stats = {"total_tokens": 100, "input_tokens": 80, "cached": 30}
    error = {"type": "unknown", "message": "no"}
    here = stage("gemini")
    end = run(here.replay([{"type": "result", "status": "error", "error": error, "stats": stats}], 146))
    assert (end.reason, end.exit) == ("failed", 146)
    assert here.of(Usage) == [Usage(tokens=Tokens(input=50, output=20, cache_read=30), scope="session")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("agent", AGENTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_anything_in_any_place_ends_no_reading(stage, agent, data):
    """A recorded stream, with some values in it replaced, is read to its end."""

    def spoiled(value):
        if data.draw(st.integers(0, 40)) == 0:
            return data.draw(values)
        if isinstance(value, dict):
            return {key: part if key == "type" else spoiled(part) for key, part in value.items()}
        return [spoiled(part) for part in value] if isinstance(value, list) else value

    lines = data.draw(st.lists(st.sampled_from(stream(f"{agent}-job")), max_size=12))
    here = stage(agent)
    run(here.replay([spoiled(line) for line in lines]))
    assert sum(isinstance(update, Finished) for update in here.updates) == 1
