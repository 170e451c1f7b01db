"""The product with the real Claude Code, Codex and pi: sandbox, gateway, budgets, leave, kills, and a scripted model."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import real_agents
from support.engines import a_place, task
from support.llm import model

from engine.core.commands import Answer, RaiseBudget
from engine.core.values import Amount

pytestmark = [pytest.mark.agents, pytest.mark.timeout(150)]

KEY = "sk-test-4f1c7e-the-real-one"
EACH = pytest.mark.parametrize("runtime", ["claude", "codex", "pi"])


def steps(*actions: dict, more: str = "") -> str:
    """A prompt in which these are done, one a request; a review of it approves."""
    return f"[[steps:{json.dumps(list(actions))}]] [[review:approve]] {more}"


def writes(name: str) -> str:
    return steps({"write": [name, f"{name}\n"]}, {"run": f"cat {name}"}, {"answer": f"Wrote {name}."})


@pytest.fixture
def place(monkeypatch):
    with a_place(monkeypatch) as found:
        yield found


@contextmanager
def crew(place, *runtimes: str, more: str = "", check: str = "true", limits: str = "", **permissions):
    """These agents, by their runtimes' names, before one scripted model that takes one key only."""
    for runtime in runtimes:
        real_agents.need(runtime)
    with model() as llm:
        llm.keys = {KEY}
        settings = place.folder / "home" / "quarterdeck" / "config.toml"
        settings.parent.mkdir(exist_ok=True)
        gateways = "".join(
            f'[gateway.{name}]\nurl = "{llm.url}"\nkey = "command:echo {KEY}"\n' for name in ("anthropic", "openai")
        )
        settings.write_text(gateways)
        settings.chmod(0o600)
        agents = {
            name: {"runtime": name, "command": [], "does": ["implement", "review", "plan"], **permissions}
            for name in runtimes
        }
        reviewed = len(runtimes) > 1
        text = [
            "[project]",
            f"check = {json.dumps([check])}",
            f"review = {json.dumps(reviewed)}",
            more,
            "[limits]",
            limits,
        ]
        for name, agent in agents.items():
            text += [f"[agents.{name}]", *(f"{key} = {_toml(value)}" for key, value in agent.items())]
        (place.root / "quarterdeck.toml").write_text("\n".join((*text, "")))
        place.git("add", "-A")
        place.git("commit", "-qm", "the crew")
        yield llm


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def begin(place, *tasks: dict, **request) -> None:
    place.start(tasks or None, path=real_agents.where(), **request)


def booked(place) -> list[dict]:
    return [event["data"] for event in place.of("usage_booked") if event["data"].get("counted", True)]


@EACH
def test_its_work_is_merged_and_metered_to_the_token(place, runtime):
    with crew(place, runtime, check="test -f new.txt || git log -1 --format=%s | grep -q crew") as llm:
        begin(place, task("it", writes("new.txt")))
        ended = place.end()["data"]
        assert ended["outcome"] == "verified", ended
        assert place.git("show", "main:new.txt") == "new.txt"
        assert len(booked(place)) == len(llm.calls) == 3
        assert ended["usage"]["input"] == sum(call.usage.input for call in llm.calls)
        assert ended["usage"]["output"] == sum(call.usage.output for call in llm.calls)
        assert {call.key for call in llm.calls} == {KEY}
        told = place.status("agents", runtime)["told"]
        assert told is not None


def test_a_goal_is_planned_worked_on_reviewed_and_merged_by_two_makers_agents(place):
    plan = {
        "task": [
            {"id": "one", "title": "One", "prompt": writes("one.txt"), "agent": "claude"},
            {"id": "two", "title": "Two", "prompt": writes("two.txt"), "agent": "codex"},
            {"id": "both", "title": "Both", "prompt": writes("both.txt"), "after": ["one", "two"]},
        ]
    }
    with crew(place, "claude", "codex") as llm:
        begin(place, goal=f"Three files. [[plan:{json.dumps(plan)}]]")
        ended = place.end()["data"]
        assert ended["outcome"] == "verified", ended
        assert {entry["task"] for entry in ended["merged"]} == {"one", "two", "both"}
        reviewers = {event["task"]: event["agent"] for event in place.of("review_given")}
        assert reviewers["one"] == "codex"
        assert reviewers["two"] == "claude"
        assert {call.api for call in llm.calls} == {"anthropic", "responses"}


@EACH
def test_short_of_budget_it_stands_still_and_goes_on_in_the_same_session(place, runtime):
    with crew(place, runtime, limits='budget = "2ktok"') as llm:
        begin(place, task("it", writes("new.txt")))
        rest = place.end()
        assert rest["data"]["outcome"] == "budget"
        assert place.status("agents", runtime)["waits"] == "budget"
        assert not booked(place)
        place.client.submit(RaiseBudget(scope="run", amount=Amount(tokens=1_000_000)))
        assert place.end(after=rest["seq"])["data"]["outcome"] == "verified"
        assert len(place.of("attempt_started")) == 1
        assert len(llm.calls) == 3


