"""Each command against an engine that plays a run: what it asks, what it prints, how it ends."""

import json
import re
import signal
import time

import pytest
from support import plays
from support.served import own_process
from support.stand_in import StandIn, record

from engine.api.calls import CallRefused
from engine.core import commands as c
from engine.core.confinement import level
from engine.core.values import Amount, TaskSpec
from tui import door
from workspaces import layout
from workspaces.identity import identify


def objects(out):
    return [json.loads(line) for line in out.splitlines()]


# -- run -----------------------------------------------------------------------------------------------------------


def test_a_run_is_told_to_its_end_and_its_outcome_is_the_exit_code(quarterdeck, engine):
    code, out, err = quarterdeck("run", "Search in the todo service")
    assert (code, err) == (0, "")
    assert "✓ VERIFIED" in out
    assert engine.do(lambda e: e.asked[0].goal) == "Search in the todo service"


def test_the_last_object_of_a_run_is_run_ended(quarterdeck, engine):
    code, out, _ = quarterdeck("run", "x", "--json", "--headless")
    last = objects(out)[-1]
    assert code == 0
    assert last["kind"] == "run_ended"
    assert last["data"]["outcome"] == "verified"
    assert {merged["task"] for merged in last["data"]["merged"]} == {"search", "cli"}


def test_the_last_object_has_every_field_though_nothing_was_merged(quarterdeck, repo, stuck):
    with StandIn(repo, stuck):
        data = objects(quarterdeck("run", "x", "--json")[1])[-1]["data"]
    assert data["outcome"] == "needs_human"
    assert data["tasks"] == {"parse": "unfinished"}
    assert data["merged"] == []
    assert data["usage"] == {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0}


def test_a_run_that_waits_for_a_person_ends_with_4_and_says_how_to_decide(quarterdeck, repo, stuck):
    with StandIn(repo, stuck):
        code, out, _ = quarterdeck("run", "x")
    assert code == 4
    assert "quarterdeck approve parse/ask.2.0" in out


def test_what_was_typed_reaches_the_engine(quarterdeck, engine, repo):
    (repo / "plan.toml").write_text('[[task]]\nid = "a"\n')
    words = "run --plan plan.toml --pattern solo --agent b --budget 2usd --target dev --unconfined --allow-red"
    quarterdeck(*words.split(), "--json")
    asked = engine.do(lambda e: e.asked[0])
    assert (asked.plan, asked.plan_name) == ('[[task]]\nid = "a"\n', "plan.toml")
    assert (asked.pattern, asked.agent, asked.budget, asked.target) == ("solo", "b", "2usd", "dev")
    assert asked.unconfined
    assert asked.allow_red
    assert "PATH" in asked.environment


def test_of_the_person_s_secrets_only_keys_to_models_are_handed_over(quarterdeck, engine, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    quarterdeck("run", "x", "--json")
    handed = engine.do(lambda e: e.asked[0].environment)
    assert handed["ANTHROPIC_API_KEY"] == "sk-test-a"
    assert "secret" not in handed.values()


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4, 5])
def test_a_refused_run_ends_with_the_engines_code_and_reason(quarterdeck, repo, good, exit_code):
    with StandIn(repo, good, CallRefused("there is a cycle: a -> b -> a", exit_code=exit_code)):
        code, out, err = quarterdeck("run", "x")
    assert (code, out) == (exit_code, "")
    assert err == "quarterdeck: there is a cycle: a -> b -> a\n"


def test_a_resumed_run_is_told_from_where_it_goes_on_but_proven_as_a_whole(quarterdeck, repo, good):
    done = len(good.events)
    record(repo, good.events[: done - 4])
    with StandIn(repo, good) as stand_in:
        stand_in.do(lambda e: e.adopt(done - 4))
        stand_in.do(lambda e: __import__("asyncio").get_running_loop().call_later(0.2, e.adopt, done))
        code, out, _ = quarterdeck("run", "--resume")
    assert code == 0
    assert "planning" not in out
    assert "attempts  4" in out


# -- status --------------------------------------------------------------------------------------------------------


