"""The client of the agent protocol, against what five real agents once said to it, and against anything in its place."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aio import run
from support.replay import Stage, make_brief, stream

from engine.agents.acp.adapter import AcpAdapter
from engine.agents.base import Asks, Context, Edited, Erred, Finished, Notice, Opened, Said, Tool, Usage

COMMANDS = {
    "acp-claude": ("claude-agent-acp",),
    "acp-codex": ("codex-acp",),
    "acp-gemini": ("gemini", "--acp"),
    "acp-opencode": ("opencode", "acp"),
    "acp-qwen": ("qwen", "--acp"),
}
EACH = pytest.mark.parametrize("agent", COMMANDS)
TOLD = {"acp-claude": "turn", "acp-codex": "turn", "acp-gemini": "turn", "acp-opencode": "call", "acp-qwen": None}
"""The scope of the tokens that each tells."""
MODELS = {"acp-claude": "claude-sonnet-4-5", "acp-codex": "gpt-5.5", "acp-gemini": "gemini-2.5-pro"}


@pytest.fixture
def stage(tmp_path):
    def stage(agent):
        fields = {"command": COMMANDS[agent], "model": MODELS.get(agent, "scripted-1"), "home": tmp_path}
        return Stage(AcpAdapter(), make_brief(tmp_path, **fields))

    return stage


async def answered(here, lines, code=0):
    """Print the lines, each answer once its request was made, and each next line once what it asks was answered."""
    program = await here.begin()

    async def until(name, *, request):
        while not any(told.get("id") == name and ("method" in told) == request for told in program.told):
            if program.hushed.is_set():
                return
            for ask in here.of(Asks):
                await here.session.answer(ask.id, allow=True)
            await asyncio.sleep(0.001)

    async with asyncio.timeout(20):
        for line in lines:
            if "method" not in line:
                await until(line.get("id"), request=True)
            program.print([line])
            if "method" in line and "id" in line:
                await until(line["id"], request=False)
        if code == 0:
            await program.hushed.wait()
        program.end(code)
        return await here.session.finished()


# -- what was recorded -----------------------------------------------------------------------------------------------


@EACH
def test_a_whole_job_is_told_step_by_step(stage, agent):
    here = stage(agent)
    end = run(answered(here, stream(f"{agent}-job")))
    assert (end.reason, end.exit, end.result.summary) == ("completed", 0, "Finished: it says two."), here.updates
    assert "".join(said.text for said in here.of(Said)) == "I begin.Finished: it says two."
    last = {tool.id: tool for tool in here.of(Tool)}
    assert [(tool.kind, tool.paths) for tool in last.values()][:3] == [
        ("edit", ("notes.txt",)),
        ("read", ("notes.txt",)),
        ("edit", ("notes.txt",)),
    ]
    *quiet, command = last.values()
    assert {tool.status for tool in quiet} == {"done"}
    assert (command.kind, command.title, command.status in ("done", "failed")) == (
        "execute",
        "cat notes.txt; exit 3",
        True,
    )
    assert {edited.path for edited in here.of(Edited)} == {"notes.txt"}
    assert here.of(Edited)[-1].patch.endswith("-one\n+two")
    (opened,) = here.of(Opened)
    assert opened.session
    assert opened.version
    assert {usage.scope for usage in here.of(Usage)} == {TOLD[agent]} - {None}
    assert not here.of(Notice)
    if agent != "acp-gemini":
        assert here.of(Context) or agent == "acp-qwen"


@EACH
def test_it_asks_leave_for_commands_by_their_line(stage, agent):
    here = stage(agent)
    run(answered(here, stream(f"{agent}-job")))
    asked = [ask.command for ask in here.of(Asks) if ask.tool.kind == "execute"]
    assert asked == ([] if agent == "acp-codex" else ["cat notes.txt; exit 3"])


@EACH
def test_a_refused_request_is_no_success(stage, agent):
    here = stage(agent)
    end = run(answered(here, stream(f"{agent}-refused")))
    assert end.reason == "failed"
    assert "out of money" in end.detail
    assert len(here.of(Erred)) == 1


@EACH
def test_a_job_that_is_cut_off_anywhere_is_no_success(stage, agent):
    whole = stream(f"{agent}-job")
    end = next(at for at, line in enumerate(whole) if "stopReason" in json.dumps(line.get("result", "")))
    for length in range(0, end, 4):
        assert run(answered(stage(agent), whole[:length], 1)).reason == "failed", length


# -- what they might say ---------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_anything_in_any_place_ends_no_reading_and_is_not_logged(stage, caplog, data):
    """Messages as they were recorded, with some values in them replaced, in any order, on an open session."""
    agent = data.draw(st.sampled_from(sorted(COMMANDS)))

    def spoiled(value):
        if data.draw(st.integers(0, 25)) == 0:
            return data.draw(values)
        if isinstance(value, dict):
            return {key: spoiled(part) for key, part in value.items()}
        return [spoiled(part) for part in value] if isinstance(value, list) else value

    whole = stream(f"{agent}-job")
    lines = data.draw(st.lists(st.sampled_from(whole), max_size=8))

    async def scenario():
        here = stage(agent)
        program = await here.begin()
        program.print([spoiled(line) for line in lines])
        for _ in range(5):
            await asyncio.sleep(0)
        program.end(1)
        end = await here.session.finished()
        assert end.reason == "failed"
        assert sum(isinstance(update, Finished) for update in here.updates) == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    assert not caplog.records
