"""What agents could find out or make of the gateway: keys and tokens hunted for, figures that are lies, other agents' places."""

from __future__ import annotations

import json
import shlex

import pytest
from support import real_agents
from support.engines import a_place, task
from support.llm import model

pytestmark = [pytest.mark.agents, pytest.mark.timeout(150)]

KEY = "sk-test-4f1c7e-the-real-one"
NEEDLE = "4f1c7e"
"""What is looked for, so that the hunt itself does not name the key."""
EACH = pytest.mark.parametrize("runtime", ["claude", "codex", "pi"])
HUNT = (
    "(env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; grep -rsh --binary-files=text "
    f'{NEEDLE} "$HOME" /tmp /run /etc /var "$PWD/..") 2>/dev/null | grep -o \'{NEEDLE}-[a-z][a-z-]*\' | sort -u; echo hunted'
)
"""Its own pattern is not what it finds."""
PROBE = """\
import os, urllib.error, urllib.request
base = os.environ.get("ANTHROPIC_BASE_URL") or os.environ.get("OPENAI_BASE_URL") or "http://127.0.0.1:3129/openai"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for token in ("", "qd-someone-else"):
    headers = {"authorization": "Bearer " + token, "x-api-key": token}
    try:
        opener.open(urllib.request.Request(base.removesuffix("/v1") + "/v1/models", headers=headers), timeout=5)
        print("taken")
    except urllib.error.HTTPError as error:
        print("code", error.code)
"""
"""Asks the gateway without a token, and with one that is not the agent's."""


@pytest.fixture
def place(monkeypatch):
    with a_place(monkeypatch) as found:
        yield found


@pytest.fixture
def llm():
    with model() as scripted:
        scripted.keys = {KEY}
        yield scripted


def begin(place, llm, runtime, *steps, limits=""):
    """A run of one task by one agent; the key stands in the person's own settings, in their HOME."""
    real_agents.need(runtime)
    settings = place.folder / "home" / "quarterdeck" / "config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(
        "".join(
            f'[gateway.{name}]\nurl = "{llm.url}"\nkey = "command:echo {KEY}"\n' for name in ("anthropic", "openai")
        )
    )
    settings.chmod(0o600)
    crew = f'[project]\ncheck = ["true"]\nreview = false\n[limits]\n{limits}\n[agents.it]\nruntime = "{runtime}"\n'
    (place.root / "quarterdeck.toml").write_text(crew)
    place.git("add", "-A")
    place.git("commit", "-qm", "the crew")
    place.start([task("it", f"[[steps:{json.dumps(list(steps))}]]")], path=real_agents.where())


def holding(place, text):
    """Files of the repository and of the state with this text in them; the engine must be down."""
    files = [path for top in (place.root, place.layout.state) for path in top.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


@EACH
def test_the_real_key_is_nowhere_an_agent_looks_and_nowhere_in_what_is_kept(place, llm, runtime):
    begin(place, llm, runtime, {"run": HUNT}, {"write": ["new.txt", "x\n"]}, {"answer": "Done."})
    assert place.end()["data"]["outcome"] == "verified"

    heard = "\n".join(
        turn.text for call in llm.calls if call.asked for turn in call.asked.turns if turn.whose == "result"
    )
    assert "hunted" in heard
    assert "the-real-one" not in heard
    place.down()
    assert holding(place, KEY) == []


@EACH
def test_the_gateway_hears_an_agent_only_with_its_own_token(place, llm, runtime):
    begin(
        place,
        llm,
        runtime,
        {"run": shlex.join(["python3", "-c", PROBE])},
        {"write": ["new.txt", "x\n"]},
        {"answer": "Done."},
    )
    assert place.end()["data"]["outcome"] == "verified"

    heard = "\n".join(
        turn.text for call in llm.calls if call.asked for turn in call.asked.turns if turn.whose == "result"
    )
    assert heard.count("code 401") >= 2, heard


@pytest.mark.parametrize("runtime", ["claude", "codex"])
@pytest.mark.parametrize("factor", [3.0, 1000.0])
def test_a_vendor_that_tells_of_more_than_was_held_is_booked_as_it_says_and_stops_the_agent(
    place, llm, runtime, factor
):
    llm.fault(what="lie", factor=factor, times=-1)
    begin(
        place,
        llm,
        runtime,
        {"run": "true", "loop": True},
        limits='budget = "200ktok"\nat_budget = "refuse"\nattempts = 1',
    )
    ended = place.end()["data"]

    assert ended["outcome"] != "verified"
    told = sum(call.usage.total for call in llm.calls if call.status == 200)
    assert sum(ended["usage"].values()) == told
    over = [call for call in llm.calls if call.asked]
    assert sum(call.usage.total for call in over[:-1]) < 200_000  # only the last could go beyond