def test_status_shows_who_does_what(quarterdeck, engine):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    code, out, _ = quarterdeck("status")
    assert code == 0
    assert "✓ verified" in out
    assert "builder-1 (scripted)" in out
    assert "! unconfined" in out
    assert "engine: process 4242" in out


def test_status_without_an_engine_reads_the_record_and_says_so(quarterdeck, repo, good):
    record(repo, good.events[:-10])
    code, out, _ = quarterdeck("status")
    assert code == 0
    assert "no engine runs here" in out
    assert "interrupted" in out
    told = json.loads(quarterdeck("status", "--json")[1])
    assert told["engine"] is None
    assert {task["id"] for task in told["tasks"]} == {"search", "cli"}


def test_alone_it_shows_the_status_or_how_to_begin(quarterdeck, repo, good):
    code, out, _ = quarterdeck()
    assert code == 0
    assert "quarterdeck init" in out
    record(repo, good.events)
    assert "verified" in quarterdeck()[1]


# -- agents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "request_", "shown"),
    [
        ("pause", c.PauseAgent(agent="builder-1"), "paused"),
        ("resume", c.ResumeAgent(agent="builder-1"), "resumed"),
        ("stop", c.StopAgent(agent="builder-1"), "stopped"),
    ],
)
def test_an_agent_is_brought_there_and_the_proof_is_shown(quarterdeck, engine, word, request_, shown):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    code, out, _ = quarterdeck(word, "builder-1")
    assert code == 0
    assert shown in out
    assert "all of it" in out
    assert engine.do(lambda e: e.asked) == [request_]


def test_all_agents_are_asked_one_by_one(quarterdeck, engine):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    code, out, _ = quarterdeck("stop", "--all", "--json")
    assert code == 0
    assert [one["agent"] for one in json.loads(out)] == ["planner", "builder-1", "builder-2", "reviewer"]
    assert len(engine.do(lambda e: e.asked)) == 4


def test_kill_prints_one_object_for_one_agent(quarterdeck, engine):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    code, out, _ = quarterdeck("kill", "builder-1", "--json")
    assert code == 0
    assert json.loads(out)["gone"] is True


def test_what_could_not_be_killed_ends_with_1_and_the_reason_last(quarterdeck, engine):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    code, out, err = quarterdeck("kill", "--all")
    assert code == 1
    assert "✗ NOT gone" in out
    assert err == "quarterdeck: the kernel says so\n"


def test_kill_works_without_an_engine_and_holds(quarterdeck, repo):
    from engine.processes.records import held

    code, out, _ = quarterdeck("kill", "builder-1", "--json")
    assert code == 0
    assert json.loads(out) == {
        "agent": "builder-1", "gone": True, "processes": 0, "ms": 0.0, "proof": "no process of it is recorded",
        "snapshot": None,
    }  # fmt: skip

    assert "builder-1" in held(door.layout(door.find(None)).processes)


def test_a_name_that_nobody_has_is_not_held(quarterdeck, repo, good):
    place = record(repo, good.events)
    code, _, err = quarterdeck("kill", "bulider-1")
    assert code == 2
    assert err == 'quarterdeck: no agent "bulider-1": there is planner, builder-1, builder-2, reviewer\n'
    assert list(place.processes.iterdir()) == []


def test_an_engine_that_hangs_is_not_waited_for(quarterdeck, repo, good):
    place = record(repo, good.events)
    with own_process(layout.socket_path(identify(repo).id)) as process:
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        code, out, err = quarterdeck("kill", "builder-1", "--json")
        took = time.monotonic() - began
    assert code == 0
    assert json.loads(out)["gone"] is True
    assert "the engine hangs" in err
    assert took < 4  # asking it for a sign of life would take 10 s
    assert [file.name for file in place.processes.iterdir()] == ["builder-1.hold"]


def test_going_on_takes_no_goal(quarterdeck):
    code, _, err = quarterdeck("run", "--resume", "something else")
    assert code == 2
    assert "--resume" in err


def test_pausing_without_an_engine_says_that_nothing_runs(quarterdeck):
    code, _, err = quarterdeck("pause", "--all")
    assert code == 2
    assert err.startswith("quarterdeck: no engine runs here, so there is nothing to pause")


