"""Codex's adapter, against what the real program once printed, and against what it might print."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aio import run
from support.replay import Stage, make_brief, stream

from engine.agents import totals
from engine.agents.base import Asks, Edited, Erred, Finished, Intends, Opened, Retries, Said, Step, Thought, Tool, Usage
from engine.agents.codex.adapter import codex
from engine.agents.codex.profile import arguments
from engine.core.values import Tokens

COMPLETED = {"type": "turn.completed", "usage": {"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 3}}
BASES = {"openai": "http://127.0.0.1:3129/openai"}


@pytest.fixture
def stage(tmp_path):
    return lambda **fields: Stage(codex(), make_brief(tmp_path, **fields))


def item(state="completed", **fields):
    return {"type": f"item.{state}", "item": {"id": "item_0", **fields}}


def message(text):
    return item(type="agent_message", text=text)


def options(brief):
    """What stands after each -c, read as Codex reads it."""
    argv = list(arguments(brief))
    given = [argv[at + 1] for at, word in enumerate(argv) if word == "-c"]
    return tomllib.loads("\n".join(given))


# -- what was recorded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1 << 16, 7])
def test_a_whole_job_is_told_step_by_step(stage, piece):
    here = stage(model="gpt-5.5")
    end = run(here.replay(stream("codex-job"), piece=piece))

    assert (end.reason, end.exit, end.result.summary) == ("completed", 0, "Finished: it says two.")
    assert here.of(Opened) == [Opened(session=stream("codex-job")[0]["thread_id"], model="gpt-5.5")]
    assert [thought.text for thought in here.of(Thought)] == ["Where to begin?\n"]
    assert [said.text for said in here.of(Said)] == ["I begin.\n", "Finished: it says two.\n"]
    last = {tool.id: tool for tool in here.of(Tool)}
    assert [(tool.kind, tool.title, tool.status, tool.exit) for tool in last.values()] == [
        ("edit", "patch notes.txt", "done", None),
        ("execute", "cat notes.txt", "done", 0),
        ("edit", "patch notes.txt", "done", None),
        ("execute", "cat notes.txt; exit 3", "failed", 3),
    ]
    assert [edited.path for edited in here.of(Edited)] == ["notes.txt", "notes.txt"]
    assert not here.of(Asks)


def test_the_count_of_a_whole_thread_is_taken_apart(stage):
    thread = stream("codex-job")[0]["thread_id"]
    first, again = stage(), stage(session=thread)
    run(first.replay(stream("codex-job")))
    run(again.replay(stream("codex-resumed")))
    counted = [stream(name)[-1]["usage"] for name in ("codex-job", "codex-resumed")]
    assert again.of(Usage)[-1].tokens == Tokens(
        input=counted[1]["input_tokens"] - counted[0]["input_tokens"],
        output=counted[1]["output_tokens"] - counted[0]["output_tokens"],
    )
    assert {used.scope for used in first.of(Usage) + again.of(Usage)} == {"session"}


def test_of_a_thread_that_nobody_remembers_no_count_is_claimed(stage, monkeypatch):
    monkeypatch.setattr(totals, "_KNOWN", type(totals._KNOWN)())
    here = stage(session=stream("codex-job")[0]["thread_id"])
    run(here.replay(stream("codex-resumed")))
    assert not here.of(Usage)
    assert totals.before(here.brief.session) is not None  # from now on


def test_a_refused_request_fails_with_its_status_and_its_reason(stage):
    here = stage()
    end = run(here.replay(stream("codex-refused"), code=1))
    assert (end.reason, end.exit) == ("failed", 1)
    assert "402 Payment Required: out of money" in end.detail
    assert [(tried.attempt, tried.status) for tried in here.of(Retries)] == [(1, 402)]
    assert [erred.status for erred in here.of(Erred)] == [402]
    assert not here.of(Opened)  # such a session can not be taken up again


# -- what it means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "code", "reason", "detail"),
    [
        ([message("Done."), COMPLETED], 0, "completed", ""),
        ([message("Done."), COMPLETED], 1, "failed", "its program ended with exit status 1"),
        ([message("Done.")], 0, "failed", "its output ended without saying how it went"),
        ([{"type": "turn.failed", "error": {"message": "no"}}], 0, "failed", "no"),
        ([{"type": "error", "message": "last status: 429 Too Many Requests"}], 1, "failed", "last status: 429 Too Many Requests"),
        ([{"type": "error", "message": "a mere warning"}, COMPLETED], 0, "completed", ""),
    ],
)  # fmt: skip
def test_only_a_completed_turn_and_exit_0_are_a_success(stage, messages, code, reason, detail):
    end = run(stage().replay(messages, code))
    assert (end.reason, end.detail) == (reason, detail)


def test_a_lost_connection_is_told_as_one_more_try(stage):
    here = stage()
    end = run(here.replay([{"type": "error", "message": "Reconnecting... waiting for network (refused)"}], code=1))
    assert [(tried.attempt, tried.status) for tried in here.of(Retries)] == [(1, 0)]
    assert end.detail.startswith("its output ended without saying how it went")


def test_what_came_from_a_cache_is_a_part_of_its_input(stage):
    here = stage()
    run(here.replay([COMPLETED]))
    assert here.of(Usage)[-1].tokens == Tokens(input=6, cache_read=4, output=3)


def test_a_file_that_could_not_be_patched_was_not_edited(stage):
    here = stage()
    changes = [{"path": "/clone/a", "kind": "update"}]
    run(here.replay([item(type="file_change", changes=changes, status="failed"), COMPLETED]))
    assert not here.of(Edited)
    assert here.of(Tool)[-1].status == "failed"


def test_what_still_runs_at_its_end_has_failed(stage):
    here = stage()
    command = {"type": "command_execution", "command": "make", "exit_code": None, "status": "in_progress"}
    run(here.replay([item("started", **command)], code=1))
    assert [tool.status for tool in here.of(Tool)] == ["running", "failed"]


def test_its_plan_is_told(stage):
    here = stage()
    entries = [{"text": "a", "completed": True}, {"text": "b", "completed": False}]
    run(here.replay([item("updated", type="todo_list", items=entries), COMPLETED]))
    assert here.of(Intends) == [Intends(steps=(Step(text="a", status="done"), Step(text="b")))]


def test_a_review_comes_out_of_its_last_message(stage):
    here = stage(role="review")
    text = 'Fine.\n```json\n{"verdict": "approve", "remarks": ""}\n```'
    end = run(here.replay([message("Let me see."), message(text), COMPLETED]))
    assert (end.reason, end.result.review.verdict, end.result.summary) == ("completed", "approve", "Fine.")


# -- how it is started -----------------------------------------------------------------------------------------------


def test_its_task_is_all_of_its_stdin(stage):
    async def scenario():
        here = stage()
        program = await here.begin()
        assert program.hushed.is_set()
        assert not await here.session.steer("more")
        program.print([COMPLETED])
        program.end()
        await here.session.finished()
        return program

    program = run(scenario())
    assert program.heard.startswith(b"Quarterdeck: task a, role work, attempt 1.\n")
    assert program.program.argv[-1] == "-"


def test_everything_it_must_know_is_on_its_command_line_but_the_key(tmp_path):
    brief = make_brief(tmp_path, bases=BASES, token="sk-test-token", model="m", home=Path("/root"))
    told = options(brief)
    provider = told["model_providers"]["quarterdeck"]
    assert told["model_provider"] == "quarterdeck"
    assert (provider["base_url"], provider["env_key"]) == ("http://127.0.0.1:3129/openai/v1", "OPENAI_API_KEY")
    assert (provider["supports_websockets"], provider["request_max_retries"]) == (False, 1)
    assert (told["analytics"]["enabled"], told["check_for_update_on_startup"]) == (False, False)
    assert told["features"]["plugins"] is False  # else it asks api.github.com and chatgpt.com
    assert "sk-test-token" not in " ".join(arguments(brief))
    assert codex().environment(brief)["OPENAI_API_KEY"] == "sk-test-token"
    assert codex().home(brief) == {}


def test_an_own_log_in_stands_in_for_a_key(tmp_path):
    provider = options(make_brief(tmp_path, bases=BASES))["model_providers"]["quarterdeck"]
    assert provider["requires_openai_auth"] is True
    assert "env_key" not in provider
    assert "model_providers" not in options(make_brief(tmp_path))


def test_its_own_sandbox_is_on_only_outside_of_ours(tmp_path):
    assert options(make_brief(tmp_path, home=Path("/root")))["sandbox_mode"] == "danger-full-access"
    outside = options(make_brief(tmp_path))
    assert outside["sandbox_mode"] == "workspace-write"
    assert outside["sandbox_workspace_write"]["writable_roots"] == [str(tmp_path / "inbox"), str(tmp_path / "outbox")]


def test_a_session_is_taken_up_again_by_its_id(tmp_path):
    argv = list(arguments(make_brief(tmp_path, session="thread-1")))
    assert argv[:2] == ["exec", "resume"]
    assert argv[-2:] == ["thread-1", "-"]


# -- what it might print ---------------------------------------------------------------------------------------------

LINES = [line for name in ("codex-job", "codex-refused") for line in stream(name)]
JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=2), max_size=2)


@given(st.lists(st.tuples(st.sampled_from(LINES), st.randoms(use_true_random=False), JSON), max_size=10))
@settings(max_examples=60, deadline=None)
def test_whatever_it_prints_the_assignment_ends_in_order(tmp_path_factory, spoiled):
    here = Stage(codex(), make_brief(tmp_path_factory.mktemp("spoiled")))
    end = run(here.replay([_spoil(*one) for one in spoiled]))
    assert here.updates[-1] == end
    assert sum(isinstance(update, Finished) for update in here.updates) == 1
    assert {tool.status for tool in {tool.id: tool for tool in here.of(Tool)}.values()} <= {"done", "failed"}


def _spoil(line, chance, value):
    """A line that was printed once, with something else in one place."""
    line = json.loads(json.dumps(line))
    inner = line
    while True:
        key = chance.choice(sorted(inner))
        if not (isinstance(inner[key], dict) and inner[key]) or chance.random() < 0.2:
            inner[key] = value
            return line
        inner = inner[key]
