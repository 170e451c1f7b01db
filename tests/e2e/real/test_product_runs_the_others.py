"""The product with the agents that a person may have installed: sandbox, gateway, leave, and a scripted model."""

from __future__ import annotations

import json

import pytest
from support import real_agents
from support.engines import a_place, task
from support.llm import model

from engine.config.vendors import VENDORS

pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]

KEY = "sk-test-4f1c7e-the-real-one"
AGENTS = {
    "gemini": ("gemini", []),
    "opencode": ("opencode", []),
    "qwen": ("qwen", []),
    "aider": ("aider", []),
    "acp-claude": ("acp", ["claude-agent-acp"]),
    "acp-codex": ("acp", ["codex-acp"]),
    "acp-gemini": ("acp", ["gemini", "--acp"]),
    "acp-opencode": ("acp", ["opencode", "acp"]),
    "acp-qwen": ("acp", ["qwen", "--acp"]),
}
JOB = [{"write": ["new.txt", "new\n"]}, {"run": "cat new.txt"}, {"answer": "Wrote new.txt."}]


@pytest.fixture
def place(monkeypatch):
    with a_place(monkeypatch) as found:
        yield found


@pytest.mark.parametrize("name", AGENTS)
def test_its_work_is_merged_and_metered_to_the_token(place, name):
    runtime, command = AGENTS[name]
    real_agents.need(command[0] if command else runtime)
    with model() as llm:
        llm.keys = {KEY}
        settings = place.folder / "home" / "quarterdeck" / "config.toml"
        settings.parent.mkdir(exist_ok=True)
        gateways = (f'[gateway.{vendor}]\nurl = "{llm.url}"\nkey = "command:echo {KEY}"\n' for vendor in VENDORS)
        settings.write_text("".join(gateways))
        settings.chmod(0o600)
        lines = ["[project]", 'check = ["test -d ."]', "review = false", "[agents.worker]", f'runtime = "{runtime}"']
        lines += [f"command = {json.dumps(command)}"] if command else []
        (place.root / "quarterdeck.toml").write_text("\n".join((*lines, "")))
        place.git("add", "-A")
        place.git("commit", "-qm", "the crew")
        place.start([task("it", f"[[steps:{json.dumps(JOB)}]]")], path=real_agents.where())
        ended = place.end()["data"]
        assert ended["outcome"] == "verified", ended
        assert place.git("show", "main:new.txt") == "new"
        files = place.git("ls-tree", "-r", "--name-only", "main").split()
        assert files == ["a.txt", "new.txt", "quarterdeck.toml", "src/b.py"]
        booked = [event["data"] for event in place.of("usage_booked") if event["data"].get("counted", True)]
        metered = [call for call in llm.calls if call.asked]
        assert len(booked) == len(metered) > 0
        assert ended["usage"]["output"] == sum(call.usage.output for call in metered)
        assert {call.key for call in metered} == {KEY}