def test_a_message_is_handed_to_the_engine(quarterdeck, engine):
    engine.do(lambda e: e.adopt(len(e.play.events)))
    assert quarterdeck("send", "builder-1", "mind the tabs")[0] == 0
    assert engine.do(lambda e: e.asked) == [c.SteerAgent(agent="builder-1", text="mind the tabs")]


@pytest.mark.parametrize(("play", "stays"), [(plays.the_waiting_one, True), (plays.the_stuck_one, False)])
def test_the_engine_stays_where_somebody_waits_in_the_middle_of_a_step(quarterdeck, repo, monkeypatch, play, stays):
    with StandIn(repo, play()) as stand_in:
        attach = door.attach
        monkeypatch.setattr("tui.door.enter", lambda place: (attach(place), True))
        code, _, err = quarterdeck("run", "x", "--json")
        assert code in {3, 4}
        assert stand_in.engine.ended.is_set() is not stays
        assert ("builder-1, builder-2, builder-3 can go on in the same session" in err) is stays


# -- people --------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(repo, stuck):
    with StandIn(repo, stuck) as stand_in:
        stand_in.do(lambda e: e.adopt(len(stuck.events)))
        yield stand_in


def test_approvals_are_listed_with_what_decides_them(quarterdeck, waiting):
    code, out, _ = quarterdeck("approvals")
    assert code == 0
    assert "quarterdeck approve parse/ask.2.0" in out
    assert json.loads(quarterdeck("approvals", "--json")[1])[0]["task"] == "parse"


def test_the_short_id_that_is_shown_is_taken(quarterdeck, waiting):
    code, out, _ = quarterdeck("approve", "parse/ask.2.0", "--why", "once more")
    assert code == 0
    assert "approved" in out
    assert waiting.do(lambda e: e.asked) == [c.Answer(approval="parse/ask.2.0", granted=True, why="once more")]


def test_a_denial_is_told_in_the_record(quarterdeck, waiting):
    code, out, _ = quarterdeck("deny", "parse", "--json")
    assert code == 0
    assert "approval_given" in [event["kind"] for event in objects(out)]


def test_an_unknown_approval_is_refused_naming_what_there_is(quarterdeck, waiting):
    code, _, err = quarterdeck("approve", "nothing")
    assert code == 2
    assert 'no approval "nothing": there is 01JDEMO/parse/ask.2.0' in err


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ("task retry parse --note again", c.RetryTask(task="parse", note="again")),
        ("task cancel parse", c.CancelTask(task="parse")),
        ("task reassign parse builder-2", c.ReassignTask(task="parse", to="builder-2")),
        ("budget raise run 5usd", c.RaiseBudget(scope="run", amount=Amount(usd="5"))),
        ("budget raise builder-1 200ktok", c.RaiseBudget(scope="builder-1", amount=Amount(tokens=200_000))),
    ],
)
def test_the_plan_and_the_budget_change_while_the_run_is_on(quarterdeck, waiting, words, request_):
    assert quarterdeck(*words.split())[0] == 0
    assert waiting.do(lambda e: e.asked) == [request_]


@pytest.fixture
def short(repo):
    play = plays.the_waiting_one()
    with StandIn(repo, play) as stand_in:
        stand_in.do(lambda e: e.adopt(len(play.events)))
        yield stand_in


@pytest.mark.parametrize(("verb", "granted"), [("approve", True), ("deny", False)])
def test_leave_for_a_tool_is_shown_and_answered_once_and_for_all(quarterdeck, short, verb, granted):
    out = quarterdeck("approvals")[1]
    assert "builder-3 wants to run npm publish" in out
    name = re.search(r"quarterdeck approve (leave\.\d+) \[--always\]", out)[1]
    found = json.loads(quarterdeck("approvals", "--json")[1])[0]
    assert (found["about"], found["leave"]["command"], found["leave"]["always"]) == ("permission", "npm publish", True)
    code, out, _ = quarterdeck(verb, name, "--always", "--why", "so it is")
    assert code == 0
    assert "once and for all: so it is" in out
    asked = c.Answer(approval=name, granted=granted, why="so it is", always=True)
    assert short.do(lambda e: e.asked) == [asked]


