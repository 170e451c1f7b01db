"""Coding agents that may be installed here: how each is called, what it can do, and which models it talks to.

What a program can do was measured with the real ones; a version is asked for only where somebody wants to know.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from engine.gateway.llm.values import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A vendor's agent: its `runtime` in the settings, its program, the API it speaks to its models.

    `login` are the files in HOME that it keeps its log-in in, `hosts` what it talks to, as far as its vendor says.
    `asks`: it can ask leave for a tool, and wait for the answer. `resumes`: it takes up a session again.
    """

    runtime: str
    title: str
    kind: Kind
    login: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    asks: bool = False
    resumes: bool = False
    install: str = ""

    @property
    def program(self) -> str:
        """What is looked for on PATH."""
        return self.runtime


TOOLS = (
    Tool(
        runtime="claude",
        title="Claude Code",
        kind="anthropic",
        login=(".claude/.credentials.json",),
        hosts=("api.anthropic.com:443", "console.anthropic.com:443"),
        asks=True,
        resumes=True,
        install="npm install -g @anthropic-ai/claude-code",
    ),
    Tool(
        runtime="codex",
        title="Codex",
        kind="openai",
        login=(".codex/auth.json",),
        hosts=("api.openai.com:443", "auth.openai.com:443", "chatgpt.com:443"),
        resumes=True,
        install="npm install -g @openai/codex",
    ),
    Tool(
        runtime="gemini",
        title="Gemini CLI",
        kind="gemini",
        login=(".gemini/oauth_creds.json", ".gemini/settings.json"),
        hosts=("cloudcode-pa.googleapis.com:443", "generativelanguage.googleapis.com:443", "oauth2.googleapis.com:443"),
        resumes=True,
        install="npm install -g @google/gemini-cli",
    ),
    Tool(
        runtime="opencode",
        title="opencode",
        kind="openai",
        login=(".local/share/opencode/auth.json",),
        resumes=True,
        install="npm install -g opencode-ai",
    ),
    Tool(
        runtime="pi",
        title="pi",
        kind="openai",
        login=(".pi/agent/auth.json",),
        resumes=True,
        install="npm install -g @mariozechner/pi-coding-agent",
    ),
    Tool(
        runtime="qwen",
        title="Qwen Code",
        kind="openai",
        login=(".qwen/oauth_creds.json", ".qwen/settings.json"),
        hosts=("chat.qwen.ai:443", "portal.qwen.ai:443"),
        resumes=True,
        install="npm install -g @qwen-code/qwen-code",
    ),
    Tool(runtime="aider", title="aider", kind="openai", install="pipx install aider-chat"),
)
BY_RUNTIME = {tool.runtime: tool for tool in TOOLS}
ACP: dict[str, Kind] = {"claude-agent-acp": "anthropic", "codex-acp": "openai"}
"""Programs that speak the Agent Client Protocol for an agent that does not itself, and the API they ask models by."""


def spoken(command: Sequence[str]) -> Kind | None:
    """The API that a program of the Agent Client Protocol asks models by, as far as its name tells."""
    known = ACP | {tool.program: tool.kind for tool in TOOLS}
    return next((known[name] for word in command[:2] if (name := PurePath(word).name) in known), None)


def installed(path: str) -> tuple[Tool, ...]:
    """Those on a PATH, best known first."""
    return tuple(tool for tool in TOOLS if shutil.which(tool.program, path=path))
