"""Coding agents that may be installed here, and how each can be started by the `command` runtime."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A vendor's agent: its program, its name, and a shell line that does one task and ends.

    The task is JSON; the agent reads it as it stands, and leaves its change in the current folder. `login` are the
    files in HOME that it keeps its log-in in, `hosts` what it talks to, as far as its vendor says.
    """

    program: str
    title: str
    line: str
    login: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


_TASK = '"Do this task, edit files here: $(cat "$QUARTERDECK_TASK")"'

TOOLS = (
    Tool(
        "claude",
        "Claude Code",
        f"claude --permission-mode acceptEdits -p {_TASK}",
        login=(".claude/.credentials.json",),
        hosts=("api.anthropic.com:443", "console.anthropic.com:443"),
    ),
    Tool(
        "codex",
        "Codex",
        f"codex exec --sandbox workspace-write {_TASK}",
        login=(".codex/auth.json",),
        hosts=("api.openai.com:443", "auth.openai.com:443", "chatgpt.com:443"),
    ),
    Tool(
        "gemini",
        "Gemini CLI",
        f"gemini --approval-mode yolo -p {_TASK}",
        login=(".gemini/oauth_creds.json", ".gemini/settings.json"),
        hosts=("cloudcode-pa.googleapis.com:443", "generativelanguage.googleapis.com:443", "oauth2.googleapis.com:443"),
    ),
    Tool("opencode", "opencode", f"opencode run {_TASK}", login=(".local/share/opencode/auth.json",)),
    Tool(
        "qwen",
        "Qwen Code",
        f"qwen --approval-mode yolo -p {_TASK}",
        login=(".qwen/oauth_creds.json", ".qwen/settings.json"),
        hosts=("chat.qwen.ai:443", "portal.qwen.ai:443"),
    ),
    Tool("aider", "aider", f"aider --yes-always --no-check-update --message {_TASK}"),
)


def installed(path: str) -> tuple[Tool, ...]:
    """Those on a PATH, best known first."""
    return tuple(tool for tool in TOOLS if shutil.which(tool.program, path=path))
