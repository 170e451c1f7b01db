"""The agents of the protocol that are installed, each driven by the one client: work, leave, sessions, ends, refusals."""

import asyncio
import json

import pytest
from support.aio import run

from engine.agents.acp.profiles import profile_of
from engine.agents.base import Asks, Erred, Notice, Opened, Tool, Usage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]

COMMANDS = {
    "claude-agent-acp": ("claude-agent-acp",),
    "codex-acp": ("codex-acp",),
    "opencode": ("opencode", "acp"),
    "gemini": ("gemini", "--acp"),
    "qwen": ("qwen", "--acp"),
}
MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5.5", "gemini": "gemini-2.5-pro"}
EACH = pytest.mark.parametrize("agent", COMMANDS)
ASKING = pytest.mark.parametrize("agent", [name for name in COMMANDS if name != "codex-acp"])
"""Codex asks only for what its own sandbox would not let it do, and it has none in ours."""


@pytest.fixture
def here(bench, agent):
    command = COMMANDS[agent]
    return bench("acp", program=command[0], command=command, model=MODELS[profile_of(command).kind])


async def refusing(session, update):
    """No command; all else."""
    if isinstance(update, Asks):
        await session.answer(update.id, allow=update.tool.kind != "execute", why="not here")


@EACH
def test_it_does_its_task(here, llm):
    played = run(here.play("Do it. [[script:job]]"))
    assert (played.end.reason, played.end.exit) == ("completed", 0), played.updates
    assert here.read("notes.txt") == "two\n"
    assert here.read("ran.txt") == "done\n"
    assert "notes.txt says two" in played.end.result.summary
    assert {tool.status for tool in played.of(Tool)} >= {"done"}
    assert "notes.txt" in {path for tool in played.of(Tool) for path in tool.paths}
    assert {call.key for call in llm.calls if call.asked} == {"sk-test-token"}
    assert not played.of(Erred)


@ASKING
def test_what_is_refused_is_not_done_and_it_goes_on(here, llm):
    steps = json.dumps([{"run": "touch forbidden"}, {"answer": "So be it."}])
    played = run(here.play(f"[[steps:{steps}]]", refusing, leave=False))
    assert (played.end.reason, played.end.result.summary) == ("completed", "So be it."), played.updates
    assert [ask.command for ask in played.of(Asks)] == ["touch forbidden"]
    assert not (here.clone / "forbidden").exists(), played.updates


@EACH
def test_it_reviews(here):
    played = run(here.play("Judge. [[review:reject Too long.]]", role="review"))
    assert (played.end.reason, played.end.result.review.verdict) == ("completed", "reject"), played.updates


@pytest.mark.parametrize("agent", [name for name in COMMANDS if name != "gemini"])
def test_a_session_is_taken_up_again(here, llm):
    first = run(here.play('[[steps:[{"answer": "I know it is 41."}]]]'))
    (session,) = [opened.session for opened in first.of(Opened)]
    second = run(here.play('[[steps:[{"answer": "Still."}]]]', session=session))
    assert second.end.reason == "completed", second.updates
    assert [opened.session for opened in second.of(Opened)] == [session]
    assert not [notice for notice in second.of(Notice) if "session" in notice.text]
    assert "I know it is 41." in llm.calls[-1].prompt


@EACH
def test_a_refusal_of_the_model_is_no_success(here, llm):
    llm.fault(what="status", status=402, times=-1, text="out of money", headers={"x-should-retry": "false"})
    played = run(asyncio.wait_for(here.play("Do it. [[script:job]]"), 60))
    assert played.end.reason == "failed", played.updates
    assert "out of money" in played.end.detail
    assert played.of(Erred)


@EACH
def test_it_is_ended_in_mid_command_and_nothing_is_left(here):
    async def watch(session, update):
        if isinstance(update, Tool) and update.kind == "execute" and not here.asleep:
            here.asleep = asyncio.ensure_future(_cancel_when_asleep(here, session))

    here.asleep = None
    played = run(asyncio.wait_for(here.play("[[script:sleep]]", watch), 60))
    assert played.end.reason == "cancelled", played.updates
    assert here.left() == []
    last = {tool.id: tool.status for tool in played.of(Tool)}
    assert not {"running", "pending"} & set(last.values())


async def _cancel_when_asleep(here, session):
    while not any("tail -f /dev/null" in line for line in here.left()):
        await asyncio.sleep(0.05)
    await session.cancel()


@pytest.mark.parametrize("agent", ["claude-agent-acp", "codex-acp"])
def test_it_is_steered_within_its_turn(here, llm):
    async def steer(session, update):
        if isinstance(update, Tool) and update.status in ("running", "done") and not here.steered:
            here.steered = await session.steer("And mind the gap.")

    here.steered = False
    steps = json.dumps([{"run": "python3 -c 'import time; time.sleep(1)'"}, {"run": "true"}, {"answer": "Done."}])
    played = run(here.play(f"[[steps:{steps}]]", steer))
    assert played.end.reason == "completed", played.updates
    assert here.steered
    assert "mind the gap" in llm.calls[-1].prompt


@pytest.mark.parametrize("agent", ["claude-agent-acp", "codex-acp", "gemini"])
def test_what_it_says_it_used_is_what_the_model_told(here, llm):
    played = run(here.play("Do it. [[script:job]]"))
    (said,) = played.of(Usage)
    spent = llm.spent()
    assert (said.tokens.input + said.tokens.cache_read, said.tokens.output) == (spent.input, spent.output)
