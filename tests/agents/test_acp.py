"""The client of the Agent Client Protocol, against an agent that plays a part."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import acp_agent
from support.aio import run
from support.plain_keeper import PlainKeeper

from engine.agents import base, talking
from engine.agents.acp import profiles
from engine.agents.acp.adapter import AcpAdapter
from engine.agents.acp.profiles import AcpProfile, profile_of
from engine.agents.base import Brief, NoCommand
from engine.core.values import Tokens

PART = str(Path(acp_agent.__file__))
NAME = Path(sys.executable).name


def said(text, message="m"):
    return {"sessionUpdate": "agent_message_chunk", "messageId": message, "content": {"type": "text", "text": text}}


def call(id_="t", **fields):
    return {"sessionUpdate": "tool_call", "toolCallId": id_, "title": "Look", **fields}


def more(id_="t", **fields):
    return {"sessionUpdate": "tool_call_update", "toolCallId": id_, **fields}


class Played:
    """What became of an assignment: its updates in order, and what the agent heard."""

    def __init__(self, folder, updates):
        self.updates = updates
        self.end = updates[-1]
        self.heard = [json.loads(line) for line in (folder / "heard.jsonl").read_text().splitlines()]
        self.transcript = (folder / "transcript.log").read_text()

    def of(self, kind):
        return [update for update in self.updates if isinstance(update, kind)]

    def told(self, method):
        return [message["params"] for message in self.heard if message.get("method") == method]

    def answers(self):
        return [message for message in self.heard if str(message.get("id")).startswith("ask-")]

    def prompts(self):
        return [params["prompt"][0]["text"] for params in self.told("session/prompt")]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Play a part to its end; `on(update, session)` may answer, steer or cancel."""
    for name in ("clone", "inbox", "outbox"):
        (tmp_path / name).mkdir()

    def play(*turns, on=None, role="work", session="", model="", quirks=None, **part):
        (tmp_path / "part.json").write_text(json.dumps({"turns": turns, **part}))
        if quirks is not None:
            monkeypatch.setattr(profiles, "KNOWN", {NAME: AcpProfile(name="acp", title="part", program=(), **quirks)})
        brief = Brief(
            run="r", task="a", role=role, attempt=1, agent="builder", lease=1,
            clone=tmp_path / "clone", inbox=tmp_path / "inbox", outbox=tmp_path / "outbox",
            task_file=tmp_path / "task.json", transcript=tmp_path / "transcript.log",
            command=(sys.executable, "-S", PART, str(tmp_path / "part.json")), environment={"PATH": "/usr/bin:/bin"},
            instructions={"id": "a", "goal": "g", "prompt": "p"}, session=session, model=model,
        )  # fmt: skip

        async def scenario():
            updates, tasks, here = [], set(), {}

            def hear(update):
                updates.append(update)
                if on and (doing := on(update, here.get("session"))):
                    tasks.add(asyncio.create_task(doing))

            keeper = PlainKeeper()
            try:
                async with asyncio.timeout(60):
                    here["session"] = session = await AcpAdapter().start(brief, keeper, hear)
                    end = await session.finished()
                    await asyncio.gather(*tasks)
            finally:
                await keeper.close()
            assert updates[-1] == end
            assert sum(isinstance(update, base.Finished) for update in updates) == 1
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return updates

        return Played(tmp_path, run(scenario()))

    return play


def answering(allow, why=""):
    def on(update, session):
        return session.answer(update.id, allow=allow, why=why) if isinstance(update, base.Asks) else None

    return on


# -- a turn ----------------------------------------------------------------------------------------------------------


