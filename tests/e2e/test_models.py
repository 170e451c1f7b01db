"""Agents that ask a model through the engine: from their sandbox, metered, within their budgets, with no key of theirs."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

import pytest
from support.engines import task
from support.llm import model

from engine.core.commands import RaiseBudget, ResumeAgent
from engine.core.values import Amount

KEY = "sk-test-real"
ASK = """
import urllib.request, urllib.error
def ask(prompt="[[script:hello]]", most=400, token=None, base=None):
    body = {"model": "claude-sonnet-5-5", "max_tokens": most, "messages": [{"role": "user", "content": prompt}]}
    headers = {"x-api-key": token or os.environ["ANTHROPIC_API_KEY"], "content-type": "application/json"}
    url = (base or os.environ["ANTHROPIC_BASE_URL"]) + "/v1/messages"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"status": error.code, "said": error.read().decode()}
"""


@contextmanager
def asking(place, **limits):
    """A crew of programs that ask, and the vendor they ask."""
    with model() as llm:
        llm.keys = {KEY}
        settings = place.folder / "home" / "quarterdeck" / "config.toml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(f'[gateway.anthropic]\nurl = "{llm.url}"\nkey = "command:echo {KEY}"\n')
        settings.chmod(0o600)
        more = "".join(f"{name} = {json.dumps(value)}\n" for name, value in limits.items())
        place.project(more=f"[limits]\n{more}", builders=1)
        yield llm


def work(prompt: str) -> dict:
    return task("it", f"{ASK}\n{prompt}")


def booked(place):
    return [event["data"] for event in place.of("usage_booked")]


def test_what_an_agent_asks_is_metered_and_it_has_no_key(place):
    with asking(place) as llm:
        place.start(
            [
                work("""
said = ask()
note("said", json.dumps(said))
note("environment", json.dumps(dict(os.environ)))
note("bad", json.dumps(ask(token="qd-somebody-else")))
write("it.txt", "done")
""")
            ]
        )
        assert place.end()["data"]["outcome"] == "verified"
        [call] = llm.calls
        [usage] = booked(place)
        assert call.key == KEY
        assert usage["source"] == "gateway"
        assert usage["tokens"] == {"input": call.usage.input, "output": call.usage.output}
        assert usage["price"].startswith("genai-prices")
        assert json.loads(place.noted("bad")[0])["status"] == 401
        assert KEY not in place.noted("environment")[0]
        run = place.client.status()["run"]
        assert run["usd"] == usage["usd"]
        [entry] = [json.loads(line) for line in place.noted("said")]
        assert entry["content"]


def test_one_who_is_short_of_budget_stands_still_and_goes_on_in_the_same_breath(place):
    with asking(place, budget="500tok") as llm:
        place.start(
            [
                work("""
note("pids", str(os.getpid()))
ask(most=4000)
note("pids", str(os.getpid()))
write("it.txt", "done")
""")
            ]
        )
        ended = place.end()
        assert ended["data"]["outcome"] == "budget"
        assert not llm.calls
        agent = place.status("agents", "builder")
        assert (agent["state"], agent["waits"]) == ("paused", "budget")
        place.client.submit(RaiseBudget(scope="run", amount=Amount(tokens=100_000)))
        assert place.end(after=ended["seq"])["data"]["outcome"] == "verified"
        assert len(set(place.noted("pids"))) == 1
        assert len(llm.calls) == 1
        assert len(place.of("attempt_started")) == 1


def test_a_person_who_lets_it_go_on_without_a_raise_is_told_again(place):
    with asking(place, budget="500tok") as llm:
        place.start([work("ask(most=4000)\nwrite('it.txt', 'done')")])
        ended = place.end()
        place.client.submit(ResumeAgent(agent="builder"))
        again = place.end(after=ended["seq"])
        assert again["data"]["outcome"] == "budget"
        assert not llm.calls


def test_where_requests_are_refused_the_step_is_taken_up_again_after_a_raise(place):
    with asking(place, budget="500tok", at_budget="refuse") as llm:
        place.start(
            [
                work("""
said = ask(most=4000)
if said.get("status") == 402:
    sys.exit(3)
write("it.txt", "done")
""")
            ]
        )
        ended = place.end()
        assert ended["data"]["outcome"] == "budget"
        assert not llm.calls
        [interrupted] = place.of("stage_interrupted")
        assert not interrupted["data"].get("counted", True)
        place.client.submit(RaiseBudget(scope="run", amount=Amount(tokens=100_000)))
        assert place.end(after=ended["seq"])["data"]["outcome"] == "verified"


def test_a_limited_provider_parks_the_agent_until_it_takes_requests_again(place):
    with asking(place) as llm:
        llm.fault(what="status", status=429, headers={"retry-after": "4"})
        place.start([work("ask()\nwrite('it.txt', 'done')")])
        paused = place.until("agent_pause_asked")
        assert paused["data"]["why"] == "provider"
        assert place.end()["data"]["outcome"] == "verified"
        assert len(llm.calls) == 2
        assert next(event["data"]["what"] for event in place.of("provider_changed")) == "limited"


def test_what_was_under_way_when_the_engine_died_is_booked_once_by_the_next(place):
    with asking(place) as llm:
        llm.fault(what="mute")
        place.start([work("ask('[[script:hello]] ' + str(attempt), most=300)\nwrite('it.txt', 'done')")])
        llm.until(bool)
        place.until("attempt_started")
        place.crash()
        assert place.end()["data"]["outcome"] == "verified"
        estimated = [usage for usage in booked(place) if usage.get("estimated")]
        assert [usage["tokens"]["output"] for usage in estimated] == [300]
        assert len({usage["request"] for usage in booked(place)}) == len(booked(place)) == 2


@pytest.mark.parametrize("mechanism", ["landlock", "none"])
def test_the_models_are_reached_in_every_tier(place, mechanism):
    with asking(place) as llm:
        settings = place.folder / "home" / "quarterdeck" / "config.toml"
        names = [] if mechanism == "none" else [mechanism]
        settings.write_text(
            f"{settings.read_text()}[security]\nmechanisms = {json.dumps(names)}\nallow_unconfined = true\n"
        )
        place.start([work("ask()\nwrite('it.txt', 'done')")], unconfined=True)
        assert place.end()["data"]["outcome"] == "verified"
        assert len(llm.calls) == 1
        assert len(booked(place)) == 1


def test_a_run_is_recorded_and_played_without_a_vendor(place):
    prompt = "note('said', json.dumps(ask()))\nwrite('it.txt', str(task['run']))"
    tape = os.fspath(place.folder / "tape")
    with asking(place) as llm:
        place.start([work(prompt)], record=tape)
        assert place.end()["data"]["outcome"] == "verified"
        assert len(llm.calls) == 1
        place.start([work(prompt)], replay=tape)
        assert place.end()["data"]["outcome"] == "verified"
        assert len(llm.calls) == 1
        first, second = (json.loads(line) for line in place.noted("said"))
        assert first == second
