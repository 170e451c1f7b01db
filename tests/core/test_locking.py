"""Optimistic locking: whoever acts on what he saw is told when it has changed, and then nothing happens."""

from __future__ import annotations

import msgspec
import pytest

from engine.core import commands as c
from engine.core.decide import Mind
from engine.core.errors import Stale
from engine.core.values import AgentSpec, Amount, Limits, TaskSpec


@pytest.fixture
def mind() -> Mind:
    mind = Mind()
    mind.decide(c.CameUp(epoch=1, pid=1, version="0", confinement="unconfined"), at=0.0)
    start = c.StartRun(
        run="r1", goal="g", pattern="solo", target="main", base="b", check=("true",), limits=Limits(),
        crew=(AgentSpec(name="a", runtime="command", does=("implement",)),),
        tasks=(TaskSpec(id="one", title="One"),),
    )  # fmt: skip
    mind.decide(start, at=1.0, actor="person")
    return mind


def stale_requests(mind: Mind) -> list[c.Requests]:
    run = mind.state.run
    assert run is not None
    task, agent = run.tasks["one"].version + 1, mind.state.agents["a"].version + 1
    return [
        c.ReviseTask(spec=TaskSpec(id="one", title="Other"), version=task),
        c.RetryTask(task="one", version=task),
        c.CancelTask(task="one", version=task),
        c.ReassignTask(task="one", to="a", version=task),
        c.PauseAgent(agent="a", version=agent),
        c.StopAgent(agent="a", version=agent),
        c.ResumeAgent(agent="a", version=agent),
        c.RaiseBudget(scope="a", amount=Amount(usd="1"), version=agent),
        c.RaiseBudget(scope="run", amount=Amount(usd="1"), version=run.version + 1),
        c.StopRun(version=run.version + 1),
        c.ResumeRun(version=run.version + 1),
    ]


@pytest.mark.parametrize("number", range(11))
def test_a_stale_request_is_refused_and_changes_nothing(mind: Mind, number: int) -> None:
    before = msgspec.msgpack.encode(mind.state)
    with pytest.raises(Stale, match="has changed since you looked"):
        mind.decide(stale_requests(mind)[number], at=2.0, actor="person")
    assert msgspec.msgpack.encode(mind.state) == before


def test_the_version_that_was_seen_is_accepted(mind: Mind) -> None:
    agent = mind.state.agents["a"]
    assert mind.decide(c.PauseAgent(agent="a", version=agent.version), at=2.0, actor="person")


def test_what_happens_to_a_thing_changes_its_version(mind: Mind) -> None:
    seen = mind.state.agents["a"].version
    mind.decide(c.PauseAgent(agent="a"), at=2.0, actor="person")
    with pytest.raises(Stale):
        mind.decide(c.StopAgent(agent="a", version=seen), at=3.0, actor="person")
