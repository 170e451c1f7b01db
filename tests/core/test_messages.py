"""What the record says of a message: accepted once, seen, acted on when it is answered."""

from __future__ import annotations

from typing import Any

from engine.core import commands as c
from engine.core.decide import Mind
from engine.core.values import AgentSpec, Limits


def running() -> Mind:
    mind = Mind()
    mind.decide(c.CameUp(epoch=1, pid=1, version="0", confinement="unconfined"), at=0.0)
    start = c.StartRun(
        run="r1", goal="g", pattern="solo", target="main", base="b", check=("true",), limits=Limits(),
        crew=(AgentSpec(name="a", runtime="command", does=("implement",)),),
    )  # fmt: skip
    mind.decide(start, at=1.0, actor="person")
    return mind


def take(mind: Mind, name: str, **given: Any) -> list[str]:
    message = {"id": name, "sender": "a", "to": "engine", "kind": "note", "payload": {}} | given
    return [event.kind for event in mind.decide(c.Took(**message), at=2.0)]


def test_a_message_that_comes_twice_is_accepted_once() -> None:
    mind = running()
    assert take(mind, "m1") == ["message_accepted"]
    assert take(mind, "m1") == []


def test_a_message_is_seen_once() -> None:
    mind = running()
    take(mind, "m1")
    assert [e.kind for e in mind.decide(c.Read(id="m1", state="seen"), at=3.0)] == ["message_delivered"]
    assert mind.decide(c.Read(id="m1", state="seen"), at=4.0) == []
    assert mind.state.messages == {"m1": "seen"}


def test_an_answer_marks_what_it_answers_as_acted_on() -> None:
    mind = running()
    take(mind, "m1", kind="clarification_request")
    assert take(mind, "m2", kind="answer", correlation="m1") == ["message_accepted", "message_delivered"]
    assert mind.state.messages["m1"] == "acted"
    assert mind.decide(c.Read(id="m1", state="seen"), at=5.0) == []


def test_an_answer_to_nothing_known_is_only_accepted() -> None:
    assert take(running(), "m2", kind="answer", correlation="m9") == ["message_accepted"]