def test_a_turn_is_told_in_our_words_and_its_last_message_is_the_result(play, tmp_path):
    clone = str(tmp_path / "clone")
    diff = {"type": "diff", "path": f"{clone}/src/a.py", "oldText": "one\n", "newText": "two\n"}
    played = play([
        {"update": said("I begin.", "m1")},
        {"update": {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}},
        {"update": {"sessionUpdate": "plan", "entries": [
            {"content": "look", "status": "completed", "priority": "high"},
            {"content": "mend", "status": "in_progress", "priority": "low"}]}},
        {"update": call(kind="edit", status="pending", rawInput={})},
        {"update": more(title="Edit a.py", locations=[{"path": f"{clone}/src/a.py"}], content=[diff])},
        {"update": more(status="completed")},
        {"update": call("u", kind="execute", status="in_progress", rawInput={"command": ["bash", "-lc", "make all"]})},
        {"update": more("u", status="failed", rawOutput={"output": "no rule", "exit_code": 2})},
        {"update": {"sessionUpdate": "usage_update", "used": 900, "size": 2000,
                    "cost": {"amount": 0.1 + 0.2, "currency": "USD"}}},
        {"update": said("All ", "m2")},
        {"update": said("done.", "m2")},
        {"reply": {"stopReason": "end_turn", "usage": {
            "totalTokens": 18, "inputTokens": 5, "outputTokens": 6, "cachedReadTokens": 7}}},
    ], quirks={}, model="big")  # fmt: skip
    assert played.of(base.Opened) == [base.Opened(session="s-1", version="7.1", model="big")]
    assert played.of(base.Thought) == [base.Thought(text="hm")]
    assert played.of(base.Intends) == [
        base.Intends(steps=(base.Step(text="look", status="done"), base.Step(text="mend", status="running")))
    ]
    edit, run_ = [tool for tool in played.of(base.Tool) if tool.status in ("done", "failed")]
    assert (edit.title, edit.kind, edit.paths) == ("Edit a.py", "edit", ("src/a.py",))
    assert (run_.input, run_.output, run_.exit, run_.status) == ("make all", "no rule", 2, "failed")
    (edited,) = played.of(base.Edited)
    assert edited.path == "src/a.py"
    assert edited.patch.endswith("@@ -1 +1 @@\n-one\n+two")
    assert played.updates.index(edited) > played.updates.index(edit)
    assert played.of(base.Context) == [base.Context(used=900, size=2000)]
    tokens = Tokens(input=5, output=6, cache_read=7)
    assert played.of(base.Usage) == [base.Usage(tokens=tokens, usd="0.3", scope="turn", model="big")]
    assert (played.end.reason, played.end.exit, played.end.result.summary) == ("completed", 0, "All done.")
    assert "All done." in played.transcript
    assert played.told("session/new") == [{"cwd": clone, "mcpServers": []}]
    assert played.told("initialize")[0]["clientInfo"]["name"] == "quarterdeck"
    assert "Quarterdeck: task a, role work, attempt 1." in played.prompts()[0]


def test_a_review_is_read_from_the_last_message(play):
    verdict = '```json\n{"verdict": "reject", "remarks": "no test"}\n```'
    played = play([{"update": said("Let me see.", "m1")}, {"update": said(verdict, "m2")}], role="review")
    assert (played.end.result.review.verdict, played.end.result.review.remarks) == ("reject", "no test")
    bare = play([{"update": said("Looks fine.")}], role="review")
    assert bare.end.reason == "failed"
    assert "a review without a verdict" in bare.end.detail


@pytest.mark.parametrize(
    ("stop", "why"),
    [("max_tokens", "limit of tokens"), ("max_turn_requests", "limit of requests"), ("refusal", "refused"),
     ("cancelled", "broken off")],
)  # fmt: skip
def test_only_the_end_of_a_turn_is_a_good_end(play, stop, why):
    played = play([{"update": said("So far.")}, {"reply": {"stopReason": stop}}])
    assert played.end.reason == "failed"
    assert why in played.end.detail


def test_an_exit_status_that_is_not_0_makes_a_good_end_bad(play):
    played = play([{"update": said("Done.")}], status=3)
    assert (played.end.reason, played.end.exit) == ("failed", 3)


def test_an_agent_that_stays_is_ended_and_its_turn_counts(play, monkeypatch):
    monkeypatch.setattr(talking, "LINGER_SECONDS", 0.0)
    played = play([{"update": said("Done.")}], stay=True)
    assert (played.end.reason, played.end.result.summary) == ("completed", "Done.")


# -- leave -----------------------------------------------------------------------------------------------------------