def test_what_was_answered_for_good_is_listed_and_taken_back(quarterdeck, short):
    assert quarterdeck("approvals", "--rules")[1] == "  1  builder may always: execute: npm test\n"
    assert quarterdeck("approvals", "--forget", "2")[0] == 2
    code, out, _ = quarterdeck("approvals", "--forget", "1")
    assert (code, "builder asks again: execute: npm test" in out) == (0, True)
    assert quarterdeck("approvals", "--rules")[1] == "nothing was answered once and for all\n"


def test_the_budgets_of_a_task_and_of_the_day_are_raised_by_name(quarterdeck, short):
    code, out, _ = quarterdeck("budget", "raise", "task:one", "0.01usd")
    assert (code, "the next request may cost 0.05usd" in out) == (0, True)
    assert quarterdeck("budget", "raise", "day", "1mtok")[0] == 0
    assert "the next request may cost" not in quarterdeck("budget", "raise", "task:one", "2usd")[1]
    code, _, err = quarterdeck("budget", "raise", "day", "1usd")
    assert (code, "day has no budget in money" in err) == (2, True)
    agents = json.loads(quarterdeck("status", "--json")[1])["agents"]
    assert [agent["waits"] for agent in agents] == [None, None, "permission", None]


def test_status_says_what_each_waits_for_and_what_is_the_matter_with_providers(quarterdeck, short):
    told = json.loads(quarterdeck("status", "--json")[1])
    one = told["agents"][0]
    assert (one["waits"], one["session"], one["model"]) == ("budget", "s-one", "claude-opus-5")
    assert (one["told"]["usd"], one["usd"]) == ("0.01", "0.08")
    assert [(p["provider"], p["what"], p["to"]) for p in told["providers"]] == [("openai", "opened", "gpt-5.4")]
    assert told["run"]["day"]["budget"] == {"usd": None, "tokens": 9_000}


def test_an_engine_that_is_started_to_decide_takes_the_run_up_first(quarterdeck, waiting, monkeypatch):
    attach = door.attach
    monkeypatch.setattr("tui.door.enter", lambda place: (attach(place), True))
    assert quarterdeck("approve", "parse")[0] == 0
    first, second = waiting.do(lambda e: e.asked)
    assert first.resume
    assert "PATH" in first.environment
    assert second == c.Answer(approval="parse", granted=True)


def test_an_engine_that_was_started_for_nothing_is_ended(quarterdeck, waiting, monkeypatch):
    attach = door.attach
    monkeypatch.setattr("tui.door.enter", lambda place: (attach(place), True))
    assert quarterdeck("task", "retry", "nope")[0] == 2
    assert quarterdeck("down") == (0, "no engine runs here\n", "")


def test_tasks_are_added_from_a_plan_or_a_task_file(quarterdeck, waiting, repo):
    (repo / "more.toml").write_text('[[task]]\nid = "more"\ntitle = "More"\n')
    (repo / "notes.md").write_text("---\ntitle: Notes\n---\nWrite them.\n")
    assert quarterdeck("task", "add", "more.toml")[0] == 0
    assert quarterdeck("task", "add", "notes.md")[0] == 0
    added = waiting.do(lambda e: [request.tasks[0] for request in e.asked])
    assert added[0] == TaskSpec(id="more", title="More")
    assert (added[1].id, added[1].title) == ("notes", "Notes")


# -- the record ----------------------------------------------------------------------------------------------------


def test_the_log_shows_every_event_and_filters(quarterdeck, repo, good):
    record(repo, good.events)
    assert len(quarterdeck("log")[1].splitlines()) == len(good.events)
    assert len(objects(quarterdeck("log", "--json")[1])) == len(good.events)
    about = objects(quarterdeck("log", "--json", "--task", "cli", "--agent", "reviewer", "--since", "20")[1])
    assert about
    assert all(event["task"] == "cli" and event["agent"] == "reviewer" and event["seq"] > 20 for event in about)
    shown = quarterdeck("log", "--task", "cli", "--agent", "reviewer", "--since", "20")[1]
    assert len(shown.splitlines()) == len(about)


