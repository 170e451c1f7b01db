"""The scripted model that real agents are tested against: what it says is what its scripts, limits and faults say."""

import http.client
import json
import re
import urllib.error
import urllib.request

import pytest
from support.llm import Usage, model
from support.llm.scripts import find
from support.llm.tools import NoTool, use
from support.llm.words import Asked, Declared, Turn

SHELL = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
FIGURES = {
    "anthropic": ("input_tokens", "output_tokens"),
    "chat": ("prompt_tokens", "completion_tokens"),
    "responses": ("input_tokens", "output_tokens"),
    "gemini": ("promptTokenCount", "candidatesTokenCount"),
}
APIS = sorted(FIGURES)
EVERY_API = pytest.mark.parametrize("api", APIS)
EITHER_WAY = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@pytest.fixture(scope="module")
def shared():
    with model() as llm:
        yield llm


@pytest.fixture
def llm(shared):
    """One server for all tests here: what one has ordered is forgotten before the next."""
    shared.calls.clear()
    shared.faults.clear()
    shared.keys.clear()
    return shared


def request(api, prompt, *, stream=True, most=None):
    """Path and document of a request that declares a shell."""
    said = [{"role": "user", "content": prompt}]
    function = {"name": "bash", "description": "", "parameters": SHELL}
    if api == "gemini":
        path = f"/v1beta/models/m:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        limit = {"generationConfig": {"maxOutputTokens": most}} if most else {}
        return path, {"contents": contents, "tools": [{"functionDeclarations": [function]}], **limit}
    body = {"model": "m", "stream": stream}
    if api == "anthropic":
        tools = [{"name": "bash", "input_schema": SHELL}]
        return "/v1/messages", body | {"messages": said, "max_tokens": most or 1000, "tools": tools}
    if api == "chat":
        told = {"stream_options": {"include_usage": True}, "max_completion_tokens": most}
        return "/v1/chat/completions", body | {
            "messages": said,
            "tools": [{"function": function, "type": "function"}],
            **told,
        }
    return "/v1/responses", body | {
        "input": said,
        "max_output_tokens": most,
        "tools": [{"type": "function", **function}],
    }


def ask(url, api, prompt, *, key="k", **fields):
    """Status, headers and text of the answer."""
    path, body = request(api, prompt, **fields)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    asked = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def told(api, text):
    """The last figures of tokens, in and out, in an answer."""
    found = [re.findall(rf'"{name}": (\d+)', text) for name in FIGURES[api]]
    return tuple(int(figures[-1]) for figures in found) if all(found) else None


@EVERY_API
@EITHER_WAY
def test_a_step_becomes_a_call_of_the_tool_that_is_declared(llm, api, stream):
    status, _, text = ask(llm.url, api, '[[steps:[{"run": "make all"}]]]', stream=stream)

    assert status == 200
    assert '"bash"' in text
    assert "make all" in text
    assert told(api, text) == (llm.calls[0].usage.input, llm.calls[0].usage.output)
    assert llm.calls[0].usage.input == llm.calls[0].size // 4


@EVERY_API
@EITHER_WAY
def test_output_is_held_to_the_limit_that_the_request_sets(llm, api, stream):
    _, _, text = ask(llm.url, api, "[[script:long]]", stream=stream, most=100)

    assert told(api, text)[1] == 100
    assert any(word in text for word in ("max_tokens", '"length"', "max_output_tokens", "MAX_TOKENS"))
    assert text.count(" answer") < 40  # 400 letters, that the responses API repeats; not 16,000


@EVERY_API
def test_figures_can_be_forced_for_budgets_that_are_reached_exactly(llm, api):
    prompt = '[[steps:[{"run": "true", "loop": true, "usage": {"input": 1000, "output": 100}}]]]'
    for _ in range(3):
        ask(llm.url, api, prompt)

    assert llm.spent() == Usage(3000, 300)
    assert llm.spent(key="k").total == 3300
    assert llm.spent(lane="other") == Usage()


@EVERY_API
def test_a_provider_that_lies_is_told_apart_from_what_it_did(llm, api):
    llm.fault(what="lie", factor=3.0)

    _, _, text = ask(llm.url, api, "[[script:long]]", most=100)

    assert told(api, text)[1] == 300
    assert (llm.calls[0].true.output, llm.calls[0].usage.output) == (100, 300)


@EVERY_API
def test_a_refusal_says_in_the_words_of_its_api_when_it_is_over(llm, api):
    llm.fault(what="status", status=429, reset=7, api=api)

    status, headers, text = ask(llm.url, api, "[[script:hello]]")

    assert status == 429
    assert headers.get("retry-after") == "7" or '"retryDelay": "7s"' in text
    assert ask(llm.url, api, "[[script:hello]]")[0] == 200


@EVERY_API
def test_a_stream_that_is_cut_ends_the_connection(llm, api):
    llm.fault(what="cut", at=0.5)

    with pytest.raises((http.client.HTTPException, OSError)):
        ask(llm.url, api, "[[script:long]]")

    assert llm.until(lambda calls: calls[0].ended != "open")[0].ended == "cut"