def test_a_tool_waits_for_leave_and_gets_it_once(play):
    asked = {"toolCallId": "t", "title": "Run make", "kind": "execute", "rawInput": {"command": "make"}}
    played = play([{"ask": asked}, {"ask": asked}], on=answering(allow=True))
    first, second = played.of(base.Asks)
    assert first.id != second.id
    assert (first.command, first.tool.kind, first.tool.title) == ("make", "execute", "Run make")
    assert [answer["result"] for answer in played.answers()] == [
        {"outcome": {"outcome": "selected", "optionId": "the-allow_once"}}
    ] * 2
    assert played.end.reason == "completed"
    assert "? asks leave to execute: make" in played.transcript


def test_what_is_refused_is_refused_once_and_the_agent_goes_on(play):
    played = play([{"ask": call(kind="edit")}, {"update": said("Then not.")}], on=answering(allow=False))
    assert played.answers()[0]["result"]["outcome"]["optionId"] == "the-reject_once"
    assert (played.end.reason, len(played.prompts())) == ("completed", 1)


@pytest.mark.parametrize(
    ("allow", "offered", "outcome"),
    [
        (True, ["reject_once", "allow_always"], {"outcome": "selected", "optionId": "the-allow_always"}),
        (True, ["reject_once"], {"outcome": "cancelled"}),
        (False, ["allow_once", "reject_always"], {"outcome": "selected", "optionId": "the-reject_always"}),
        (False, ["allow_once"], {"outcome": "cancelled"}),
        (False, [], {"outcome": "cancelled"}),
    ],
)
def test_an_answer_is_chosen_by_kind_and_never_turned_round(play, allow, offered, outcome):
    played = play([{"ask": call(), "options": offered}], on=answering(allow=allow))
    assert played.answers()[0]["result"]["outcome"] == outcome


def test_leave_may_be_asked_before_the_tool_is_told_of_or_with_less_than_was_told(play):
    told = call("u", kind="execute", title="make", rawInput={"command": "make -j"})
    steps = [{"ask": {"toolCallId": "t", "kind": "edit", "title": "Edit"}}, {"update": more(status="completed")},
             {"update": told}, {"ask": {"toolCallId": "u"}}]  # fmt: skip
    played = play(steps, on=answering(allow=True))
    before, after = played.of(base.Asks)
    assert (before.tool.title, before.command) == ("Edit", "")
    assert (after.tool.title, after.tool.kind, after.command) == ("make", "execute", "make -j")
    assert [tool.status for tool in played.of(base.Tool) if tool.id == "t"] == ["pending", "done"]


def test_a_turn_that_a_refusal_ended_is_followed_by_one_that_says_why(play):
    steps = [{"ask": call()}, {"reply": {"stopReason": "cancelled"}}]
    played = play(steps, [{"update": said("Without.")}], on=answering(allow=False, why="not here"))
    assert (played.end.reason, played.end.result.summary) == ("completed", "Without.")
    assert played.prompts()[1] == "What you asked leave for was refused: not here. Go on without it."


def test_a_turn_that_ended_well_by_a_refusal_is_followed_by_another_where_that_is_its_way(play):
    steps = [{"ask": call()}], [{"update": said("Without.")}]
    assert play(*steps, on=answering(allow=False), quirks={"refused": "end_turn"}).end.result.summary == "Without."
    assert play(*steps, on=answering(allow=True), quirks={"refused": "end_turn"}).prompts()[1:] == []


def test_no_agent_has_more_questions_open_than_anybody_could_answer(play):
    steps = [{"ask": call(f"t{n}"), "go_on": True} for n in range(70)]
    seen = []

    async def answer_all(session):
        for ask in seen:
            await session.answer(ask.id, allow=True)

    def on(update, session):
        if isinstance(update, base.Asks):
            seen.append(update)
        return answer_all(session) if isinstance(update, base.Said) else None

    wait = {"request": ["session/request_permission", {}]}  # answered after all that came before
    played = play([*steps, {"update": said("Well?")}, wait], on=on)
    outcomes = [answer["result"]["outcome"]["optionId"] for answer in played.answers() if "result" in answer]
    assert len(seen) == 64
    assert outcomes.count("the-reject_once") == 6


# -- messages in mid-turn, and the end -------------------------------------------------------------------------------


