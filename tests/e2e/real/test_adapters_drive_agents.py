"""Each adapter drives its real agent: work, review, sessions, leave for tools, an end in mid-command, refusals."""

import asyncio

import pytest
from support.aio import run

from engine.agents.base import Asks, Erred, Finished, Opened, Retries, Said, Tool, Usage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]

NATIVE = ("claude", "codex", "pi")
OTHERS = ("opencode", "gemini", "qwen", "aider")
EACH = pytest.mark.parametrize("agent", [*NATIVE, *OTHERS])
JOB = "Do it. [[script:job]]"
TOLD = {"claude", "codex", "pi", "opencode", "gemini", "qwen"}
"""Those that tell of their tools and of what they used."""


@EACH
def test_it_does_its_task(bench, llm, agent):
    here = bench(agent)
    played = run(here.play(JOB))

    assert played.end == Finished(reason="completed", exit=0, result=played.end.result), played.updates
    assert here.read("notes.txt") == "two\n"
    if agent in TOLD:
        assert here.read("ran.txt") == "done\n"
        assert "notes.txt says two" in played.end.result.summary
        assert {tool.status for tool in played.of(Tool)} >= {"done"}
        assert played.of(Usage)
    assert {call.key for call in llm.calls if call.asked} == {"sk-test-token"}


@pytest.mark.parametrize("agent", NATIVE)
def test_it_reviews(bench, agent):
    played = run(bench(agent).play("Judge. [[review:reject Too long.]]", role="review"))

    assert (played.end.reason, played.end.result.review.verdict) == ("completed", "reject"), played.updates


@pytest.mark.parametrize("agent", NATIVE)
def test_a_session_is_taken_up_again(bench, llm, agent):
    here = bench(agent)
    first = run(here.play('[[steps:[{"answer": "I know it is 41."}]]]'))
    session = [opened.session for opened in first.of(Opened) if opened.session][-1]
    second = run(here.play('[[steps:[{"answer": "Still."}]]]', session=session))

    assert second.end.reason == "completed", second.updates
    assert "I know it is 41." in llm.calls[-1].prompt


@pytest.mark.parametrize(
    ("agent", "status"),
    [*((agent, 500) for agent in NATIVE), *((agent, 402) for agent in (*NATIVE, *OTHERS) if agent != "aider")],
)
def test_a_refusal_is_no_success(bench, llm, agent, status):
    """The others, and aider whatever it is, try again for minutes and tell nobody: the gateway stands between."""
    llm.fault(what="status", status=status, times=-1, headers={"x-should-retry": "false"})

    async def impatient(session, update):
        if isinstance(update, Retries) and update.attempt >= 2:
            await session.cancel()

    played = run(asyncio.wait_for(bench(agent).play(JOB, impatient), 60))

    assert played.end.reason in ("failed", "cancelled"), played.updates
    assert played.end.reason == "cancelled" or played.end.detail


@pytest.mark.parametrize("agent", [*NATIVE, *(agent for agent in OTHERS if agent != "aider")])
def test_it_is_ended_in_mid_command_and_nothing_is_left(bench, agent):
    here = bench(agent)
    played = run(asyncio.wait_for(here.play("[[script:sleep]]", _when_asleep(here)), 60))

    assert played.end.reason == "cancelled", played.updates
    assert here.left() == []
    open_tools = {tool.id: tool.status for tool in played.of(Tool)}
    assert "running" not in open_tools.values()


def _sleeps(here):
    return any("tail -f /dev/null" in line for line in here.left())


def _when_asleep(here):
    """Cancel as soon as its command runs."""

    ended = False

    async def watch(session, _):
        nonlocal ended
        while not ended and not _sleeps(here):
            await asyncio.sleep(0.05)
        ended = True
        await session.cancel()

    return watch


def test_claude_asks_leave_and_goes_by_the_answer(bench, llm):
    here = bench("claude")
    asked = []

    async def answer(session, update):
        if isinstance(update, Asks):
            asked.append((update.tool.kind, update.command))
            await session.answer(update.id, allow="forbidden" not in update.command, why="not that one")

    steps = '[[steps:[{"run": "touch allowed"}, {"run": "touch forbidden"}, {"answer": "So be it."}]]]'
    played = run(here.play(steps, answer, leave=False))

    assert played.end.reason == "completed", played.updates
    assert [command for _, command in asked if command] == ["touch allowed", "touch forbidden"]
    assert (here.clone / "allowed").exists()
    assert not (here.clone / "forbidden").exists()
    assert "not that one" in llm.calls[-1].prompt


def test_claude_is_steered_within_its_turn(bench, llm):
    here = bench("claude")

    async def steer(session, update):
        if isinstance(update, Tool) and not llm.steered:
            llm.steered = await session.steer("And mind the gap.")
        if isinstance(update, Asks):
            await session.answer(update.id, allow=True)

    llm.steered = False
    played = run(here.play('[[steps:[{"run": "python3 -c \'import time; time.sleep(1)\'"}, {"run": "true"}]]]', steer))

    assert played.end.reason == "completed", played.updates
    assert llm.steered
    assert "mind the gap" in llm.calls[-1].prompt


@pytest.mark.parametrize("agent", ["claude", "codex", "pi"])
def test_what_it_says_it_used_is_what_the_model_told(bench, llm, agent):
    played = run(bench(agent).play(JOB))
    said = played.of(Usage)
    whole = said[-1].tokens if said[-1].scope == "session" else None
    spent = llm.spent()
    total = whole or sum((one.tokens for one in said[1:]), said[0].tokens)

    assert (total.input + total.cache_read, total.output) == (spent.input, spent.output)
    assert any(one.text for one in played.of(Said))
    assert not played.of(Erred)