@EVERY_API
def test_usage_can_be_left_out(llm, api):
    llm.fault(what="no_usage")

    _, _, text = ask(llm.url, api, "[[script:hello]]")

    assert "Hello." in text or api in ("gemini", "responses")
    assert told(api, text) in (None, (llm.calls[0].true.input, 1))  # Anthropic's first event has a placeholder
    assert llm.calls[0].usage == Usage()


def test_lanes_and_keys_are_told_apart(llm):
    llm.keys |= {"sk-test-real"}
    llm.fault(what="status", status=402, lane="poor", times=-1)

    assert ask(llm.url, "chat", "x")[0] == 401
    assert ask(llm.lane("poor"), "chat", "x", key="sk-test-real")[0] == 402
    assert ask(llm.lane("rich"), "chat", "x", key="sk-test-real")[0] == 200
    assert [(call.lane, call.status) for call in llm.calls] == [("", 401), ("poor", 402), ("rich", 200)]


def test_a_fault_of_a_step_strikes_there_and_then_is_over(llm):
    prompt = '[[steps:[{"run": "true", "fault": {"what": "status", "status": 529, "times": 2}}]]]'

    assert [ask(llm.url, "anthropic", prompt)[0] for _ in range(3)] == [529, 529, 200]


def test_a_client_that_leaves_is_seen(llm):
    llm.fault(what="stall", at=0.1)
    path, body = request("anthropic", "[[script:long]]")
    connection = http.client.HTTPConnection("127.0.0.1", llm.port)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    connection.getresponse().close()
    connection.close()

    assert llm.until(lambda calls: calls[0].ended != "open")[0].ended == "left"


# -- scripts, without a server ---------------------------------------------------------------------------------------

JOB = 'Quarterdeck: task a, role {}, attempt {}.\n[[steps:[{{"run":"one"}},{{"run":"two"}}]]] [[steps@2:[{{"run":"more"}}]]] [[review:reject no]]'


def asked(*turns, tools=()):
    return Asked("chat", "m", tuple(Turn(*turn) for turn in turns), {tool.name: tool for tool in tools})


@pytest.mark.parametrize(
    ("role", "attempt", "done", "step"),
    [
        ("work", 1, 0, {"run": "one"}),
        ("work", 1, 1, {"run": "two"}),
        ("work", 1, 2, {"answer": "Done."}),
        ("work", 3, 0, {"run": "more"}),
        ("review", 1, 0, {"json": {"verdict": "reject", "remarks": "no"}}),
    ],
)
def test_what_is_said_follows_from_role_attempt_and_calls_so_far(role, attempt, done, step):
    calls = [("call", "{}"), ("result", "fine")] * done

    assert find(asked(("user", JOB.format(role, attempt)), *calls), {}).step == step


def test_a_prompt_within_a_plan_is_no_script_of_the_planner():
    plan = {"task": [{"id": "a", "prompt": '[[steps:[{"run": "x"}]]]'}]}
    goal = f"[[plan:{json.dumps(plan)}]]"

    assert find(asked(("user", f"Quarterdeck: task p, role plan, attempt 1.\n{goal}")), {}).step == {"json": plan}
    assert find(asked(("user", f"Quarterdeck: task a, role work, attempt 1.\n{goal}")), {}).step == {
        "answer": "Nothing to do."
    }


def test_a_later_message_begins_a_script_of_its_own_and_a_plain_one_goes_on():
    first = ("user", '[[steps:[{"run":"one"},{"run":"two"}]]]')
    call = ("call", "{}")

    assert find(asked(first, call, ("user", "be quick")), {}).step == {"run": "two"}
    assert find(asked(first, call, ("user", '[[steps:[{"run":"new"}]]]')), {}).step == {"run": "new"}


PI = Declared(
    "edit", {"path": {}, "edits": {"items": {"properties": {"oldText": {}, "newText": {}}}}}, ("path", "edits")
)
CLAUDE = Declared("Edit", {"file_path": {}, "old_string": {}, "new_string": {}}, ("file_path",))
CODEX = Declared("apply_patch", freeform=True)
ONLY_SHELL = Declared("exec_command", {"cmd": {"type": "string"}}, ("cmd",))


def test_an_edit_is_said_in_the_words_of_each_agent():
    edit = ("a.py", "old", "new")
    where = ("system", "Primary working directory: /place/it\n")

    assert use(asked(where, tools=[PI]), "edit", edit).arguments["edits"] == [{"oldText": "old", "newText": "new"}]
    assert use(asked(where, tools=[CLAUDE]), "edit", edit).arguments["file_path"] == "/place/it/a.py"
    assert "*** Update File: a.py\n@@\n-old\n+new" in use(asked(where, tools=[CODEX]), "edit", edit).said
    assert "a.py old new" in use(asked(where, tools=[ONLY_SHELL]), "edit", edit).arguments["cmd"]
    with pytest.raises(NoTool):
        use(asked(where, tools=[CODEX]), "run", "true")