def test_a_message_goes_into_the_turn_as_another_prompt(play):
    heard = []

    async def steer(session):
        heard.append(await session.steer("also the docs"))

    def on(update, session):
        return steer(session) if isinstance(update, base.Said) and update.text == "Working." else None

    steps = [{"update": said("Working.")}, {"until": "session/prompt"}, {"update": said("Both.", "m2")}]
    played = play(steps, on=on, quirks={"steers": "prompt"})
    assert heard == [True]
    assert played.prompts()[1] == "also the docs"
    assert played.end.result.summary == "Both."


@pytest.mark.parametrize("outcome", ["injected", "promptRequired"])
def test_a_message_goes_by_a_request_of_the_agents_own_or_is_its_next_prompt(play, outcome):
    async def steer(session):
        assert await session.steer("also the docs")

    def on(update, session):
        return steer(session) if isinstance(update, base.Said) and update.text == "Working." else None

    steps = [{"update": said("Working.")}, {"until": "_x/steer"}]
    played = play(steps, on=on, quirks={"steers": "_x/steer"}, **{"_x/steer": {"outcome": outcome}})
    (asked,) = played.told("_x/steer")
    assert asked["prompt"] == [{"type": "text", "text": "also the docs"}]
    assert played.prompts()[1:] == ([] if outcome == "injected" else ["also the docs"])
    assert played.end.reason == "completed"


def test_an_agent_that_takes_no_message_says_so(play):
    heard = []

    async def steer(session):
        heard.append(await session.steer("also the docs"))
        await session.cancel()

    def on(update, session):
        return steer(session) if isinstance(update, base.Said) else None

    play([{"update": said("Working.")}, {"until": "session/cancel"}], on=on)
    assert heard == [False]


def test_an_agent_is_cancelled_by_the_protocol_and_its_questions_with_it(play):
    def on(update, session):
        return session.cancel() if isinstance(update, base.Asks) else None

    steps = [{"update": call("u", kind="execute", status="in_progress")}, {"ask": call()},
             {"until": "session/cancel"}, {"reply": {"stopReason": "cancelled"}}]  # fmt: skip
    played = play(steps, on=on)
    assert played.end.reason == "cancelled"
    assert played.end.exit == 0
    assert played.answers()[0]["result"] == {"outcome": {"outcome": "cancelled"}}
    assert played.told("session/cancel") == [{"sessionId": "s-1"}]
    assert {tool.id: tool.status for tool in played.of(base.Tool)} == {"t": "failed", "u": "failed"}


def test_an_agent_that_does_not_hear_is_ended_all_the_same(play, monkeypatch):
    monkeypatch.setattr(talking, "GRACE_SECONDS", 0.2)

    def on(update, session):
        return session.cancel() if isinstance(update, base.Said) else None

    played = play([{"update": said("Working.")}, {"until": "never"}], on=on)
    assert played.end.reason == "cancelled"


def test_an_agent_that_dies_in_its_turn_has_failed_and_its_tools_are_closed(play):
    played = play([{"update": call(status="in_progress")}, {"exit": 9}])
    assert (played.end.reason, played.end.exit) == ("failed", 9)
    assert "without saying how it went" in played.end.detail
    assert played.of(base.Tool)[-1].status == "failed"


# -- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_of_the_model_ends_it_and_is_told_with_its_status(play):
    error = {"code": -32603, "message": "Internal error", "data": {"details": "API Error: 402 budget exceeded"}}
    played = play([{"error": error}])
    assert played.of(base.Erred) == [base.Erred(text="Internal error: API Error: 402 budget exceeded", status=402)]
    assert played.end.reason == "failed"
    assert "402 budget exceeded" in played.end.detail


def test_an_error_beside_a_good_end_is_an_error(play):
    trouble = {"sessionUpdate": "session_info_update", "_meta": {"codex": {"error": {"message": "402 no credit"}}}}
    retried = {
        "sessionUpdate": "session_info_update",
        "_meta": {"codex": {"error": {"message": "a", "willRetry": True}}},
    }
    quirks = {"trouble": profiles.KNOWN["codex-acp"].trouble}
    played = play([{"update": trouble}, {"update": said("I stop.")}], quirks=quirks)
    assert [erred.text for erred in played.of(base.Erred)] == ["402 no credit"]
    assert (played.end.reason, played.end.detail) == ("failed", "402 no credit")
    assert play([{"update": retried}, {"update": said("Fine.")}], quirks=quirks).end.reason == "completed"