def test_following_without_an_engine_ends_and_says_so(quarterdeck, repo, good):
    record(repo, good.events)
    code, out, err = quarterdeck("log", "--follow")
    assert len(out.splitlines()) == len(good.events)
    assert code == 2
    assert "no engine runs here" in err


def test_why_walks_the_causes(quarterdeck, repo, good):
    record(repo, good.events)
    chain = objects(quarterdeck("why", "cli", "--json")[1])
    assert [event["kind"] for event in chain][-1] == "task_ended"
    seen = {event["seq"] for event in chain}
    assert all(event["cause"] in seen for event in chain[1:])
    out = quarterdeck("why", "cli")[1]
    assert "rejects" in out
    assert "assigned" not in out


def test_why_of_an_unknown_task_names_those_there_are(quarterdeck, repo, good):
    record(repo, good.events)
    code, _, err = quarterdeck("why", "nope")
    assert (code, err) == (2, 'quarterdeck: no task "nope" is in the record; there are cli, search\n')


def test_audit_holds_finds_one_flipped_bit_and_changes_nothing(quarterdeck, repo, good):
    place = record(repo, good.events)
    assert quarterdeck("audit", "verify")[0] == 0
    segment = next(path for path in sorted(place.journal.iterdir()) if path.stat().st_size > 1000)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    code, out, err = quarterdeck("audit", "verify")
    assert code == 5
    assert "DAMAGED" in out
    assert segment.name in err
    assert segment.read_bytes() == bytes(data)
    assert json.loads(quarterdeck("audit", "verify", "--json")[1])["damage"]["line"] > 0


def test_an_export_stands_alone(quarterdeck, repo, good, tmp_path):
    record(repo, good.events)
    out = tmp_path / "record.jsonl"
    assert quarterdeck("audit", "export", str(out))[0] == 0
    code, told, _ = quarterdeck("audit", "verify", str(out), "--json")
    assert (code, json.loads(told)["seq"]) == (0, len(good.events))
    code, _, err = quarterdeck("audit", "export", str(out))
    assert code == 2
    assert "is there already" in err


# -- the rest ------------------------------------------------------------------------------------------------------


def test_down_ends_the_engine(quarterdeck, engine):
    code, out, _ = quarterdeck("down")
    assert code == 0
    assert "has ended" in out
    assert quarterdeck("down") == (0, "no engine runs here\n", "")


def test_init_writes_once(quarterdeck, repo):
    assert quarterdeck("init", "--yes")[0] == 0
    written = (repo / "quarterdeck.toml").read_bytes()
    code, _, err = quarterdeck("init", "--yes")
    assert code == 2
    assert "is there already" in err
    assert (repo / "quarterdeck.toml").read_bytes() == written


def test_doctor_says_what_is_wrong_and_how_to_mend_it(quarterdeck, repo):
    code, out, _ = quarterdeck("doctor")
    assert code == 2
    assert "to mend: write one with `quarterdeck init`" in out
    found = json.loads(quarterdeck("doctor", "--json")[1])
    assert {"level": "ok", "what": "git"}.items() <= found[0].items()
    (tier,) = (one for one in found if one["what"] == "confinement")
    assert tier["level"] == {"strong": "ok", "basic": "warn", "unconfined": "bad"}[level(tier["detail"])]
    assert all(told in out for told in (tier["detail"], *tier["more"]))


def test_doctor_tells_what_the_user_s_own_settings_leave_out(quarterdeck, repo, tmp_path, monkeypatch):
    (repo / "quarterdeck.toml").write_text('[project]\ncheck = ["true"]\n')
    (tmp_path / "own.toml").write_text("[security]\nmechanisms = []\n")
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(tmp_path / "own.toml"))
    out = quarterdeck("doctor")[1]
    assert "✗ confinement" in out
    assert "not landlock: your [security] mechanisms leave it out" in out


def test_every_schema_that_is_named_is_there(quarterdeck):
    for name in quarterdeck("schema")[1].split():
        code, out, _ = quarterdeck("schema", name)
        assert code == 0
        assert json.loads(out)["title"] == name
    assert quarterdeck("schema", "nope")[0] == 2