@EACH
@pytest.mark.parametrize("mode", ["hold", "finish", "refuse"])
def test_one_that_loops_for_ever_spends_no_more_than_it_may(place, runtime, mode):
    budget = 90_000
    with crew(place, runtime, limits=f'budget = "{budget}tok"\nat_budget = "{mode}"\nattempts = 1') as llm:
        begin(place, task("it", "[[script:loop]]"))
        ended = place.end()["data"]
        assert ended["outcome"] in {"budget", "needs_human"}
        spent = sum(call.usage.input + call.usage.output for call in llm.calls)
        assert 0 < spent <= budget
        assert sum(ended["usage"].values()) == spent


@EACH
def test_killed_in_the_middle_of_a_command_nothing_of_it_is_left(place, runtime):
    held = steps({"run": "touch begun; exec tail -f /dev/null"}, {"answer": "Never."})
    with crew(place, runtime):
        begin(place, task("it", held))
        began = place.until("attempt_started")
        clone = Path(began["data"]["tree"])
        while not (clone / "begun").exists():
            place.client.status()
        killed = place.client.kill(runtime)[0]
        assert killed["gone"], killed
        assert killed["processes"] >= 2
        assert not real_agents.marked(str(clone))


def test_its_key_is_nowhere_it_can_look(place):
    hunt = "env; cat /proc/*/environ | tr '\\0' '\\n'; grep -rs sk-test-4f1c7e / --include='*.json' --include='*.toml' 2>/dev/null | head; echo hunted"
    with crew(place, "claude") as llm:
        begin(place, task("it", steps({"run": hunt}, {"write": ["new.txt", "x\n"]}, {"answer": "Done."})))
        assert place.end()["data"]["outcome"] == "verified"
        said = "".join(json.dumps(call.body) for call in llm.calls)
        assert "hunted" in said
        assert KEY not in said
    for path in (*place.root.rglob("*"), *place.layout.state.rglob("*")):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_leave_that_a_person_gives_lets_it_go_on_and_leave_denied_does_not_end_it(place):
    asks = {"permissions.ask": {"execute": "confirm"}}
    job = steps({"run": "echo yes > yes.txt"}, {"run": "echo no > no.txt"}, {"answer": "Done."})
    with crew(place, "claude", **asks):
        begin(place, task("it", job))
        first = place.until("permission_asked")
        assert "yes.txt" in first["data"]["command"]
        place.client.submit(Answer(approval=first["data"]["id"], granted=True))
        second = place.until("permission_asked", after=first["seq"])
        place.client.submit(Answer(approval=second["data"]["id"], granted=False, why="not that one"))
        ended = place.end()
        while ended["data"]["outcome"] == "needs_human":  # it came to rest each time it waited for that
            ended = place.end(after=ended["seq"])
        assert ended["data"]["outcome"] == "verified"
        assert place.git("ls-tree", "--name-only", "main", "yes.txt", "no.txt") == "yes.txt"


@EACH
@pytest.mark.parametrize(
    "fault",
    [
        {"what": "status", "status": 503, "times": 2},
        {"what": "status", "status": 429, "headers": {"retry-after": "4"}},
        {"what": "cut", "at": 0.5},
        {"what": "hang_up"},
    ],
    ids=["503", "429", "cut", "hang_up"],
)
def test_trouble_at_the_vendors_does_not_end_its_work(place, runtime, fault):
    with crew(place, runtime) as llm:
        llm.fault(**{"after": 1, **fault})
        begin(place, task("it", writes("new.txt")))
        assert place.end()["data"]["outcome"] == "verified"
        assert len({usage["request"] for usage in booked(place)}) == len(booked(place))


@EACH
def test_a_vendor_that_lies_about_usage_is_not_believed(place, runtime):
    with crew(place, runtime) as llm:
        llm.fault(what="lie", factor=0, times=-1)
        begin(place, task("it", writes("new.txt")))
        place.end()
        assert any(usage.get("estimated") for usage in booked(place))


@EACH
def test_what_was_recorded_is_played_with_no_vendor(place, runtime):
    tape = str(place.folder / "tape")
    with crew(place, runtime) as llm:
        begin(place, task("it", writes("new.txt")), record=tape)
        assert place.end()["data"]["outcome"] == "verified"
        assert KEY not in Path(tape).read_text()
        asked = len(llm.calls)
        place.git("reset", "-q", "--hard", "HEAD~1")
        begin(place, task("it", writes("new.txt")), replay=tape)
        assert place.end()["data"]["outcome"] == "verified"
        assert len(llm.calls) == asked