def test_a_message_that_belongs_to_none_is_an_error_at_the_end_of_a_turn_where_that_is_its_way(play):
    lost = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "unexpected status 402 x\n"}}
    played = play([{"update": said("So far.")}, {"update": lost}], quirks={"nameless": True})
    assert played.of(base.Erred) == [base.Erred(text="unexpected status 402 x", status=402)]
    assert (played.end.reason, played.end.detail) == ("failed", "unexpected status 402 x")
    for after in (said("Fine."), call()):
        assert play([{"update": lost}, {"update": after}], quirks={"nameless": True}).end.reason == "completed"
    assert play([{"update": lost}], quirks={}).end.reason == "completed"


def test_its_client_serves_no_files_and_no_terminals(play, tmp_path):
    path = str(tmp_path / "clone" / "evil.txt")
    params = {"sessionId": "s-1", "path": path, "content": "x"}
    steps = [{"request": ["fs/write_text_file", params]}, {"request": ["fs/read_text_file", params]},
             {"request": ["terminal/create", {"sessionId": "s-1", "command": "id"}]},
             {"request": ["session/request_permission", {"sessionId": 3}]}]  # fmt: skip
    played = play([*steps, {"update": said("Well.")}])
    assert [answer["error"]["code"] for answer in played.answers()] == [-32601, -32601, -32601, -32602]
    assert not Path(path).exists()
    assert played.end.reason == "completed"


def test_what_can_not_be_read_is_told_of_a_few_times_and_passed_over(play, caplog):
    bad = [
        {"raw": "hello"}, {"raw": "[1, 2]"}, {"raw": '{"jsonrpc": "2.0", "id": [1], "result": {}}'},
        {"update": {"sessionUpdate": "from the future"}}, {"update": said(3)},
        {"notify": ["session/update", {"sessionId": "s-1"}]}, {"notify": ["session/update", 7]},
        {"notify": ["_own/thing", None]},
        {"update": {"sessionUpdate": "usage_update", "used": 10**40, "size": 1, "cost": {"amount": 1e300, "currency": "USD"}}},
        {"update": call(kind="from the future", status="?", content=[{"type": "?"}], rawOutput={"exit_code": 10**30})},
    ]  # fmt: skip
    played = play([*bad, *bad, {"update": said("Still here.")}])
    assert (played.end.reason, played.end.result.summary) == ("completed", "Still here.")
    assert 4 <= len(played.of(base.Notice)) <= 10
    assert played.of(base.Context)[0].used <= 10**15
    assert played.of(base.Usage) == []
    assert not caplog.records


def test_an_answer_that_is_not_the_protocols_ends_it(play):
    played = play([{"reply": {"stopReason": "whatever"}}])
    assert played.end.reason == "failed"
    assert "its answer to session/prompt is not the protocol's: stopReason" in played.end.detail


# -- sessions --------------------------------------------------------------------------------------------------------


def test_an_earlier_session_is_resumed_and_told_that_it_is_not_new(play):
    offers = {"agentCapabilities": {"loadSession": True, "sessionCapabilities": {"resume": {}}}}
    played = play([{"update": said("Again.")}], session="s-1", initialize=offers)
    assert played.told("session/resume")[0]["sessionId"] == "s-1"
    assert not played.told("session/new")
    assert not played.told("session/load")
    assert played.of(base.Opened)[0].session == "s-1"
    assert played.prompts()[0].startswith("You worked on this before")


def test_a_session_that_is_told_again_is_not_heard(play):
    offers = {"agentCapabilities": {"loadSession": True}}
    load = {"history": [said("Long ago."), call()]}
    played = play([{"update": said("Now.")}], session="s-1", initialize=offers, load=load)
    assert [update.text for update in played.of(base.Said)] == ["Now."]
    assert played.of(base.Tool) == []


def test_a_way_of_resuming_that_is_only_offered_is_followed_by_the_other(play):
    offers = {"agentCapabilities": {"loadSession": True, "sessionCapabilities": {"resume": {}}}}
    missing = {"error": {"code": -32601, "message": "Method not found"}}
    played = play([{"update": said("Here.")}], session="s-1", initialize=offers, resume=missing)
    assert played.told("session/load")[0]["sessionId"] == "s-1"
    assert not played.told("session/new")
    assert not played.of(base.Notice)


def test_a_session_that_is_gone_is_followed_by_a_new_one(play):
    offers = {"agentCapabilities": {"sessionCapabilities": {"resume": {}}}}
    gone = {"error": {"code": -32002, "message": "Resource not found"}}
    played = play([{"update": said("Fresh.")}], session="s-0", initialize=offers, resume=gone)
    assert "can not be taken up" in played.of(base.Notice)[0].text
    assert played.of(base.Opened)[0].session == "s-1"
    assert played.end.reason == "completed"


def test_another_session_of_the_same_agent_is_not_heard(play):
    other = {"sessionId": "s-2", "update": said("Psst.")}
    played = play([{"notify": ["session/update", other]}, {"update": said("Mine.")}])
    assert [update.text for update in played.of(base.Said)] == ["Mine."]


def test_mode_and_model_are_set_where_they_are_offered(play):
    modes = {"currentModeId": "free", "availableModes": [{"id": "free", "name": "f"}, {"id": "asks", "name": "a"}]}
    group = {"group": "g", "name": "g", "options": [{"value": "big", "name": "b"}]}
    model = {"id": "m", "name": "Model", "category": "model", "type": "select", "currentValue": "small",
             "options": [group]}  # fmt: skip
    new = {"modes": modes, "configOptions": [model]}
    played = play(
        [],
        quirks={"mode": lambda _: "asks"},
        model="big",
        new=new,
        **{"session/set_config_option": {"configOptions": []}},
    )
    assert played.told("session/set_mode") == [{"sessionId": "s-1", "modeId": "asks"}]
    assert played.told("session/set_config_option") == [{"sessionId": "s-1", "configId": "m", "value": "big"}]
    other = play([], quirks={"mode": lambda _: "none such"}, model="huge", new=new)
    assert not other.told("session/set_mode")
    assert other.of(base.Opened)[0].model == "huge"


def test_an_agent_that_wants_a_login_is_told_which(play):
    new = {"error": {"code": -32000, "message": "Authentication required"}}
    played = play([{"update": said("In.")}], quirks={"login": "key"}, new=new)
    assert played.told("authenticate") == [{"methodId": "key"}]
    assert played.end.reason == "completed"


def test_an_agent_whose_login_nobody_knows_fails_with_its_words(play):
    played = play([], quirks={}, new={"error": {"code": -32000, "message": "Authentication required"}})
    assert (played.end.reason, played.end.detail.splitlines()[0]) == ("failed", "Authentication required")


def test_a_session_is_closed_where_what_it_started_would_outlive_it(play):
    offers = {"agentCapabilities": {"sessionCapabilities": {"close": {}}}}
    assert play([], quirks={"leaves": 0.01}, initialize=offers).told("session/close") == [{"sessionId": "s-1"}]
    assert not play([], quirks={"leaves": 0.01}).told("session/close")


# -- profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_is_known_by_the_program():
    assert profile_of(["/opt/bin/claude-agent-acp"]).kind == "anthropic"
    assert profile_of(["node", "/x/codex-acp"]).steers == "_session/steering"
    assert profile_of(["gemini", "--acp"]).kind == "gemini"
    assert profile_of(["stranger", "--acp"]) == profiles.ANY


def test_an_agent_of_the_protocol_has_a_command(tmp_path):
    boxes = dict.fromkeys(("clone", "inbox", "outbox", "task_file", "transcript"), tmp_path)
    brief = Brief(
        run="r", task="a", role="work", attempt=1, agent="b", lease=1, command=(), environment={}, **boxes
    )  # fmt: skip
    with pytest.raises(NoCommand, match="claude-agent-acp"):
        run(AcpAdapter().start(brief, PlainKeeper(), lambda _: None))


def test_nobody_pays_for_the_sdk_before_an_agent_starts():
    line = (
        "import sys, engine.agents.runtimes as r; [r.adapter_for('b', name) for name in r.RUNTIMES];"
        "sys.exit(any(name.partition('.')[0] == 'acp' for name in sys.modules))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", line], cwd=root, check=False).returncode == 0
